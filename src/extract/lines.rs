//! Owns splitting a stream of bytes into lines, in chunks of any size and in bounded memory.

use super::output_text::BOM;

/// The longest line that is searched, in bytes.
pub(super) const LONGEST: usize = 256 << 10;

/// A line without its line ending.
pub(super) enum OutputLine<'a> {
    /// The whole line.
    Whole(&'a str),
    /// The first [`LONGEST`] bytes of a longer line.
    TooLong(&'a str),
}

/// Receives the lines.
pub(super) trait LineParser {
    /// Takes the next line.
    fn line(&mut self, line: OutputLine);
}

/// Splits bytes into lines and passes them to a parser. The result does not depend on the chunks. Holds at most
/// [`LONGEST`] bytes.
#[derive(Default)]
pub(super) struct Lines<R> {
    reader: R,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Whether the rest of the line is dropped, because it is too long.
    dropping: bool,
    /// Whether a line came before.
    past_first: bool,
}

impl<R: LineParser> Lines<R> {
    pub(super) fn of(reader: R) -> Lines<R> {
        Lines { reader, begun: Vec::new(), dropping: false, past_first: false }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(end);
            self.end_line(line);
            (_, bytes) = rest.split_at(1); // without the line ending
        }
        self.begin(bytes);
    }

    /// Ends the last line, and returns the parser.
    pub(super) fn finish(mut self) -> R {
        self.end_line(&[]);
        self.reader
    }

    fn end_line(&mut self, rest: &[u8]) {
        if self.begun.is_empty() && !self.dropping && rest.len() <= LONGEST {
            self.give(rest, true);
        } else {
            self.begin(rest);
            let begun = std::mem::take(&mut self.begun);
            if !self.dropping {
                self.give(&begun, true);
            }
        }
        self.dropping = false;
    }

    /// Takes a piece of a line that does not end here.
    fn begin(&mut self, piece: &[u8]) {
        if self.dropping {
            return;
        }
        let room = LONGEST - self.begun.len();
        self.begun.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if piece.len() > room {
            let begun = std::mem::take(&mut self.begun);
            self.give(&begun, false);
            self.dropping = true;
        }
    }

    fn give(&mut self, line: &[u8], whole: bool) {
        let text = String::from_utf8_lossy(line);
        let text = if self.past_first { &*text } else { text.strip_prefix(BOM).unwrap_or(&text) };
        self.past_first = true;
        self.reader.line(if whole { OutputLine::Whole(text) } else { OutputLine::TooLong(text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Seen(Vec<(bool, String)>);

    impl LineParser for Seen {
        fn line(&mut self, line: OutputLine) {
            self.0.push(match line {
                OutputLine::Whole(text) => (true, text.to_owned()),
                OutputLine::TooLong(text) => (false, text.to_owned()),
            });
        }
    }

    fn seen(chunks: &[&[u8]]) -> Vec<(bool, String)> {
        let mut lines = Lines::of(Seen::default());
        for chunk in chunks {
            lines.push(chunk);
            assert!(lines.begun.len() <= LONGEST);
        }
        lines.finish().0
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_once_with_its_beginning() {
        let long = vec![b'x'; LONGEST + 1];
        let fits = &long[1..];
        let expected = |whole, bytes: &[u8]| (whole, String::from_utf8(bytes.to_vec()).unwrap());
        for chunk in [100_000, LONGEST, LONGEST + 1, 3 * LONGEST] {
            let whole = [b"a\n", fits, b"\n", &long, b"yyy\nb\n", &long].concat();
            let told = seen(&whole.chunks(chunk).collect::<Vec<_>>());
            let lines = [(true, &b"a"[..]), (true, fits), (false, fits), (true, b"b"), (false, fits)];
            let mut lines: Vec<_> = lines.map(|(whole, bytes)| expected(whole, bytes)).into();
            lines.extend((told.len() > 5).then(|| (true, String::new())));
            assert!(told == lines, "{chunk}: {} lines", told.len());
        }
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_chunks(
            chunks in prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..12),
                Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just("\u{feff}é\r".as_bytes().to_vec()),
            ], 0..12),
        ) {
            let whole = chunks.concat();
            let parts: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let text = String::from_utf8_lossy(&whole);
            let expected: Vec<_> = text.strip_prefix(BOM).unwrap_or(&text).split(['\n', '\r']).map(|line| (true, line.to_owned())).collect();
            prop_assert_eq!(seen(&parts), expected.clone());
            prop_assert_eq!(seen(&[&whole]), expected);
        }
    }
}
