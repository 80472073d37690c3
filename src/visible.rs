//! Owns making text printed by a job safe to show: control characters for the terminal are made visible. Pure.

/// Text of several lines: control characters except line feeds and tabs are written as escapes (`\u{1b}`).
pub fn visible(text: &str) -> String {
    shown(&text.replace("\r\n", "\n"), |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Text within a line: every control character is written as an escape.
pub fn visible_in_line(text: &str) -> String {
    shown(text, char::is_control)
}

/// A value in a line for people: control characters are written as escapes, and a long value is cut.
pub fn visible_value(value: &impl std::fmt::Display) -> String {
    /// The longest value that is shown whole, in characters.
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => visible_in_line(&text),
        Some((end, _)) => {
            let rest = text.get(end..).map_or(0, |rest| rest.chars().count());
            format!("{}… ({rest} more characters)", visible_in_line(text.get(..end).unwrap_or("")))
        }
    }
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
        assert_eq!(visible_value(&"a\u{1b}"), "a\\u{1b}");
        assert_eq!(visible_value(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(visible_value(&"é".repeat(65)), format!("{}… (5 more characters)", "é".repeat(60)));
    }
}
