//! Patterns of `$regex`, and the literal text of `$contains`, `$startsWith` and `$endsWith`.

use crate::ast::TextTest;
use crate::error::ErrorKind;
use crate::limits::{PATTERN_BYTES, PATTERN_CHARACTERS};
use expression::Expression;
use memchr::memmem;
use regex_automata::meta::BuildError;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind, Literal, Look};

mod expression;
mod simulation;

/// A compiled pattern with what it was compiled from.
///
/// The `regex` crate's syntax: linear time, no look-around, no back-references; `\d \w \b` are Unicode's.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    options: Option<String>,
    search: Search,
}

/// Patterns are equal when they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.options == other.options
    }
}

impl Eq for Pattern {}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.source, &self.options).hash(state);
    }
}

/// Literal text to look for.
#[derive(Clone, Debug)]
pub struct Needle {
    text: String,
    options: Option<String>,
    search: Search,
}

/// What finds a match.
#[derive(Clone, Debug)]
enum Search {
    Anywhere(Box<memmem::Finder<'static>>),
    AtStart(Box<[u8]>),
    AtEnd(Box<[u8]>),
    Expression(Box<Expression>),
}

/// Needles are equal when they are written alike.
impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.options == other.options
    }
}

impl Eq for Needle {}

impl std::hash::Hash for Needle {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.text, &self.options).hash(state);
    }
}

/// Why a pattern cannot be used: the kind, what is wrong, and the way out.
pub type Refusal = (ErrorKind, String, String);

impl Pattern {
    /// Compiles a pattern. `options` are letters of `imsx`, checked by the caller.
    ///
    /// # Errors
    /// The pattern is too long, does not compile, or compiles to more than [`PATTERN_BYTES`].
    pub fn compile(source: &str, options: Option<&str>) -> Result<Self, Refusal> {
        let length = source.chars().count();
        if length > PATTERN_CHARACTERS {
            return Err((
                ErrorKind::TooLarge,
                format!("pattern has {length} characters, more than the limit of {PATTERN_CHARACTERS}"),
                "Shorten the pattern, or split it into several conditions under $or.".into(),
            ));
        }
        let search = match literal(source, syntax_of(options)) {
            Some((test, text)) => Search::literal(test, &text),
            None => Search::expression(source, syntax_of(options))?,
        };
        Ok(Pattern { source: source.to_owned(), options: options.map(str::to_owned), search })
    }

    /// The pattern as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The option letters as written; `None` where none were given.
    #[must_use]
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Whether the pattern matches anywhere in `text`. Linear in its length. During a long search `interrupt` is called
    /// now and then, and may unwind.
    #[must_use]
    pub fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        self.search.is_match(text, interrupt)
    }

    /// How many bytes it takes compiled.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.search.bytes()
    }
}

impl Needle {
    /// Makes text ready to be looked for as the test does. `options` has no letter but `i`, checked by the caller.
    ///
    /// # Errors
    /// What it compiles to would take more than [`PATTERN_BYTES`].
    pub fn compile(test: TextTest, text: &str, options: Option<&str>) -> Result<Self, Refusal> {
        let ignores_case = has_option(options, 'i');
        // Each byte takes more than 16 compiled; to find that out takes seconds for long text.
        if ignores_case && text.len() > PATTERN_BYTES / 16 {
            return Err(too_big(PATTERN_BYTES));
        }
        let search = if ignores_case {
            let (before, after) = match test {
                TextTest::Contains => ("", ""),
                TextTest::StartsWith => (r"\A", ""),
                TextTest::EndsWith => ("", r"\z"),
            };
            let source = format!("{before}{}{after}", regex_syntax::escape(text));
            Search::expression(&source, syntax::Config::new().case_insensitive(true))?
        } else {
            Search::literal(test, text.as_bytes())
        };
        Ok(Needle { text: text.to_owned(), options: options.map(str::to_owned), search })
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The option letters as written; `None` where none were given.
    #[must_use]
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Whether case matters.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !has_option(self.options(), 'i')
    }

    /// How many bytes it takes compiled, beside its text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.search.bytes()
    }

    /// Whether `text` has the needle where the test that it was compiled for wants it. During a long search `interrupt`
    /// is called now and then, and may unwind.
    #[must_use]
    pub fn is_in(&self, text: &[u8], interrupt: fn()) -> bool {
        self.search.is_match(text, interrupt)
    }
}

