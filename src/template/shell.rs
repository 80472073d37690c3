//! Owns quoting for a POSIX shell: values that go into `sh -c`, and command lines to paste.

use std::borrow::Cow;
use std::ops::Range;

use super::tags::{Role, Tag, TagKind, idents, tag_at};

/// A text as one shell word. A shell word cannot contain a NUL; it is left as it is here and rejected by rendering.
pub fn quote(text: &str) -> Cow<'_, str> {
    shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or(Cow::Borrowed(text))
}

/// A command line that runs the same thing when pasted into a shell: `cd DIR && env A=b PROGRAM …`.
pub fn shell_line(argv: &[String], env: &[(String, String)], dir: Option<&str>) -> String {
    let mut words: Vec<Cow<str>> = Vec::new();
    if let Some(dir) = dir {
        words.extend(["cd".into(), word(dir), "&&".into()]);
    }
    if !env.is_empty() {
        words.push("env".into());
        words.extend(env.iter().map(|(name, value)| word(&format!("{name}={value}")).into_owned().into()));
    }
    words.extend(argv.iter().enumerate().map(|(i, text)| match i {
        // The shell would treat it as an assignment.
        0 if text.contains('=') => quoted(text),
        _ => word(text),
    }));
    words.join(" ")
}

/// A text as one word of a command line for people: without quotes if the shell does not interpret anything in it.
fn word(text: &str) -> Cow<'_, str> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+%@".contains(c);
    // zsh replaces a word that begins with `=` by the path of a program.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_safe) {
        Cow::Borrowed(text)
    } else {
        quote(text)
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    match quote(text) {
        Cow::Borrowed(bare) => Cow::Owned(format!("'{bare}'")),
        quoted => quoted,
    }
}

/// The values in a command for `sh -c` that are in quotes although they are quoted automatically. The shell would see
/// both, and expand the value.
pub fn values_in_quotes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(Ok(tag)) = tag_at(text, at) {
            if quote.is_some() && tag.kind == TagKind::Value && !is_safe(text, &tag) {
                found.push(tag.range.clone());
            }
            at = tag.range.end;
            continue;
        }
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some('"'), '\\') => {
                at += text.get(at + 1..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8)
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    found
}

fn is_safe(text: &str, tag: &Tag) -> bool {
    idents(text, tag).iter().any(|ident| ident.role == Role::Filter && text.get(ident.range.clone()) == Some("safe"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_command_line_is_quoted() {
        let argv = strings(&["prog", "a b", "it's", "", "$x", "--y=1"]);
        let env = [("A".to_owned(), "1 2".to_owned())];
        assert_eq!(
            shell_line(&argv, &env, Some("/tmp/a b")),
            r#"cd '/tmp/a b' && env 'A=1 2' prog 'a b' "it's" '' '$x' --y=1"#
        );
        assert_eq!(shell_line(&strings(&["./x"]), &[], None), "./x");
        let bare = ["awk", "-v", "cities=8", "A=b", "1,2", "+3%", "u@h:/p", "a~", "~", "#", "é"];
        assert_eq!(
            shell_line(&strings(&bare), &[("A".into(), "b".into())], None),
            "env A=b awk -v cities=8 A=b 1,2 +3% u@h:/p 'a~' '~' '#' 'é'"
        );
        assert_eq!(shell_line(&strings(&["a=b", "c=d"]), &[], None), "'a=b' c=d");
    }

    #[test]
    fn a_pasted_line_gives_the_same_words() {
        let argv = strings(&[
            "printf",
            r"%s\n",
            "a\nb",
            "*",
            "$(echo no)",
            "`no`",
            "a'b\"c",
            "é",
            "!x",
            "^y",
            "{1,2}",
            "~",
            "a=~",
            "a:~",
            "x=1",
            "+%@",
            "=ls",
        ]);
        let out = std::process::Command::new("sh").arg("-c").arg(shell_line(&argv, &[], None)).output().unwrap();
        let expected: String = argv[2..].iter().map(|word| format!("{word}\n")).collect();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), expected);
    }

    #[test]
    fn values_in_quotes_are_found() {
        let found = |text: &str| -> Vec<String> {
            values_in_quotes(text).into_iter().map(|range| text[range].to_owned()).collect()
        };
        assert_eq!(found(r#"a "{{ x }}" '{{ y }}' {{ z }}"#), ["{{ x }}", "{{ y }}"]);
        assert_eq!(found(r#"a "{{ x | safe }}" \"{{ z }} '\'{{ y }}"#), Vec::<String>::new());
    }
}
