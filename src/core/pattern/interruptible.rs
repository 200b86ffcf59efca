//! A regular expression whose search can be interrupted.

use super::simulation;
use crate::limits::PATTERN_BYTES;
use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_syntax::hir::Hir;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

/// A regular expression over bytes, as in `regex::bytes`: an empty match may lie inside a character.
#[derive(Clone, Debug)]
pub(super) struct InterruptibleRegex {
    hir: Arc<Hir>,
    /// The length of the pattern's text, with all of which each byte may be compared
    length: usize,
    /// `None` if the automata beside the forward NFA would exceed the limit: then all searches go step by step
    regex: Option<Regex>,
    /// The same expression for long searches, made when first needed
    steps: Arc<OnceLock<Option<Steps>>>,
}

/// Text of at least this length is searched step by step, so that the search can be interrupted. The regex crate's own
/// search cannot be interrupted, and takes seconds for a few megabytes with some patterns.
const LONG_TEXT: usize = 1 << 16;
/// Shorter text is searched step by step, too, if its length times that of the pattern is at least this, because each
/// byte may be compared with the whole pattern.
const LONG_SEARCH: usize = 1 << 24;
/// The number of bytes that are searched between two calls of `interrupt`. Each may take some microseconds.
const STEPS: usize = 256;

impl InterruptibleRegex {
    /// Compiles an expression; `length` is the length of the pattern's text. Returns `None` if it takes more than
    /// [`PATTERN_BYTES`].
    pub(super) fn build(hir: Hir, length: usize) -> Option<Self> {
        let config =
            Config::new().nfa_size_limit(Some(PATTERN_BYTES)).utf8_empty(false).which_captures(WhichCaptures::None);
        // This fails only for its size: the parser has refused everything else that can be wrong.
        let regex = Regex::builder().configure(config).build_from_hir(&hir).ok();
        let steps = OnceLock::new();
        if regex.is_none() {
            _ = steps.set(Some(Steps::build(&hir)?));
        }
        Some(InterruptibleRegex { hir: Arc::new(hir), length, regex, steps: Arc::new(steps) })
    }

    /// Whether the expression matches anywhere in `text`. A long search calls `interrupt` regularly, which may unwind.
    pub(super) fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        let is_long = text.len() >= LONG_TEXT || text.len() * self.length >= LONG_SEARCH;
        match &self.regex {
            Some(regex) if !is_long => regex.is_match(text),
            Some(regex) => self.steps().map_or_else(|| regex.is_match(text), |steps| steps.is_match(text, interrupt)),
            None => self.steps().is_some_and(|steps| steps.is_match(text, interrupt)),
        }
    }

    fn steps(&self) -> Option<&Steps> {
        self.steps.get_or_init(|| Steps::build(&self.hir)).as_ref()
    }

    /// The size of the compiled expression in bytes.
    pub(super) fn bytes(&self) -> usize {
        match &self.regex {
            Some(regex) => regex.memory_usage(),
            None => self.steps().map_or(0, |steps| steps.dfa.get_nfa().memory_usage()),
        }
    }
}

/// A lazy DFA: its states are made when a search first needs them.
#[derive(Debug)]
struct Steps {
    dfa: DFA,
    caches: Pool<Cache, NewCache>,
}

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

impl Steps {
    fn build(hir: &Hir) -> Option<Self> {
        let config =
            thompson::Config::new().utf8(false).which_captures(WhichCaptures::None).nfa_size_limit(Some(PATTERN_BYTES));
        let nfa: NFA = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = DFA::config().unicode_word_boundary(true).skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let of = dfa.clone();
        let new_cache: NewCache = Box::new(move || of.create_cache());
        Some(Steps { dfa, caches: Pool::new(new_cache) })
    }

    fn is_match(&self, text: &[u8], interrupt: fn()) -> bool {
        let by_dfa = self.is_match_by_dfa(text, interrupt);
        by_dfa.unwrap_or_else(|| simulation::is_match(self.dfa.get_nfa(), text, interrupt))
    }

    /// Searches with the DFA. Returns `None` if the DFA gives up, as it does at Unicode word boundaries in text that is
    /// not ASCII.
    fn is_match_by_dfa(&self, text: &[u8], interrupt: fn()) -> Option<bool> {
        let (dfa, mut cache) = (&self.dfa, self.caches.get());
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
}
