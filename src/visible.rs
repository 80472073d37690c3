//! Owns making text printed by a job safe to show: control characters for the terminal are made visible. Pure.

/// Text of several lines: control characters except line feeds and tabs are written as escapes (`\u{1b}`).
pub fn visible(text: &str) -> String {
    shown(&text.replace("\r\n", "\n"), |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Text within a line: every control character is written as an escape.
pub fn visible_in_line(text: &str) -> String {
    shown(text, char::is_control)
}

fn shown(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("a\tb\r\nc\u{1b}[2J\u{7}\rd"), "a\tb\nc\\u{1b}[2J\\u{7}\\rd");
        assert_eq!(visible_in_line("a\nb\u{9b}é"), "a\\nb\\u{9b}é");
    }
}
