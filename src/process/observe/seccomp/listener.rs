//! Owns the thread that answers the calls of an observed job, until the last process of the job has ended.
//!
//! A call that is reported waits for the answer, which is always that it may go on. If the listener were closed, the
//! calls of processes that still live would fail. So the thread stays until the system says that none is left, also when
//! the attempt is over and nobody is interested in what they do.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use libc::{seccomp_notif, seccomp_notif_resp, seccomp_notif_sizes};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::{Observation, ObservationError};
use super::filter::decode;
use super::install::ListenerReceiver;
use super::translate::Translator;

/// `SECCOMP_IOCTL_NOTIF_RECV`, `_SEND` and `_SET_FLAGS` of linux/seccomp.h, which contain the sizes of their arguments.
const RECEIVE: u64 = 0xc050_2100;
const SEND: u64 = 0xc018_2101;
const SET_FLAGS: u64 = 0x4008_2104;

/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: the waiting process continues on the same processor, which is faster.
const SYNC_WAKE_UP: u64 = 1;

/// What a switch to the listener and back costs about, beside what the listener does itself.
const SWITCH: Duration = Duration::from_micros(8);

/// The most listeners at once: each is a thread that lives as long as the processes of its job.
const MOST_LISTENERS: u32 = 32;
static LISTENERS: AtomicU32 = AtomicU32::new(0);

/// How long to wait after an error that may pass.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the end of an observation waits for the thread.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread and the slot of the job share.
pub(in crate::process::observe) struct Shared {
    state: Mutex<State>,
}

struct State {
    translator: Option<Translator>,
    /// What came of it.
    result: Option<Result<(), ObservationError>>,
    calls: u64,
    busy: Duration,
}

impl Shared {
    pub(super) fn new(translator: Translator) -> Shared {
        let state = State { translator: Some(translator), result: None, calls: 0, busy: Duration::ZERO };
        Shared { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the observation: from now on calls are only answered. Does not wait long, for the thread may wait for a file
    /// system that does not answer.
    pub(in crate::process::observe) fn finish(&self) -> Result<Observation, ObservationError> {
        let until = Instant::now() + PATIENCE;
        let mut state = loop {
            match self.state.try_lock() {
                Ok(state) => break state,
                Err(TryLockError::Poisoned(state)) => break state.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return Err(ObservationError::TooSlow),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(100)),
            }
        };
        let translator = state.translator.take();
        match (translator, &state.result) {
            (Some(mut translator), Some(Ok(()))) => Ok(Observation {
                log: translator.take_log(),
                cost: state.busy + SWITCH * u32::try_from(state.calls).unwrap_or(u32::MAX),
                calls: state.calls,
            }),
            (_, Some(Err(error))) => Err(error.clone()),
            (Some(_), None) => Err(ObservationError::NotStarted),
            (None, _) => Err(ObservationError::Internal),
        }
    }
}

/// Counts a listener while it lives.
struct Counted;

impl Counted {
    fn new() -> Option<Counted> {
        let counted = |count: u32| (count < MOST_LISTENERS).then_some(count + 1);
        LISTENERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).ok().map(|_| Counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts the thread.
///
/// # Errors
/// If there are too many, or the system starts none.
pub(super) fn start(receiver: ListenerReceiver, shared: Arc<Shared>) -> io::Result<()> {
    let counted =
        Counted::new().ok_or_else(|| io::Error::other("too many observed jobs have left processes behind"))?;
    let run = move || {
        let _counted = counted;
        let listener = receiver.receive();
        drop(receiver);
        match listener {
            Ok(listener) => {
                shared.lock().result = Some(Ok(()));
                listen(&listener, &shared);
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => shared.lock().result = Some(Err(ObservationError::Refused(error.to_string()))),
        }
    };
    thread::Builder::new().name("observer".into()).spawn(run).map(drop)
}

/// Whether the structures of the running kernel have the sizes of ours.
pub(super) fn has_known_sizes() -> bool {
    let mut sizes = seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    // SAFETY: the pointer is to a live value of the type that the call writes.
    let got = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_NOTIF_SIZES, 0, &raw mut sizes) == 0 };
    got && usize::from(sizes.seccomp_notif) == size_of::<seccomp_notif>()
        && usize::from(sizes.seccomp_notif_resp) == size_of::<seccomp_notif_resp>()
}

/// Answers until no process is left that could call.
fn listen(listener: &OwnedFd, shared: &Shared) {
    // SAFETY: the call takes a number. Kernels before 6.6 refuse it, which does no harm.
    unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS as _, SYNC_WAKE_UP) };
    loop {
        let has_work = shared.lock().has_work();
        match wait(listener, has_work) {
            None => return,
            Some(false) => {
                shared.lock().work();
                continue;
            }
            Some(true) => {}
        }
        let Some(notice) = receive(listener) else { continue };
        let begun = Instant::now();
        shared.lock().record(&notice);
        answer(listener, notice.id);
        let mut state = shared.lock();
        state.busy += begun.elapsed();
        state.calls += 1;
    }
}

/// Waits for a call. Returns whether there is one (always, unless `only_look`); none: nobody is left.
fn wait(listener: &OwnedFd, only_look: bool) -> Option<bool> {
    let timeout = only_look.then(Timespec::default);
    loop {
        let mut fds = [PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Some(false),
            Ok(_) => {
                let [fd] = &fds;
                let ready = fd.revents();
                return if ready.contains(PollFlags::IN) {
                    Some(true)
                } else if ready.intersects(PollFlags::HUP | PollFlags::NVAL) {
                    None
                } else {
                    Some(false)
                };
            }
            Err(rustix::io::Errno::INTR) => {}
            // The kernel is out of memory for a moment; the processes still need their answers.
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The next call. None: it was interrupted, or its process was killed.
fn receive(listener: &OwnedFd) -> Option<seccomp_notif> {
    // SAFETY: all zeros is a valid notice, and what the call wants to be given.
    let mut notice: seccomp_notif = unsafe { zeroed() };
    // SAFETY: the pointer is to a live value of the type and size that the number of the request says.
    let received = unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE as _, &raw mut notice) };
    (received == 0).then_some(notice)
}

/// Lets a call go on.
fn answer(listener: &OwnedFd, id: u64) {
    let mut answer = seccomp_notif_resp { id, val: 0, error: 0, flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 };
    loop {
        // SAFETY: the pointer is to a live value of the type and size that the number of the request says.
        let sent = unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, &raw mut answer) };
        if sent == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            // Any other error: the process was killed, or a signal has interrupted the call, which then comes again.
            return;
        }
    }
}

impl State {
    fn has_work(&self) -> bool {
        self.translator.as_ref().is_some_and(Translator::has_work)
    }

    fn work(&mut self) {
        let begun = Instant::now();
        if let Some(translator) = &mut self.translator
            && catch_unwind(AssertUnwindSafe(|| translator.work())).is_err()
        {
            self.translator = None;
        }
        self.busy += begun.elapsed();
    }

    /// Records a call. A panic ends the observation, and not the answers.
    fn record(&mut self, notice: &seccomp_notif) {
        let Some(translator) = &mut self.translator else { return };
        let (thread, data) = (notice.pid as i32, &notice.data);
        // 0: the process is in a PID namespace that we do not see.
        let Some(call) = decode(data.nr, &data.args).filter(|_| thread > 0) else { return };
        if catch_unwind(AssertUnwindSafe(|| translator.record(thread, call))).is_err() {
            self.translator = None;
        }
    }
}
