//! Owns the reply to `INFO`.

use std::collections::HashMap;

/// The lines `name:value`.
pub(super) fn parse(info: &str) -> HashMap<&str, &str> {
    info.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}
