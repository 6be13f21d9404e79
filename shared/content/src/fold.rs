//! Text in the form in which spellings that look alike are equal.

use unicode_normalization::UnicodeNormalization;

/// Takes case and Unicode form (NFKC) out of a text. It goes through upper case, so that `ß` and `ss`, `ſ` and `s`
/// become equal. It works letter by letter, so the beginning of the result does not depend on the end of the text. The
/// result may be several times longer.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed: String = text.nfkc().collect();
    let upper = composed.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect::<String>().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_text_fold_to_the_same() {
        for (a, b) in [
            ("README", "readme"),
            ("café", "CAFE\u{301}"),
            ("Straße", "STRASSE"),
            ("ﬁle", "FILE"),
            ("ΟΔΟΣ", "οδος"),
            ("ＡＢＣ", "abc"),
        ] {
            assert_eq!(fold_case(a), fold_case(b), "{a} {b}");
        }
        assert_ne!(fold_case("a"), fold_case("á"));
    }

    #[test]
    fn a_beginning_folds_to_a_beginning() {
        assert!(fold_case("ΟΔΟΣ ΑΒΓ").starts_with(&fold_case("οδος")));
        assert!(fold_case("ΟΔΟΣΑ").starts_with(&fold_case("ΟΔΟΣ")));
    }
}
