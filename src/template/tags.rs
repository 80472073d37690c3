//! Owns finding template tags (`{{ … }}`, `{% … %}`, `{# … #}`) in a text, and the identifiers in them. minijinja
//! checks what they mean.

use std::ops::Range;

/// The kinds of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{{ … }}`.
    Value,
    /// `{% … %}`.
    Block,
    /// `{# … #}`.
    Comment,
    /// `{% raw %}` up to and including `{% endraw %}`.
    Raw,
}

/// A tag in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub kind: TagKind,
    /// Its bytes, delimiters included.
    pub range: Range<usize>,
}

/// A tag that is not closed, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclosed(pub usize);

/// The tag that begins at byte `at`, if there is one.
pub(super) fn tag_at(text: &str, at: usize) -> Option<Result<Tag, Unclosed>> {
    let rest = text.as_bytes().get(at..)?;
    let (kind, length) = match rest.get(..2)? {
        b"{{" => (TagKind::Value, expression_length(rest, b"}}")),
        b"{#" => (TagKind::Comment, find(rest, b"#}", 2).map(|end| end + 2)),
        b"{%" if basic_tag(rest, b"raw").is_some() => (TagKind::Raw, raw_length(rest)),
        b"{%" => (TagKind::Block, expression_length(rest, b"%}")),
        _ => return None,
    };
    Some(length.map(|length| Tag { kind, range: at..at + length }).ok_or(Unclosed(at)))
}

/// All tags of a text, in order. Stops at the first that is not closed.
pub(super) fn tags(text: &str) -> Result<Vec<Tag>, Unclosed> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = find(text.as_bytes(), b"{", at) {
        at = match tag_at(text, open) {
            Some(tag) => {
                let tag = tag?;
                let end = tag.range.end;
                found.push(tag);
                end
            }
            None => open + 1,
        };
    }
    Ok(found)
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

/// The length of a tag up to and including `end`. As in minijinja, `end` does not count inside strings and brackets.
fn expression_length(rest: &[u8], end: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 2;
    while let Some(&byte) = rest.get(at) {
        match byte {
            _ if depth == 0 && rest.get(at..at + 2) == Some(end) => return Some(at + 2),
            b'"' | b'\'' => at = string_end(rest, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing quote of the string that opens at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = *bytes.get(at)?;
    let mut i = at + 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\\' => i += 1,
            _ if byte == quote => return Some(i),
            _ => {}
        }
        i += 1;
    }
    None
}

/// The length of `{% name %}` if `rest` begins with it.
fn basic_tag(rest: &[u8], name: &[u8]) -> Option<usize> {
    let mut at = 2 + sign(rest, 2);
    at += blanks(rest, at);
    if !rest.get(at..)?.starts_with(name) {
        return None;
    }
    at += name.len();
    at += blanks(rest, at);
    at += sign(rest, at);
    rest.get(at..)?.starts_with(b"%}").then_some(at + 2)
}

fn sign(bytes: &[u8], at: usize) -> usize {
    usize::from(matches!(bytes.get(at), Some(b'-' | b'+')))
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn raw_length(rest: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        at = find(rest, b"{%", at)?;
        if let Some(length) = basic_tag(rest.get(at..)?, b"endraw") {
            return Some(at + length);
        }
        at += 2;
    }
}

/// The role of an identifier in a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The first word of a block tag.
    Statement,
    /// A variable, or a keyword.
    Name,
    /// After a `|`.
    Filter,
    /// After `is` or `is not`.
    Test,
    /// After a dot, or the key of `key=value`.
    Other,
}

/// An identifier in a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ident {
    pub role: Role,
    pub range: Range<usize>,
}

/// The identifiers in a tag of `text`, in order.
pub(super) fn idents(text: &str, tag: &Tag) -> Vec<Ident> {
    let mut found: Vec<Ident> = Vec::new();
    if matches!(tag.kind, TagKind::Comment | TagKind::Raw) {
        return found;
    }
    let bytes = text.as_bytes();
    let mut at = tag.range.start + 2;
    let mut before = 0u8;
    while let Some(&byte) = bytes.get(at).filter(|_| at < tag.range.end) {
        if byte == b'"' || byte == b'\'' {
            at = string_end(bytes, at).unwrap_or(tag.range.end) + 1;
            before = byte;
        } else if byte.is_ascii_alphanumeric() || byte == b'_' {
            let end = at + bytes.iter().skip(at).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            if !byte.is_ascii_digit() {
                let role = role(text, tag, &found, before, at..end);
                found.push(Ident { role, range: at..end });
            }
            at = end;
            before = LETTER;
        } else {
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
            at += 1;
        }
    }
    found
}

