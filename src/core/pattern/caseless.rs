//! Equality of text without regard to case, by Unicode's simple case folding, as in patterns with option `i`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

/// Texts that other texts are compared with, without regard to case.
#[derive(Clone, Debug)]
pub struct Caseless {
    texts: Vec<String>,
    folded: HashSet<String, foldhash::fast::RandomState>,
}

impl Caseless {
    /// Prepares the texts.
    #[must_use]
    pub fn new(texts: Vec<String>) -> Self {
        let folded = texts.iter().map(|text| fold(text)).collect();
        Caseless { texts, folded }
    }

    /// The texts as they were written.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether a text is equal to one of these without regard to case.
    #[must_use]
    pub fn has(&self, text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok_and(|text| self.folded.contains(&fold(text)))
    }
}

/// Two of these are equal if their texts are written in the same way.
impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Eq for Caseless {}

impl Hash for Caseless {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts.hash(state);
    }
}

/// The text in which the first character of its case group replaces each character. A case group has the characters
/// that differ only by case.
fn fold(text: &str) -> String {
    let folded = |character: char| match character {
        'a'..='z' => character.to_ascii_uppercase(),
        character if character.is_ascii() => character,
        character => FIRST.get(&character).copied().unwrap_or(character),
    };
    text.chars().map(folded).collect()
}

/// The first character of the case group, for each character that is not ASCII and not itself the first.
static FIRST: LazyLock<HashMap<char, char, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let is_alone =
        |character: &char| character.to_lowercase().eq([*character]) && character.to_uppercase().eq([*character]);
    let of_case = ('\u{80}'..=char::MAX).filter(|character| !is_alone(character));
    of_case.map(|character| (character, first(character))).filter(|(character, first)| character != first).collect()
});

/// The first character that a pattern of this character matches with option `i`.
fn first(character: char) -> char {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
    // This can only fail in a build without Unicode's tables of case.
    if class.try_case_fold_simple().is_err() {
        return character;
    }
    class.ranges().first().map_or(character, ClassUnicodeRange::start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    #[test]
    fn characters_are_alike_where_patterns_say_so() {
        for (one, other) in
            [("a", "A"), ("Σ", "ς"), ("σ", "Σ"), ("K", "k"), ("ſ", "S"), ("ẞ", "ß"), ("É", "é"), ("ꭰ", "Ꭰ")]
        {
            assert!(Caseless::new(vec![one.into()]).has(other.as_bytes()), "{one} {other}");
        }
        for (one, other) in [("ß", "ss"), ("İ", "i"), ("ı", "I"), ("a", "á"), ("a", "aa"), ("", "a")] {
            assert!(!Caseless::new(vec![one.into()]).has(other.as_bytes()), "{one} {other}");
        }
        assert!(!Caseless::new(vec!["a".into()]).has(&[0xFF]));
    }

    /// Characters without another case in Unicode's tables of upper and lower case are folded, too.
    #[test]
    fn every_character_that_patterns_fold_is_folded() {
        for character in ('\0'..=char::MAX).step_by(if cfg!(debug_assertions) { 7 } else { 1 }) {
            assert_eq!(fold(&character.to_string()), fold(&first(character).to_string()), "{character:?}");
        }
    }

    #[test]
    fn texts_are_alike_where_patterns_say_so() {
        let texts =
            ["", "Straße", "STRASSE", "Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ", "kelvin", "Kelvin", "ǅ", "ǆ", "istanbul", "İSTANBUL"];
        for one in texts {
            let pattern = Pattern::compile(&format!("^{one}$"), Some("i")).unwrap();
            let caseless = Caseless::new(vec![one.to_owned()]);
            for other in texts {
                let (by_pattern, by_fold) = (pattern.is_match(other.as_bytes(), || ()), caseless.has(other.as_bytes()));
                assert_eq!(by_pattern, by_fold, "{one} {other}");
            }
        }
    }
}
