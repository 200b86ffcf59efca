//! Searches for a match: for literal text, if a pattern has nothing else, or with a regular expression.

use super::TextTest;
use super::interruptible::InterruptibleRegex;
use super::too_big;
use crate::error::Refusal;
use memchr::memmem;
use regex_syntax::hir::{Hir, HirKind, Literal, Look};

#[derive(Clone, Debug)]
pub(super) enum Search {
    Anywhere(Box<memmem::Finder<'static>>),
    AtStart(Box<[u8]>),
    AtEnd(Box<[u8]>),
    Regex(Box<InterruptibleRegex>),
}

impl Search {
    /// Makes the search for a pattern; `length` is the length of the pattern's text.
    pub(super) fn of(hir: Hir, length: usize) -> Result<Self, Refusal> {
        match literal(&hir) {
            Some((test, text)) => Ok(Search::literal(test, text)),
            None => InterruptibleRegex::build(hir, length).map(Box::new).map(Search::Regex).ok_or_else(too_big),
        }
    }

    pub(super) fn literal(test: TextTest, text: &[u8]) -> Self {
        match test {
            TextTest::Contains => Search::Anywhere(Box::new(memmem::Finder::new(text).into_owned())),
            TextTest::StartsWith => Search::AtStart(text.into()),
            TextTest::EndsWith => Search::AtEnd(text.into()),
        }
    }

    pub(super) fn without_case(test: TextTest, text: &str) -> Result<Self, Refusal> {
        let parsed = regex_syntax::ParserBuilder::new()
            .case_insensitive(true)
            .utf8(false)
            .build()
            .parse(&regex_syntax::escape(text))
            .map_err(|_| too_big())?;
        let hir = match test {
            TextTest::Contains => parsed,
            TextTest::StartsWith => Hir::concat(vec![Hir::look(Look::Start), parsed]),
            TextTest::EndsWith => Hir::concat(vec![parsed, Hir::look(Look::End)]),
        };
        Search::of(hir, text.len())
    }

    #[inline]
    pub(super) fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        match self {
            Search::Anywhere(finder) => finder.find(text).is_some(),
            Search::AtStart(start) => text.starts_with(start),
            Search::AtEnd(end) => text.ends_with(end),
            Search::Regex(regex) => regex.is_match(text, interrupt),
        }
    }

    /// Literal text that every text that matches contains, and that is not empty; `None` if none is known.
    pub(super) fn required(&self) -> Option<&[u8]> {
        let text = match self {
            Search::Anywhere(finder) => finder.needle(),
            Search::AtStart(text) | Search::AtEnd(text) => text,
            Search::Regex(_) => &[],
        };
        Some(text).filter(|text| !text.is_empty())
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Search::Anywhere(finder) => finder.needle().len(),
            Search::AtStart(text) | Search::AtEnd(text) => text.len(),
            Search::Regex(regex) => regex.bytes(),
        }
    }
}

/// The literal text that a pattern looks for, and where; `None` if it looks for anything else.
fn literal(hir: &Hir) -> Option<(TextTest, &[u8])> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(hir),
    };
    let parts: Vec<&HirKind> = parts.iter().map(Hir::kind).collect();
    match parts[..] {
        [HirKind::Literal(Literal(text))] => Some((TextTest::Contains, text)),
        [HirKind::Look(Look::Start), HirKind::Literal(Literal(text))] => Some((TextTest::StartsWith, text)),
        [HirKind::Literal(Literal(text)), HirKind::Look(Look::End)] => Some((TextTest::EndsWith, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::read;
    use super::*;

    #[test]
    fn literal_patterns_find_what_their_regex_finds() {
        let literal_ones = [
            ("ab", ""),
            ("^ab", ""),
            ("ab$", ""),
            (r"^a\.b", ""),
            (r"\Aab", "s"),
            ("(?:a)b", ""),
            ("é$", ""),
            ("a b", "x"),
        ];
        let others =
            [("", ""), ("^", ""), ("^ab$", ""), ("^ab", "m"), ("ab$", "m"), ("ab", "i"), ("a.b", ""), ("ab|a", "")];
        let texts = ["", "ab", "ab\n", "x\nab", "xab", "abx", "AB", "a.b", "axb", "é", "éa", "caf\u{e9}", "a b"];
        for (is_literal, patterns) in [(true, &literal_ones[..]), (false, &others[..])] {
            for (source, options) in patterns {
                let hir = || read(source, Some(options)).unwrap().wanted.unwrap();
                let search = Search::of(hir(), source.len()).unwrap();
                let expression = InterruptibleRegex::build(hir(), source.len()).unwrap();
                assert!(matches!(search, Search::Regex(_)) != is_literal, "{source}");
                for text in texts {
                    let expected = expression.is_match(text.as_bytes(), || ());
                    assert_eq!(
                        search.is_match(text.as_bytes(), || ()),
                        expected,
                        "{source} with {options} on {text:?}"
                    );
                }
            }
        }
    }
}