fn role(text: &str, tag: &Tag, found: &[Ident], before: u8, range: Range<usize>) -> Role {
    if found.is_empty() && tag.kind == TagKind::Block {
        return Role::Statement;
    }
    let bytes = text.as_bytes();
    let next = range.end + blanks(bytes, range.end);
    let word = |ident: Option<&Ident>| ident.and_then(|ident| text.get(ident.range.clone())).unwrap_or("");
    let mut earlier = found.iter().rev();
    // The words directly before this one, separated only by spaces.
    let last = if before == LETTER { word(earlier.next()) } else { "" };
    let last_but_one = word(earlier.next());
    match before {
        LETTER if last == "filter" && found.len() == 1 => Role::Filter,
        LETTER if last == "is" && text.get(range) != Some("not") => Role::Test,
        LETTER if last == "not" && last_but_one == "is" => Role::Test,
        b'|' => Role::Filter,
        b'.' => Role::Other,
        _ if bytes.get(next) == Some(&b'=') && bytes.get(next + 1) != Some(&b'=') => Role::Other,
        _ => Role::Name,
    }
}

/// Marks that an identifier or a number came before.
const LETTER: u8 = b'a';

/// The name in a tag that is only a name, `{{ name }}`.
pub(super) fn plain_name<'a>(text: &'a str, tag: &Tag) -> Option<&'a str> {
    if tag.kind != TagKind::Value {
        return None;
    }
    let inner = text.get(tag.range.start + 2..tag.range.end - 2)?.trim_matches([' ', '\t', '\n', '\r']);
    let first = inner.as_bytes().first()?;
    let is_name = !first.is_ascii_digit() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(text: &str) -> Vec<(TagKind, &str)> {
        tags(text).unwrap().into_iter().map(|tag| (tag.kind, &text[tag.range])).collect()
    }

    #[test]
    fn tags_end_where_minijinja_ends_them() {
        use TagKind::*;
        assert_eq!(segments("a {{ x }} b"), [(Value, "{{ x }}")]);
        assert_eq!(segments(r#"{{ "}}" ~ '\'}}' }}x"#), [(Value, r#"{{ "}}" ~ '\'}}' }}"#)]);
        assert_eq!(segments("{{ {'a': {'b': 1}}['a'] }}}"), [(Value, "{{ {'a': {'b': 1}}['a'] }}")]);
        assert_eq!(segments("{# {{ #}{% if a %}"), [(Comment, "{# {{ #}"), (Block, "{% if a %}")]);
        assert_eq!(segments("{%- raw -%} {{ {% endraw%}{"), [(Raw, "{%- raw -%} {{ {% endraw%}")]);
        assert_eq!(tags("ab {{ 'x }}"), Err(Unclosed(3)));
        assert_eq!(tags("{% raw %} {{ x }}"), Err(Unclosed(0)));
        assert_eq!(segments("{ } {x} ${y}"), []);
    }

    #[test]
    fn identifiers_have_their_roles() {
        let roles = |text: &str| -> Vec<(Role, String)> {
            let tag = tags(text).unwrap().remove(0);
            idents(text, &tag).into_iter().map(|i| (i.role, text[i.range].to_owned())).collect()
        };
        let named = |role, name: &str| (role, name.to_owned());
        use Role::*;
        assert_eq!(
            roles("{{ a.b | round(c, method='x') }}"),
            [named(Name, "a"), named(Other, "b"), named(Filter, "round"), named(Name, "c"), named(Other, "method")]
        );
        assert_eq!(
            roles("{% if a is not defined and b is odd %}"),
            [
                named(Statement, "if"),
                named(Name, "a"),
                named(Name, "is"),
                named(Name, "not"),
                named(Test, "defined"),
                named(Name, "and"),
                named(Name, "b"),
                named(Name, "is"),
                named(Test, "odd")
            ]
        );
        assert_eq!(roles("{{ 1e5 + x == 2 }}"), [named(Name, "x")]);
        assert_eq!(roles("{% filter upper %}"), [named(Statement, "filter"), named(Filter, "upper")]);
    }

    #[test]
    fn a_plain_name_is_nothing_but_a_name() {
        let name = |text: &str| plain_name(text, &tags(text).unwrap()[0]).map(str::to_owned);
        assert_eq!(name("{{ size }}"), Some("size".into()));
        assert_eq!(name("{{size}}"), Some("size".into()));
        for text in ["{{- size }}", "{{ size -}}", "{{ 1 }}", "{{ a b }}", "{{ a|b }}", "{% a %}", "{{ }}", "{{ 'a' }}"]
        {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
