//! Owns the name of this machine.

/// The machine's name, as it appears in tables and statuses; `unknown` where the system has none.
pub fn host_name() -> String {
    hostname::get().map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned())
}
