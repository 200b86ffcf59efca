//! Patterns of `$regex`, and the literal text of `$contains`, `$startsWith` and `$endsWith`.

use crate::ast::TextTest;
use crate::error::ErrorKind;
use crate::limits::{PATTERN_BYTES, PATTERN_CHARACTERS};
use memchr::memmem;
use regex_automata::Input;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind, Literal, Look};
use std::sync::{Arc, OnceLock};

mod simulation;

/// A compiled pattern with what it was compiled from.
///
/// The `regex` crate's syntax: linear time, no look-around, no back-references; `\d \w \b` are Unicode's.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    options: Option<String>,
    search: Search,
    /// The same, for long texts
    steps: Arc<OnceLock<Option<DFA>>>,
}

/// A text as long as this is searched step by step, so that the search can be interrupted: the regex crate's own search
/// cannot be, and takes seconds for some megabytes where a pattern asks for it.
const LONG_TEXT: usize = 1 << 16;
/// How many bytes are searched between two calls of the interrupt: each may take some microseconds.
const STEPS: usize = 256;

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
    Regex(Regex),
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
            None => Search::Regex(build(source, syntax_of(options))?),
        };
        Ok(Pattern { source: source.to_owned(), options: options.map(str::to_owned), search, steps: Arc::default() })
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
        let needs_steps = text.len() >= LONG_TEXT && matches!(self.search, Search::Regex(_));
        let stepwise = if needs_steps { self.is_match_stepwise(text, interrupt) } else { None };
        stepwise.unwrap_or_else(|| self.search.is_match(text))
    }

    /// `None` where the pattern has no DFA.
    fn is_match_stepwise(&self, text: &[u8], interrupt: fn()) -> Option<bool> {
        let dfa = self.steps.get_or_init(|| {
            DFA::builder()
                .configure(DFA::config().unicode_word_boundary(true).skip_cache_capacity_check(true))
                .syntax(syntax_of(self.options()).utf8(false))
                .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(PATTERN_BYTES)))
                .build(&self.source)
                .ok()
        });
        let dfa = dfa.as_ref()?;
        let by_dfa = Self::is_match_by(dfa, text, interrupt);
        Some(by_dfa.unwrap_or_else(|| simulation::is_match(dfa.get_nfa(), text, interrupt)))
    }

    /// `None` where it gives up: at Unicode's word boundaries in text that is not ASCII.
    fn is_match_by(dfa: &DFA, text: &[u8], interrupt: fn()) -> Option<bool> {
        let mut cache = dfa.create_cache();
        let mut state = dfa.start_state_forward(&mut cache, &Input::new(text)).ok()?;
        for bytes in text.chunks(STEPS) {
            interrupt();
            for byte in bytes {
                state = dfa.next_state(&mut cache, state, *byte).ok()?;
                if state.is_tagged() {
                    if state.is_quit() {
                        return None;
                    }
                    if state.is_match() || state.is_dead() {
                        return Some(state.is_match());
                    }
                }
            }
        }
        Some(dfa.next_eoi_state(&mut cache, state).ok()?.is_match())
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
            Search::Regex(build(&source, syntax::Config::new().case_insensitive(true))?)
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

    /// Whether `text` has the needle where the test that it was compiled for wants it. Linear in its length.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.search.is_match(text)
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

    #[inline]
    fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Search::Anywhere(finder) => finder.find(text).is_some(),
            Search::AtStart(start) => text.starts_with(start),
            Search::AtEnd(end) => text.ends_with(end),
            Search::Regex(regex) => regex.is_match(text),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Search::Anywhere(finder) => finder.needle().len(),
            Search::AtStart(text) | Search::AtEnd(text) => text.len(),
            Search::Regex(regex) => regex.memory_usage(),
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

/// Patterns match bytes, as those of `regex::bytes` do: an empty match may split a character.
fn build(source: &str, syntax: syntax::Config) -> Result<Regex, Refusal> {
    let config = Config::new().nfa_size_limit(Some(PATTERN_BYTES)).utf8_empty(false);
    Regex::builder().configure(config).syntax(syntax.utf8(false)).build(source).map_err(|error| {
        match error.size_limit() {
            Some(limit) => too_big(limit),
            None => (ErrorKind::BadPattern, format!("invalid pattern: {}", reason(&error)), advice(&error)),
        }
    })
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
                let regex = build(source, syntax_of(Some(options))).unwrap();
                assert!(matches!(pattern.search, Search::Regex(_)) != is_literal, "{source}");
                for text in texts {
                    let expected = regex.is_match(text.as_bytes());
                    assert_eq!(
                        pattern.is_match(text.as_bytes(), || ()),
                        expected,
                        "{source} with {options} on {text:?}"
                    );
                }
            }
        }
    }
}
