//! Owns suggestions ("did you mean") and lists of names in messages.

/// The candidate most similar to a word. None if no candidate is similar.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let scored = candidates.into_iter().map(|candidate| {
        let other = candidate.to_lowercase();
        let same_letters = lower.replace(['_', '-'], "") == other.replace(['_', '-'], "");
        let distance = strsim::damerau_levenshtein(&lower, &other);
        (if same_letters { 0 } else { distance }, candidate)
    });
    let (distance, best) = scored.min_by_key(|(distance, _)| *distance)?;
    let longest = word.chars().count().max(best.chars().count());
    (distance * 3 <= longest).then_some(best)
}

/// The names in backquotes, separated by commas; after twenty names, how many more there are.
pub fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    const MOST: usize = 20;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => format!("{} and {} more", first.join(", "), names.len() - MOST),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_words_are_suggested() {
        let keys = ["command", "repeats", "root-seed", "draws"];
        assert_eq!(nearest("comand", keys), Some("command"));
        assert_eq!(nearest("root_seed", keys), Some("root-seed"));
        assert_eq!(nearest("Repeats", keys), Some("repeats"));
        assert_eq!(nearest("temperature", keys), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn lists_are_bounded() {
        assert_eq!(list(["a", "b"]), "`a`, `b`");
        let many: Vec<String> = (0..25).map(|i| i.to_string()).collect();
        assert!(list(&many).ends_with("`19` and 5 more"));
    }
}
