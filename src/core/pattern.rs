//! Patterns of `$regex`, and the literal text of `$contains`, `$startsWith` and `$endsWith`.

use crate::error::{ErrorKind, Refusal};
use crate::limits::PATTERN_BYTES;
use crate::operator::Operator;
pub use caseless::Caseless;
pub use construct::{CONSTRUCTS, Construct, markdown_table};
use reading::Reading;
use search::Search;

mod caseless;
mod construct;
mod interruptible;
mod reading;
mod scan;
mod search;
mod simulation;

/// A compiled pattern, and the text that it was compiled from.
///
/// The syntax is that of the `regex` crate: matching takes linear time, there are no look-around and no
/// back-references, and `\d \w \b` are Unicode's. A look-around that says "not" is read as a complement: a text matches
/// if `wanted` matches it and `unwanted` does not.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    options: Option<String>,
    wanted: Option<Search>,
    unwanted: Option<Search>,
}

/// Patterns are equal if their text and options are.
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

/// A test for literal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextTest {
    /// `$contains`
    Contains,
    /// `$startsWith`
    StartsWith,
    /// `$endsWith`
    EndsWith,
}

/// Literal text that a test looks for.
#[derive(Clone, Debug)]
pub struct Needle {
    text: String,
    options: Option<String>,
    search: Search,
}

/// Needles are equal if their text and options are.
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

/// The hint for `{}` in place of a pattern: JavaScript writes a regular expression so as JSON.
pub(crate) const LOST_PATTERN: &str =
    "JSON.stringify turns a regular expression into {}. Write its text: {\"$regex\": \"^a\", \"$options\": \"i\"}.";

impl Pattern {
    /// Compiles a pattern. `options` are letters of `imsx`, checked by the caller.
    ///
    /// # Errors
    /// The pattern has one of [`CONSTRUCTS`], does not compile, or takes more than [`PATTERN_BYTES`] compiled.
    pub fn compile(source: &str, options: Option<&str>) -> Result<Self, Refusal> {
        let Reading { wanted, unwanted } = reading::read(source, options)?;
        let search = |hir: Option<_>| hir.map(|hir| Search::of(hir, source.len())).transpose();
        let (wanted, unwanted) = (search(wanted)?, search(unwanted)?);
        Ok(Pattern { source: source.to_owned(), options: options.map(str::to_owned), wanted, unwanted })
    }

    /// The same pattern, ignoring case.
    ///
    /// # Errors
    /// The pattern then takes more than [`PATTERN_BYTES`] compiled.
    pub fn ignoring_case(&self) -> Result<Self, Refusal> {
        if has_option(self.options(), 'i') {
            return Ok(self.clone());
        }
        Self::compile(&self.source, Some(&format!("{}i", self.options().unwrap_or_default())))
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The letters of `$options` as they were written; `None` if there are none.
    #[must_use]
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Whether the pattern matches anywhere in `text`. The time is linear in the length of `text`. A long search calls
    /// `interrupt` regularly, which may unwind.
    #[must_use]
    pub fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        self.wanted.as_ref().is_none_or(|search| search.is_match(text, interrupt))
            && !self.unwanted.as_ref().is_some_and(|search| search.is_match(text, interrupt))
    }

    /// Literal text that every text that matches contains, and that is not empty; `None` if none is known.
    #[must_use]
    pub fn required(&self) -> Option<&[u8]> {
        self.wanted.as_ref().and_then(Search::required)
    }

    /// The size of the compiled pattern in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.wanted.iter().chain(&self.unwanted).map(Search::bytes).sum()
    }
}

impl TextTest {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            TextTest::Contains => Operator::Contains,
            TextTest::StartsWith => Operator::StartsWith,
            TextTest::EndsWith => Operator::EndsWith,
        }
    }
}

impl Needle {
    /// Compiles the text that a test looks for. `options` has no letter but `i`, which the caller checks.
    ///
    /// # Errors
    /// The text takes more than [`PATTERN_BYTES`] compiled.
    pub fn compile(test: TextTest, text: &str, options: Option<&str>) -> Result<Self, Refusal> {
        let ignores_case = has_option(options, 'i');
        // Each byte takes more than 16 bytes compiled. For long text the compiler needs seconds to find that it is too
        // large.
        if ignores_case && text.len() > PATTERN_BYTES / 16 {
            return Err(too_big());
        }
        let search =
            if ignores_case { Search::without_case(test, text)? } else { Search::literal(test, text.as_bytes()) };
        Ok(Needle { text: text.to_owned(), options: options.map(str::to_owned), search })
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The option letters as written; `None` where none were given.
    #[must_use]
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Whether case counts.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !has_option(self.options(), 'i')
    }

    /// The size of the compiled text in bytes, without the text itself.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.search.bytes()
    }

    /// Whether `text` has the needle at the place that the test asks for. A long search calls `interrupt` regularly,
    /// which may unwind.
    #[must_use]
    pub fn is_in(&self, text: &[u8], interrupt: fn()) -> bool {
        self.search.is_match(text, interrupt)
    }
}

fn has_option(options: Option<&str>, letter: char) -> bool {
    options.is_some_and(|letters| letters.contains(letter))
}

fn too_big() -> Refusal {
    Refusal::new(
        ErrorKind::TooLarge,
        format!("compiled pattern exceeds the limit of {PATTERN_BYTES} bytes"),
        "Use shorter text, smaller counts of repetitions, or ASCII's classes: [A-Za-z0-9_] is small, and \\w is Unicode's and large.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The needle may begin at each byte of the text, so that the search cannot skip any.
    #[test]
    fn long_searches_can_be_interrupted() {
        let (needle, text) = ("x".repeat(4000) + "y", "x".repeat(20_000));
        let needle = Needle::compile(TextTest::Contains, &needle, Some("i")).unwrap();
        let interrupted = std::panic::catch_unwind(|| needle.is_in(text.as_bytes(), || panic!("interrupted")));
        assert!(interrupted.is_err());
        assert!(needle.is_in((text + &needle.text().to_uppercase()).as_bytes(), || ()));
    }
}
