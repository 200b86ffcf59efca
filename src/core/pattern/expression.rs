//! A regular expression whose search can be interrupted.

use super::simulation;
use crate::limits::PATTERN_BYTES;
use regex_automata::Input;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use std::sync::{Arc, OnceLock};

/// Patterns match bytes, as those of `regex::bytes` do: an empty match may split a character.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    source: String,
    syntax: syntax::Config,
    regex: Regex,
    /// The same, for long searches
    steps: Arc<OnceLock<Option<DFA>>>,
}

/// A text as long as this is searched step by step, so that the search can be interrupted: the regex crate's own search
/// cannot be, and takes seconds for some megabytes where a pattern asks for it.
const LONG_TEXT: usize = 1 << 16;
/// And a shorter one, where it and the pattern multiply to this: each byte may be compared with the whole pattern.
const LONG_SEARCH: usize = 1 << 24;
/// How many bytes are searched between two calls of the interrupt: each may take some microseconds.
const STEPS: usize = 256;

impl Expression {
    pub(super) fn build(source: &str, syntax: syntax::Config) -> Result<Self, Box<BuildError>> {
        let config = Config::new().nfa_size_limit(Some(PATTERN_BYTES)).utf8_empty(false);
        let syntax = syntax.utf8(false);
        let regex = Regex::builder().configure(config).syntax(syntax).build(source).map_err(Box::new)?;
        Ok(Expression { source: source.to_owned(), syntax, regex, steps: Arc::default() })
    }

    /// Whether it matches anywhere in `text`. During a long search `interrupt` is called now and then, and may unwind.
    pub(super) fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        let is_long = text.len() >= LONG_TEXT || text.len() * self.source.len() >= LONG_SEARCH;
        let stepwise = if is_long { self.is_match_stepwise(text, interrupt) } else { None };
        stepwise.unwrap_or_else(|| self.regex.is_match(text))
    }

    /// `None` where it has no DFA.
    fn is_match_stepwise(&self, text: &[u8], interrupt: fn()) -> Option<bool> {
        let dfa = self.steps.get_or_init(|| {
            DFA::builder()
                .configure(DFA::config().unicode_word_boundary(true).skip_cache_capacity_check(true))
                .syntax(self.syntax)
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
    pub(super) fn bytes(&self) -> usize {
        self.regex.memory_usage()
    }
}
