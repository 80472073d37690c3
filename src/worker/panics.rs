//! Owns the border that a panic does not cross: between a slot and the job that it handles.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `work`. A panic in it, which is a fault of sweep, becomes an error with its message, for people. What the panic
/// hook prints (the place, a backtrace) has gone to stderr by then.
///
/// Values that `work` has changed may be half changed after a panic: what it shares with others must be behind locks whose
/// poison is ignored on purpose, or belong to this job alone.
///
/// # Errors
/// If it panics.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|payload| format!("internal error in sweep ({}); please report this", message(&*payload)))
}

/// What `panic!` was given: text, in all usual cases.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_it() {
        assert_eq!(catch(|| 7), Ok(7));
        let (text, number) = ("fixed text", 3);
        for error in [catch(|| panic!("fixed text")), catch(|| panic!("{text} {number}"))] {
            let error: String = error.unwrap_err();
            assert!(error.contains("internal error in sweep (fixed text"), "{error}");
        }
    }
}
