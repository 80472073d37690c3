//! Owns what a line `name = value` is: one pair, several pairs, or none. `docs/sweep-file.md` has the rules for people.

use super::scalar::scalar;
use crate::value::Value;

/// A name and its value.
pub(super) type Pair = (String, Value);

/// The longest name with spaces or brackets, in characters and in words.
const LONGEST_WIDE_NAME: (usize, usize) = (60, 6);

/// The pairs of a trimmed line, in their order. Empty: the line has none.
///
/// A line is split into several pairs only if all of it, apart from a label at its beginning, is pairs. Otherwise it is one
/// pair, whose value is the rest of the line. O(length).
pub(super) fn pairs(line: &str) -> Vec<Pair> {
    if !line.contains(['=', ':']) {
        return Vec::new();
    }
    if let Some(several) = several(line) {
        return several;
    }
    if let Some(labelled) = labelled(line) {
        return labelled;
    }
    single(line).map(|part| part.pair()).into_iter().collect()
}

/// Whether a name has only ASCII letters, digits, `_`, `.` and `-`, and begins with a letter or `_`.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

/// Whether a name with spaces, brackets or letters of any script is accepted. A word that begins with a digit is a counter
/// of a log (`step 12 energy`), and no part of a name.
fn is_wide_name(name: &str) -> bool {
    let (most_chars, most_words) = LONGEST_WIDE_NAME;
    let allowed = |c: char| c.is_alphanumeric() || " _.-()[]<>/^*%'#+°²³".contains(c);
    let mut words = 0;
    let words_fit = name.split(' ').all(|word| {
        words += 1;
        !word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())
    });
    name.starts_with(|c: char| c.is_alphabetic() || "_<".contains(c))
        && name.chars().all(allowed)
        && words_fit
        && words <= most_words
        && name.chars().count() <= most_chars
}

/// A pair as it is written.
#[derive(Clone, Copy)]
struct Part<'a> {
    name: &'a str,
    separator: char,
    value: &'a str,
}

impl Part<'_> {
    fn pair(&self) -> Pair {
        (self.name.to_owned(), scalar(self.value))
    }
}

/// A name, the separator, and the rest of the text. None: the text does not begin so.
fn begin(text: &str) -> Option<Part<'_>> {
    let at = text.find(['=', ':'])?;
    let (before, rest) = text.split_at(at);
    let mut after = rest.chars();
    let separator = after.next()?;
    let (name, value) = (before.trim_end(), after.as_str());
    let is_plain = is_plain_name(name);
    if !is_plain && !is_wide_name(name) {
        return None;
    }
    let is_separator = match separator {
        // `==`, `=>`, `<=`, `+=` and others are operators.
        '=' => !value.starts_with(['=', '>', '~']) && !before.ends_with(|c: char| "<>!~+*/^%&|".contains(c)),
        _ => value.is_empty() || value.starts_with(char::is_whitespace) || (is_plain && !is_text(first_token(value).0)),
    };
    is_separator.then_some(Part { name, separator, value: value.trim() })
}

/// One pair: its value is the rest of the text. A name that is not plain needs a number or truth value, with a unit at most,
/// so that a sentence with a colon is no result.
fn single(text: &str) -> Option<Part<'_>> {
    let part = begin(text)?;
    if is_plain_name(part.name) {
        let is_apart = part.separator == '=' || part.value.is_empty() || {
            let after = text.get(text.find(':')? + 1..)?;
            after.starts_with(char::is_whitespace) || !is_text(after)
        };
        return is_apart.then_some(part);
    }
    let (value, rest) = first_token(part.value);
    (is_definite(value) && is_unit_or_nothing(rest)).then_some(part)
}

fn is_text(value: &str) -> bool {
    matches!(scalar(value), Value::Text(_))
}

/// Whether a value is a number, a truth value, or a word for a missing value.
fn is_definite(value: &str) -> bool {
    !value.is_empty() && !is_text(value)
}

/// Whether what follows a number is at most one word without a separator.
fn is_unit_or_nothing(rest: &str) -> bool {
    rest.split_whitespace().count() <= 1 && !rest.contains(['=', ':'])
}

/// The text up to the first white space, or a text in quotes; and the rest, trimmed at its start.
fn first_token(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let end = text.strip_prefix(quote)?.find(quote)?;
        Some(end + 2 * quote.len_utf8())
    });
    let end = quoted.or_else(|| text.find(char::is_whitespace)).unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    (token, rest.trim_start())
}

