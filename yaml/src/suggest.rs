//! "Did you mean": the nearest of the words that would have been right.

/// The candidate a mistyped `word` most likely stands for, if any is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_ascii_lowercase();
            (strsim::damerau_levenshtein(&word, &lower), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean `x`?` or nothing, to end a message with.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_named_and_far_ones_are_not() {
        let known = ["launch", "limits", "routes", "tls"];
        assert_eq!(nearest("lanch", known), Some("launch"));
        assert_eq!(nearest("Limits", known), Some("limits"));
        assert_eq!(nearest("tsl", known), Some("tls"));
        assert_eq!(nearest("something", known), None);
        assert_eq!(did_you_mean("ruotes", known), "; did you mean `routes`?");
    }
}
