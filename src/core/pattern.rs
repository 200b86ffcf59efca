//! Patterns of `$regex`, and the literal text of `$contains`, `$startsWith` and `$endsWith`.

use crate::ast::TextTest;
use crate::error::ErrorKind;
use crate::limits::{PATTERN_BYTES, PATTERN_CHARACTERS};
use regex::bytes::{Regex, RegexBuilder};

/// A compiled pattern with what it was compiled from.
///
/// The `regex` crate's syntax: linear time, no look-around, no back-references; `\d \w \b` are Unicode's.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    options: Option<String>,
    regex: Regex,
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
    /// What finds it anywhere, or with case ignored; elsewhere bytes are compared
    regex: Option<Regex>,
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
        let has = |letter| has_option(options, letter);
        let mut builder = RegexBuilder::new(source);
        builder
            .case_insensitive(has('i'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .ignore_whitespace(has('x'));
        let regex = build(&mut builder)?;
        Ok(Pattern { source: source.to_owned(), options: options.map(str::to_owned), regex })
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

    /// Whether the pattern matches anywhere in `text`. Linear in its length.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl Needle {
    /// Makes text ready to be looked for as the test does. `options` has no letter but `i`, checked by the caller.
    ///
    /// # Errors
    /// What it compiles to would take more than [`PATTERN_BYTES`].
    pub fn compile(test: TextTest, text: &str, options: Option<&str>) -> Result<Self, Refusal> {
        let ignores_case = has_option(options, 'i');
        let (before, after) = match test {
            TextTest::Contains => ("", ""),
            TextTest::StartsWith => (r"\A", ""),
            TextTest::EndsWith => ("", r"\z"),
        };
        let regex = if ignores_case || test == TextTest::Contains {
            let source = format!("{before}{}{after}", regex::escape(text));
            Some(build(RegexBuilder::new(&source).case_insensitive(ignores_case))?)
        } else {
            None
        };
        Ok(Needle { text: text.to_owned(), options: options.map(str::to_owned), regex })
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

    /// Whether `text` has the needle where the test that it was compiled for wants it. Linear in its length.
    #[must_use]
    pub fn is_in(&self, test: TextTest, text: &[u8]) -> bool {
        match (&self.regex, test) {
            (Some(regex), _) => regex.is_match(text),
            (None, TextTest::EndsWith) => text.ends_with(self.text.as_bytes()),
            (None, _) => text.starts_with(self.text.as_bytes()),
        }
    }
}

fn has_option(options: Option<&str>, letter: char) -> bool {
    options.is_some_and(|letters| letters.contains(letter))
}

fn build(builder: &mut RegexBuilder) -> Result<Regex, Refusal> {
    builder.size_limit(PATTERN_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => (
            ErrorKind::TooLarge,
            format!("compiled pattern exceeds the limit of {limit} bytes"),
            "Use shorter text, smaller repetition counts or fewer Unicode classes.".into(),
        ),
        error => (ErrorKind::BadPattern, format!("invalid pattern: {}", reason(&error)), advice(&error)),
    })
}

/// The last line of the regex crate's message names the construct; the lines before draw it.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn advice(error: &regex::Error) -> String {
    let text = error.to_string();
    if text.contains("look-around") {
        "Express the look-around with $and and $not over simpler patterns.".into()
    } else if text.contains("backreferences") {
        "Back-references are not available; list the alternatives instead.".into()
    } else {
        "Patterns use the syntax of the Rust regex crate; $contains, $startsWith and $endsWith match literal text."
            .into()
    }
}
