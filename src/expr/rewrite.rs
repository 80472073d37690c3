//! Owns rewriting expressions so that `<`, `>` and text made from numbers follow the rules of sweep, not minijinja's.
//!
//! minijinja has no hooks for its operators: NaN is greater than every number for it, text is greater than every number,
//! and floats and booleans become text in another form than everywhere else in sweep (`0.00001`, `True`). So the operators are replaced by calls:
//!
//! - `a < b` becomes `((a) is __sweep_lt(b))`, and `a < b <= c` becomes `((a) is __sweep_lt(b) and (b) is __sweep_le(c))`;
//! - `a ~ b` becomes `((a)|__sweep_text) ~ ((b)|__sweep_text)`;
//! - `a | replace(b, c)` becomes `a |__sweep_text| replace(((b)|__sweep_text), ((c)|__sweep_text))`; so for every filter of
//!   [`TEXT_FILTERS`].
//!
//! The text is split by minijinja's precedence: `or`, `and`, `not`, comparisons, `+ -`, `~`, and everything else.

use std::ops::Range;

/// The tests that compare two operands, by operator.
pub(super) const TESTS: [(&str, &str); 4] =
    [("<", "__sweep_lt"), ("<=", "__sweep_le"), (">", "__sweep_gt"), (">=", "__sweep_ge")];

/// The filter that turns a float or boolean into its printed form.
pub(super) const TEXT: &str = "__sweep_text";

/// The filters that read their input and their arguments as text.
const TEXT_FILTERS: [&str; 14] = [
    "string",
    "join",
    "replace",
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "split",
    "lines",
    "indent",
    "escape",
    "safe",
    "quote",
];

/// The longest nesting of brackets that is rewritten. minijinja's parser refuses more.
const DEEPEST: usize = 200;

/// The longest result in bytes. An operand between two comparisons is written twice.
const LONGEST: usize = 1 << 20;

/// Rewrites an expression, or the inside of a template tag from behind the statement's word. None: it has a quote or a bracket
/// without its partner, or is too deep or too long.
pub(crate) fn rewrite(text: &str) -> Option<String> {
    let tokens = tokens(text)?;
    let mut out = String::with_capacity(text.len() * 2);
    Rewriter { text, tokens: &tokens }.list(0..tokens.len(), 0, false, &mut out)?;
    let rest = text.get(tokens.last()?.range.end..)?;
    out.push_str(rest);
    Some(out)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Number,
    Quoted,
    Open,
    Close,
    Operator,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// The tokens of a text. None: it has a quote or a bracket without its partner.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, length) = match byte {
            b'"' | b'\'' => (Kind::Quoted, quoted(bytes.get(at..)?)?),
            b'0'..=b'9' => (Kind::Number, number(bytes.get(at..)?)),
            b'(' | b'[' | b'{' => {
                depth += 1;
                (Kind::Open, 1)
            }
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                (Kind::Close, 1)
            }
            _ if is_name(byte) => (Kind::Name, bytes.iter().skip(at).take_while(|byte| is_name(**byte)).count()),
            _ => (Kind::Operator, operator(text.get(at..)?)),
        };
        found.push(Token { kind, range: at..at + length });
        at += length;
    }
    (depth == 0).then_some(found)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of a quoted text with both quotes.
fn quoted(bytes: &[u8]) -> Option<usize> {
    let quote = bytes.first()?;
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of a number: `12`, `1.5`, `1e-5`, `0x1F`.
fn number(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let exponent = at > 0 && matches!(bytes.get(at - 1), Some(b'e' | b'E')) && !bytes.starts_with(b"0x");
        let point = *byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_part = is_name(*byte) || point || (exponent && matches!(byte, b'+' | b'-'));
        if !is_part {
            break;
        }
        at += 1;
    }
    at
}