/// Several pairs on a line. Pieces before the first pair are ignored if they are not bare names: `Epoch 5 | loss = 0.3`.
/// None: the line is something else.
fn several(line: &str) -> Option<Vec<Pair>> {
    let mut found: Vec<Pair> = Vec::new();
    let mut pieces = 0;
    for piece in split(line) {
        pieces += 1;
        match sequence(piece) {
            Some(parts) => found.extend(parts.iter().map(Part::pair)),
            None if found.is_empty() && !is_plain_name(piece) && !piece.contains(['=', ':']) => {}
            None => return None,
        }
    }
    (found.len() > 1 || (found.len() == 1 && pieces > 1)).then_some(found)
}

/// Pairs after a label: `Results: energy = -1.5, steps = 10`. None: the line is something else.
fn labelled(line: &str) -> Option<Vec<Pair>> {
    let (label, rest) = line.split_once(": ")?;
    if label.contains('=') || !rest.contains('=') {
        return None;
    }
    let parts: Vec<Vec<Part<'_>>> = split(rest).map(sequence).collect::<Option<_>>()?;
    let parts = parts.concat();
    let fits = !parts.is_empty() && parts.iter().all(|part| part.separator == '=');
    fits.then(|| parts.iter().map(Part::pair).collect())
}

/// A text that is one or more pairs, each with a value of one token; or one pair with a number and its unit.
fn sequence(piece: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = piece.trim();
    loop {
        let part = begin(rest)?;
        // After a value, a name with spaces may begin with the unit of that value.
        if !parts.is_empty() && part.name.contains(' ') {
            return None;
        }
        let (value, after) = first_token(part.value);
        let fits =
            if is_plain_name(part.name) { !value.contains(['=', ':']) || !is_text(value) } else { is_definite(value) };
        if !fits || value.is_empty() && !after.is_empty() {
            return None;
        }
        if !after.is_empty() && parts.is_empty() && is_definite(value) && is_unit_or_nothing(after) {
            return Some(vec![part]);
        }
        parts.push(Part { value, ..part });
        if after.is_empty() {
            return Some(parts);
        }
        rest = after;
    }
}

/// The pieces of a line: between commas, semicolons, bars, dashes with spaces around them, and wide gaps that are not beside
/// a separator. Not within brackets or quotes. Without empty pieces.
fn split(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, after) = match boundary(text) {
            Some((end, next)) => (text.get(..end).unwrap_or(text), text.get(next..)),
            None => (text, None),
        };
        rest = after;
        Some(piece.trim())
    })
    .filter(|piece| !piece.is_empty())
}

