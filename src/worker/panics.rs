//! Owns the catching of panics, so that a panic while one job is handled does not end its slot or the worker.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `work`. A panic in it, which is a fault in sweep, becomes an error: the message of the panic. The panic hook
/// has printed the place in the source to stderr by then.
///
/// A panic may leave half changed what `work` was changing. So that must belong to this job alone, or be behind a lock
/// that is used on although it is poisoned.
///
/// # Errors
/// If `work` panics.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload).to_owned())
}

/// The message of a panic. Its payload is text in all usual cases.
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
        assert_eq!(catch::<()>(|| panic!("fixed text")), Err("fixed text".into()));
        assert_eq!(catch::<()>(|| panic!("{text} {number}")), Err("fixed text 3".into()));
    }
}