/// The length of the operator at the start of a text.
fn operator(rest: &str) -> usize {
    let long = ["**", "//", "==", "!=", "<=", ">="];
    if long.iter().any(|operator| rest.starts_with(operator)) {
        return 2;
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

struct Rewriter<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

/// What stands between two operands of a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// `<`, `<=`, `>`, `>=`: replaced.
    Order,
    /// `==`, `!=`.
    Equality,
    /// `in`, `not in`.
    Membership,
}

impl<'a> Rewriter<'a> {
    fn written(&self, at: usize) -> &'a str {
        self.tokens.get(at).and_then(|token| self.text.get(token.range.clone())).unwrap_or("")
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// Writes a token with the blanks before it.
    fn put(&self, at: usize, out: &mut String) {
        let start = at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.range.end);
        let end = self.tokens.get(at).map_or(start, |token| token.range.end);
        out.push_str(self.text.get(start..end).unwrap_or(""));
    }

    /// The position after the bracket that opens at `at`.
    fn after_bracket(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (position, token) in self.tokens.iter().enumerate().skip(at) {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(position + 1);
            }
        }
        None
    }

    /// Whether a name is a keyword here, not an attribute or the name of a test.
    fn is_keyword(&self, at: usize, word: &str) -> bool {
        let before = |n: usize| at.checked_sub(n).map_or("", |at| self.written(at));
        let is_test = before(1) == "is" || (before(1) == "not" && before(2) == "is");
        self.kind(at) == Some(Kind::Name) && self.written(at) == word && before(1) != "." && !is_test
    }

    /// Whether a token ends an operand of a comparison, other than an operator of comparison.
    fn separates(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Kind::Operator) => matches!(self.written(at), "," | ":" | "="),
            Some(Kind::Name) => {
                let is_not = self.is_keyword(at, "not") && !self.is_keyword(at + 1, "in");
                is_not || ["and", "or", "if", "else", "elif", "recursive"].iter().any(|word| self.is_keyword(at, word))
            }
            _ => false,
        }
    }

    /// The operator of comparison at a token, and the number of its tokens.
    fn comparison(&self, at: usize) -> Option<(Comparison, usize)> {
        match self.kind(at)? {
            Kind::Operator => match self.written(at) {
                "<" | "<=" | ">" | ">=" => Some((Comparison::Order, 1)),
                "==" | "!=" => Some((Comparison::Equality, 1)),
                _ => None,
            },
            Kind::Name if self.is_keyword(at, "in") => Some((Comparison::Membership, 1)),
            Kind::Name if self.is_keyword(at, "not") && self.is_keyword(at + 1, "in") => {
                Some((Comparison::Membership, 2))
            }
            _ => None,
        }
    }

    /// Rewrites a list of expressions with what separates them. `as_text`: each becomes text (arguments of a filter).
    fn list(&self, range: Range<usize>, depth: usize, as_text: bool, out: &mut String) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let mut start = range.start;
        for at in self.outside_brackets(&range)?.into_iter().filter(|at| self.separates(*at)) {
            // `name=value` in arguments: the name is no value.
            let is_key = self.written(at) == "=";
            self.compared(start..at, depth, as_text && !is_key, out)?;
            self.put(at, out);
            start = at + 1;
        }
        self.compared(start..range.end, depth, as_text, out)
    }

    /// Rewrites operands that are compared, or a single one.
    fn compared(&self, range: Range<usize>, depth: usize, as_text: bool, out: &mut String) -> Option<()> {
        let mut operators: Vec<(Comparison, Range<usize>)> = Vec::new();
        for at in self.outside_brackets(&range)? {
            // An operator of two words, such as `not in`, covers both.
            let is_covered = operators.last().is_some_and(|(_, last)| at < last.end);
            if let Some((comparison, length)) = self.comparison(at).filter(|_| !is_covered) {
                operators.push((comparison, at..at + length));
            }
        }
        let replaced = operators.iter().any(|(comparison, _)| *comparison == Comparison::Order)
            && operators.iter().all(|(comparison, _)| *comparison != Comparison::Membership);
        let is_whole = operators.is_empty() && as_text && !range.is_empty();
        if !replaced {
            out.push_str(if is_whole { " ((" } else { "" });
            let mut start = range.start;
            for (_, operator) in &operators {
                self.sum(start..operator.start, depth, out)?;
                operator.clone().for_each(|at| self.put(at, out));
                start = operator.end;
            }
            self.sum(start..range.end, depth, out)?;
            if is_whole {
                out.push_str(&format!(")|{TEXT})"));
            }
            return Some(());
        }
        // `a < b < c` is `a < b and b < c`, with `c` evaluated only if `a < b`.
        out.push_str(" (");
        let mut start = range.start;
        for (i, (_, operator)) in operators.iter().enumerate() {
            let end = operators.get(i + 1).map_or(range.end, |(_, next)| next.start);
            out.push_str(if i == 0 { "(" } else { " and (" });
            self.sum(start..operator.start, depth, out)?;
            out.push(')');
            let sign = self.written(operator.start);
            match TESTS.iter().find(|(other, _)| *other == sign) {
                Some((_, test)) => out.push_str(&format!(" is {test}(")),
                None => out.push_str(&format!(" {sign} (")),
            }
            self.sum(operator.end..end, depth, out)?;
            out.push(')');
            start = operator.end;
        }
        out.push(')');
        (out.len() <= LONGEST).then_some(())
    }

    /// Rewrites a sum of concatenations.
    fn sum(&self, range: Range<usize>, depth: usize, out: &mut String) -> Option<()> {
        let mut start = range.start;
        for at in self.outside_brackets(&range)? {
            if matches!(self.written(at), "+" | "-") && at > start && self.ends_operand(at - 1) {
                self.concatenation(start..at, depth, out)?;
                self.put(at, out);
                start = at + 1;
            }
        }
        self.concatenation(start..range.end, depth, out)
    }

    /// The tokens of a range that are outside of brackets, in order. None: a bracket is not closed.
    fn outside_brackets(&self, range: &Range<usize>) -> Option<Vec<usize>> {
        let mut outside = Vec::new();
        let mut at = range.start;
        while at < range.end {
            if self.kind(at) == Some(Kind::Open) {
                at = self.after_bracket(at)?;
            } else {
                outside.push(at);
                at += 1;
            }
        }
        Some(outside)
    }

    /// Whether a token is the end of an operand: a sign after it is no sign of a number.
    fn ends_operand(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Name | Kind::Number | Kind::Quoted | Kind::Close))
    }

    fn concatenation(&self, range: Range<usize>, depth: usize, out: &mut String) -> Option<()> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for at in self.outside_brackets(&range)? {
            if self.written(at) == "~" && self.kind(at) == Some(Kind::Operator) {
                parts.push(start..at);
                start = at + 1;
            }
        }
        if parts.is_empty() {
            return self.operand(range, depth, out);
        }
        parts.push(start..range.end);
        let last = parts.len() - 1;
        for (i, part) in parts.into_iter().enumerate() {
            out.push_str(" ((");
            self.operand(part, depth, out)?;
            out.push_str(&format!(")|{TEXT})"));
            if i != last {
                out.push_str(" ~");
            }
        }
        Some(())
    }

    /// Rewrites the insides of brackets, and filters of text.
    fn operand(&self, range: Range<usize>, depth: usize, out: &mut String) -> Option<()> {
        let mut at = range.start;
        let mut arguments_are_text = false;
        while at < range.end {
            if self.kind(at) == Some(Kind::Open) {
                let after = self.after_bracket(at)?;
                self.put(at, out);
                self.list(at + 1..after - 1, depth + 1, arguments_are_text, out)?;
                self.put(after - 1, out);
                arguments_are_text = false;
                at = after;
                continue;
            }
            arguments_are_text = false;
            self.put(at, out);
            if self.written(at) == "|" && self.kind(at + 1) == Some(Kind::Name) {
                let filter = self.written(at + 1);
                let is_text = TEXT_FILTERS.contains(&filter);
                if is_text || (filter == "map" && self.maps_to_text(at + 2)) {
                    out.push_str(&format!("{TEXT}|"));
                }
                self.put(at + 1, out);
                arguments_are_text = is_text;
                at += 1;
            }
            at += 1;
        }
        Some(())
    }

    /// Whether the arguments of `map` begin with the name of a filter of text.
    fn maps_to_text(&self, at: usize) -> bool {
        let name = self.written(at + 1).trim_matches(['\'', '"']);
        self.written(at) == "(" && self.kind(at + 1) == Some(Kind::Quoted) && TEXT_FILTERS.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_replaced_by_precedence() {
        let cases = [
            ("a + 1", "a + 1"),
            ("a<b", " ((a) is __sweep_lt(b))"),
            ("not a + 1 < b and c", "not (( a + 1) is __sweep_lt( b)) and c"),
            ("a < b <= c", " ((a) is __sweep_lt( b) and ( b) is __sweep_le( c))"),
            ("a == 1 or (b > 2)", "a == 1 or ( ((b) is __sweep_gt( 2)))"),
            ("x in [1, 2] and y not in z", "x in [1, 2] and y not in z"),
            ("x if x > 1 else -x", "x if (( x) is __sweep_gt( 1)) else -x"),
            ("x is not defined or x > 1", "x is not defined or (( x) is __sweep_gt( 1))"),
            ("x is in [1]", "x is in [1]"),
            ("a ~ -1e-5 ~ c", " ((a)|__sweep_text) ~ (( -1e-5)|__sweep_text) ~ (( c)|__sweep_text)"),
            ("1 + a ~ b", "1 + (( a)|__sweep_text) ~ (( b)|__sweep_text)"),
            ("f(a < 1, b=c ~ d)", "f( ((a) is __sweep_lt( 1)), b= ((c)|__sweep_text) ~ (( d)|__sweep_text))"),
            (
                "a | replace('x', b) | round(2)",
                "a |__sweep_text| replace( (('x')|__sweep_text), (( b)|__sweep_text)) | round(2)",
            ),
            ("'a < b ~ c'", "'a < b ~ c'"),
            ("xs | map('string') | join", "xs |__sweep_text| map('string') |__sweep_text| join"),
        ];
        for (text, expected) in cases {
            assert_eq!(rewrite(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["(a", "a)", "'a", ""] {
            assert_eq!(rewrite(text), None, "{text}");
        }
    }
}