/// Where the first piece of a text ends, and where the next one begins.
fn boundary(text: &str) -> Option<(usize, usize)> {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        match c {
            _ if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            // A quote opens a text only at the beginning of a value: `5'` and `it's` have none.
            '"' | '\'' if "=: ".contains(before) && text.get(at + 1..).is_some_and(|rest| rest.contains(c)) => {
                quote = Some(c)
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' | ';' | '|' if depth == 0 => return Some((at, at + 1)),
            '-' if depth == 0 && before == ' ' && text.get(at + 1..).is_some_and(begins_word) => {
                return Some((at, at + 1));
            }
            _ if c.is_whitespace() && depth == 0 => {
                let mut end = at + c.len_utf8();
                let mut wide = c == '\t';
                while let Some((next, c)) = chars.next_if(|(_, c)| c.is_whitespace()) {
                    (end, wide) = (next + c.len_utf8(), true);
                }
                let beside = "=:".contains(before) || text.get(end..).is_some_and(|rest| rest.starts_with(['=', ':']));
                if wide && !beside && at > 0 {
                    return Some((at, end));
                }
                before = ' ';
                continue;
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// Whether a text is a space and the beginning of a name.
fn begins_word(text: &str) -> bool {
    text.strip_prefix(' ').is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `name=value` of each pair of a line.
    fn shown(line: &str) -> Vec<String> {
        let kind = |value: &Value| if matches!(value, Value::Text(_)) { "'" } else { "" };
        pairs(line).iter().map(|(name, value)| format!("{name}={0}{value}{0}", kind(value))).collect()
    }

    #[test]
    fn one_pair_has_the_rest_of_the_line_as_its_value() {
        for (line, pair) in [
            ("energy = -1.5", "energy=-1.5"),
            ("wall time: 5", "wall time=5"),
            ("wall time: 5 s", "wall time='5 s'"),
            ("E(tot) = 3", "E(tot)=3"),
            ("wall time [s] = 3.5", "wall time [s]=3.5"),
            ("<E> = 0.25", "<E>=0.25"),
            ("Größe = 1", "Größe=1"),
            ("two words = True", "two words=true"),
            ("total energy (eV): NaN", "total energy (eV)=NaN"),
            ("E = -1.5 eV", "E='-1.5 eV'"),
            ("name = two words", "name='two words'"),
            ("cmd = prog --a=1 --b=2", "cmd='prog --a=1 --b=2'"),
            ("note = see a=1 for more", "note='see a=1 for more'"),
            ("url = http://x?a=1", "url='http://x?a=1'"),
            ("pos = 1, 2, 3", "pos='1, 2, 3'"),
            ("x = 0,5", "x='0,5'"),
            ("title = Ising, 2D", "title='Ising, 2D'"),
            ("Epoch 5 | loss=0.1", "loss=0.1"),
            ("step 10: E = 2", "E=2"),
            ("steps:100", "steps=100"),
            ("empty =", "empty="),
            ("a = b - c", "a='b - c'"),
        ] {
            assert_eq!(shown(line), [pair], "{line}");
        }
    }

    #[test]
    fn several_pairs_on_a_line_are_several_results() {
        let cases: &[(&str, &[&str])] = &[
            ("step=10 energy=-1.5", &["step=10", "energy=-1.5"]),
            ("E = 1 T = 2", &["E=1", "T=2"]),
            ("E: 1.0 M: 2.5", &["E=1.0", "M=2.5"]),
            ("a=1,b=2;c=3|d=4", &["a=1", "b=2", "c=3", "d=4"]),
            ("E = -1.5 eV,  T = 300 K", &["E='-1.5 eV'", "T='300 K'"]),
            ("E = -1.5 eV   T = 300 K", &["E='-1.5 eV'", "T='300 K'"]),
            ("energy  =  1   wall time  =  2", &["energy=1", "wall time=2"]),
            ("E(tot) = 3 E(xc) = 4", &["E(tot)=3", "E(xc)=4"]),
            ("loss: 0.5 - acc: 0.9", &["loss=0.5", "acc=0.9"]),
            ("Epoch 5/10 - loss: 0.5 - acc: 0.9", &["loss=0.5", "acc=0.9"]),
            ("Results: energy = -1.5, steps = 10", &["energy=-1.5", "steps=10"]),
            ("[INFO] 12:30:01 run: E=1 M=2", &["E=1", "M=2"]),
            ("method=rk4 dt=0.1", &["method='rk4'", "dt=0.1"]),
            ("a\t=\t1\tb\t=\t2", &["a=1", "b=2"]),
            ("a = \"x, y\", b = 2", &["a='\"x, y\"'", "b=2"]),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), *expected, "{line}");
        }
    }

    #[test]
    fn other_lines_have_no_pairs() {
        for line in [
            "",
            "3d = 4",
            "= 4",
            ": 4",
            "name",
            "a == b",
            "a => b",
            "a >= 5",
            "a != 5",
            "x += 1",
            "http://host/path",
            "std::vector",
            "C:\\dir",
            "12:30:01 started",
            "started at 12:30",
            "-x = 1",
            "{a = 1}",
            "\"a\": 1,",
            "a, b = 1, 2",
            "alpha, beta = 0.5",
            "x := 1",
            "Reading the file: data.csv",
            "Total time: 5.3 seconds of two threads",
            "step 12 energy = 5",
            "iteration 7: 0.5",
            "total energy = 5 wall time = 3",
        ] {
            assert_eq!(shown(line), [""; 0], "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_gives_trimmed_names(line in "([a-zé0-9]|[-+=:,;|<>()\\[\\]{}\"' \t.]|\\PC){0,40}") {
            for (name, _) in pairs(line.trim()) {
                prop_assert!(!name.is_empty() && name.trim() == name, "{:?}", name);
                prop_assert!(!name.contains(['=', ':', '\n']));
            }
        }

        #[test]
        fn pairs_on_one_line_are_the_pairs_of_several_lines(
            values in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_.-]{0,6}", any::<i32>(), 0..4_usize), 1..6),
        ) {
            let each: Vec<Pair> =
                values.iter().map(|(name, value, _)| (name.clone(), Value::Int(i64::from(*value)))).collect();
            for joint in [" ", ", ", ";", " | ", "   ", "\t", " - "] {
                let line: Vec<String> = values
                    .iter()
                    .map(|(name, value, form)| format!("{name}{}{value}", ["=", " = ", ": ", " : "][*form]))
                    .collect();
                prop_assert_eq!(pairs(&line.join(joint)), each.clone(), "{}", joint);
            }
        }
    }
}
