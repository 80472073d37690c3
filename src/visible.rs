//! Owns showing what a job printed: control characters for the terminal are made visible, and the line that says most is
//! chosen. Pure.

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

/// The line of an output that says most about why a job failed: the last one that is not blank and not among the lines that
/// programs print after an error (`Execution halted`, stack frames, carets). If all are such, the last one.
pub fn informative_line(text: &str) -> Option<&str> {
    let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    lines().find(|line| !is_noise(line)).or_else(|| lines().next())
}

/// Whether a trimmed line says nothing by itself.
fn is_noise(line: &str) -> bool {
    /// Printed by R, Julia, Node.js, Java, Rust, shells, MPI and make.
    const BEGINNINGS: [&str; 20] = [
        "Execution halted",
        "Calls: ",
        "Stacktrace",
        "in expression starting at ",
        "Node.js v",
        "at ",
        "@ ",
        "... ",
        "note: run with `RUST_BACKTRACE",
        "stack backtrace",
        "Aborted",
        "make: ***",
        "srun: error:",
        "During handling of the above",
        "The above exception was",
        "Backtrace for this error",
        "Error termination. Backtrace",
        "exit status ",
        "+++ ",
        "In addition: ",
    ];
    let is_frame = |prefix: char, end: char| {
        let inside = line.strip_prefix(prefix).and_then(|inside| inside.split_once(end));
        inside.is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
        // Frames of gfortran and Julia: `#0  0x7f…`, `[1] error(…)`.
        || is_frame('#', ' ')
        || (is_frame('[', ']') && line.contains('('))
        // Carets below source text, and rules.
        || line.chars().all(|c| "^~-=_*+. |".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_most_is_chosen() {
        let cases = [
            ("Error in f(3) : bad size\nCalls: g -> f\nExecution halted\n", "Error in f(3) : bad size"),
            ("/x.js:1\nthrow new Error('bad')\n^\n\nError: bad\n    at f (/x.js:1:7)\n\nNode.js v18.1\n", "Error: bad"),
            (
                "ERROR: LoadError: bad\nStacktrace:\n [1] error(s::String)\n   @ Base ./error.jl:35\nin expression starting at /a.jl:3",
                "ERROR: LoadError: bad",
            ),
            ("thread 'main' panicked at a.rs:1:2:\nbad\nnote: run with `RUST_BACKTRACE=1`", "bad"),
            (
                "Exception in thread \"main\" E: bad\n\tat A.main(A.java:3)\n\t... 3 more\n",
                "Exception in thread \"main\" E: bad",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1\n    x = \n       ^\nSyntaxError: invalid\n",
                "SyntaxError: invalid",
            ),
            (
                "At line 3\nFortran runtime error: bad\n\nError termination. Backtrace:\n#0  0x7f in f\n#1  0x8f in g\n",
                "Fortran runtime error: bad",
            ),
            ("[1] 0.5\n", "[1] 0.5"),
            ("Execution halted\n\n", "Execution halted"),
        ];
        for (text, line) in cases {
            assert_eq!(informative_line(text), Some(line), "{text}");
        }
        assert_eq!(informative_line(" \n"), None);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("a\tb\r\nc\u{1b}[2J\u{7}\rd"), "a\tb\nc\\u{1b}[2J\\u{7}\\rd");
        assert_eq!(visible_in_line("a\nb\u{9b}é"), "a\\nb\\u{9b}é");
        assert_eq!(visible_value(&"a\u{1b}"), "a\\u{1b}");
        assert_eq!(visible_value(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(visible_value(&"é".repeat(65)), format!("{}… (5 more characters)", "é".repeat(60)));
    }
}