impl Search {
    fn literal(test: TextTest, text: &[u8]) -> Self {
        match test {
            TextTest::Contains => Search::Anywhere(Box::new(memmem::Finder::new(text).into_owned())),
            TextTest::StartsWith => Search::AtStart(text.into()),
            TextTest::EndsWith => Search::AtEnd(text.into()),
        }
    }

    fn expression(source: &str, syntax: syntax::Config) -> Result<Self, Refusal> {
        let expression = Expression::build(source, syntax).map_err(|error| match error.size_limit() {
            Some(limit) => too_big(limit),
            None => (ErrorKind::BadPattern, format!("invalid pattern: {}", reason(&error)), advice(&error)),
        })?;
        Ok(Search::Expression(Box::new(expression)))
    }

    #[inline]
    fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        match self {
            Search::Anywhere(finder) => finder.find(text).is_some(),
            Search::AtStart(start) => text.starts_with(start),
            Search::AtEnd(end) => text.ends_with(end),
            Search::Expression(expression) => expression.is_match(text, interrupt),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Search::Anywhere(finder) => finder.needle().len(),
            Search::AtStart(text) | Search::AtEnd(text) => text.len(),
            Search::Expression(expression) => expression.bytes(),
        }
    }
}

/// The text that a pattern looks for, and where, if that is all that it says.
fn literal(source: &str, syntax: syntax::Config) -> Option<(TextTest, Box<[u8]>)> {
    let hir = syntax::parse_with(source, &syntax.utf8(false)).ok()?;
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(&hir),
    };
    let parts: Vec<&HirKind> = parts.iter().map(Hir::kind).collect();
    match parts[..] {
        [HirKind::Literal(Literal(text))] => Some((TextTest::Contains, text.clone())),
        [HirKind::Look(Look::Start), HirKind::Literal(Literal(text))] => Some((TextTest::StartsWith, text.clone())),
        [HirKind::Literal(Literal(text)), HirKind::Look(Look::End)] => Some((TextTest::EndsWith, text.clone())),
        _ => None,
    }
}

fn has_option(options: Option<&str>, letter: char) -> bool {
    options.is_some_and(|letters| letters.contains(letter))
}

fn syntax_of(options: Option<&str>) -> syntax::Config {
    let has = |letter| has_option(options, letter);
    syntax::Config::new()
        .case_insensitive(has('i'))
        .multi_line(has('m'))
        .dot_matches_new_line(has('s'))
        .ignore_whitespace(has('x'))
}

fn too_big(limit: usize) -> Refusal {
    (
        ErrorKind::TooLarge,
        format!("compiled pattern exceeds the limit of {limit} bytes"),
        "Use shorter text, smaller repetition counts or fewer Unicode classes.".into(),
    )
}

/// The last line of the regex crate's message names the construct; the lines before draw it.
fn reason(error: &BuildError) -> String {
    let text = message(error);
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn advice(error: &BuildError) -> String {
    let text = message(error);
    if text.contains("look-around") {
        "Express the look-around with $and and $not over simpler patterns.".into()
    } else if text.contains("backreferences") {
        "Back-references are not available; list the alternatives instead.".into()
    } else {
        "Patterns use the syntax of the Rust regex crate; $contains, $startsWith and $endsWith match literal text."
            .into()
    }
}

fn message(error: &BuildError) -> String {
    error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
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
                let pattern = Pattern::compile(source, Some(options)).unwrap();
                let expression = Expression::build(source, syntax_of(Some(options))).unwrap();
                assert!(matches!(pattern.search, Search::Expression(_)) != is_literal, "{source}");
                for text in texts {
                    let expected = expression.is_match(text.as_bytes(), || ());
                    assert_eq!(
                        pattern.is_match(text.as_bytes(), || ()),
                        expected,
                        "{source} with {options} on {text:?}"
                    );
                }
            }
        }
    }
    /// As each of the text's bytes may begin what is looked for, none can be passed over.
    #[test]
    fn long_searches_can_be_interrupted() {
        let (needle, text) = ("x".repeat(4000) + "y", "x".repeat(20_000));
        let needle = Needle::compile(TextTest::Contains, &needle, Some("i")).unwrap();
        let interrupted = std::panic::catch_unwind(|| needle.is_in(text.as_bytes(), || panic!("interrupted")));
        assert!(interrupted.is_err());
        assert!(needle.is_in((text + &needle.text().to_uppercase()).as_bytes(), || ()));
    }
}
