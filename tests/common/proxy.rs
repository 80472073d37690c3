//! Owns a small proxy on this machine between one client and a server, so that a test can disturb that connection only.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How soon an idle connection notices a change of the line.
const TICK: Duration = Duration::from_millis(10);

/// The state of the line between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Everything is forwarded at once.
    Open,
    /// Open connections are closed, and so are new ones.
    Cut,
    /// Connections are accepted and stay open, but no byte arrives.
    Stalled,
    /// Everything arrives later by this time.
    Slow(Duration),
    /// Requests arrive, but the connection closes before the reply: they are applied, and the client does not know.
    Deaf,
}

struct Shared {
    server: u16,
    line: Mutex<Line>,
    /// The number of orders to half-close.
    halves: AtomicU64,
    over: AtomicBool,
}

/// A proxy. When it is dropped, it ends and cuts its connections.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Reply,
}

impl Proxy {
    /// Starts a proxy on a free port, for the server at this port of this machine.
    pub fn before(server: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared {
            server,
            line: Mutex::new(Line::Open),
            halves: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let its = shared.clone();
        thread::spawn(move || accept(&listener, &its));
        Proxy { port, shared }
    }

    /// The address that the client must use.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Changes the state of the line, for open and new connections.
    pub fn set(&self, line: Line) {
        *self.shared.line.lock().expect("nobody panics with it") = line;
    }

    /// Closes the direction to the client on every open connection: its requests still arrive.
    pub fn half_close(&self) {
        self.shared.halves.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.set(Line::Cut);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn line(&self) -> Line {
        *self.line.lock().expect("nobody panics with it")
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if shared.line() == Line::Cut {
            continue;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server)) else { continue };
        let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { continue };
        let (one, other) = (shared.clone(), shared.clone());
        thread::spawn(move || pump(client, server, &one, Direction::Request));
        thread::spawn(move || pump(server_too, client_too, &other, Direction::Reply));
    }
}

/// Forwards bytes in one direction until either end closes or the line is cut.
fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, direction: Direction) {
    let halves = shared.halves.load(Ordering::SeqCst);
    let _ = from.set_read_timeout(Some(TICK));
    let _ = to.set_nodelay(true);
    let mut bytes = vec![0; 64 * 1024];
    let mut half = false;
    let hang_up = |from: &TcpStream, to: &TcpStream| {
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    };
    loop {
        let n = match from.read(&mut bytes) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(n) => n,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(_) => return hang_up(&from, &to),
        };
        while shared.line() == Line::Stalled {
            thread::sleep(TICK);
        }
        match shared.line() {
            Line::Cut => return hang_up(&from, &to),
            Line::Deaf if n > 0 && direction == Direction::Reply => return hang_up(&from, &to),
            Line::Slow(delay) if n > 0 => thread::sleep(delay),
            _ => {}
        }
        if direction == Direction::Reply && !half && shared.halves.load(Ordering::SeqCst) != halves {
            half = true;
            let _ = to.shutdown(Shutdown::Write);
        }
        if !half && to.write_all(&bytes[..n]).is_err() {
            return hang_up(&from, &to);
        }
    }
}
