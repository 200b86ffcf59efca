//! Searches by following all ways through a pattern at once. This is slower than a DFA, but never gives up.
//!
//! A lazy DFA gives up at Unicode word boundaries in text that is not ASCII, and the regex crate's other engines cannot
//! be interrupted.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

/// The number of bytes that are searched between two calls of `interrupt`.
const STEPS: usize = 256;

/// Whether the pattern matches anywhere in `text`. The time is proportional to the length of `text` times the size of
/// the pattern.
pub(super) fn is_match(nfa: &NFA, text: &[u8], interrupt: fn()) -> bool {
    let (mut here, mut next) = (Reached::none(nfa), Reached::none(nfa));
    for at in 0..=text.len() {
        if at % STEPS == 0 {
            interrupt();
        }
        // A match may start anywhere.
        if here.reach(nfa, nfa.start_anchored(), text, at) {
            return true;
        }
        let Some(byte) = text.get(at) else { return false };
        next.clear();
        for state in &here.states {
            let to = match nfa.state(*state) {
                State::ByteRange { trans } => trans.matches_byte(*byte).then_some(trans.next),
                State::Sparse(transitions) => transitions.matches_byte(*byte),
                State::Dense(transitions) => transitions.matches_byte(*byte),
                _ => None,
            };
            if to.is_some_and(|to| next.reach(nfa, to, text, at + 1)) {
                return true;
            }
        }
        std::mem::swap(&mut here, &mut next);
    }
    false
}

/// The states reached at one place in the text.
struct Reached {
    states: Vec<StateID>,
    is_reached: Vec<bool>,
    /// The states that are still to be visited
    stack: Vec<StateID>,
}

impl Reached {
    fn none(nfa: &NFA) -> Self {
        Reached { states: Vec::new(), is_reached: vec![false; nfa.states().len()], stack: Vec::new() }
    }

    fn clear(&mut self) {
        self.states.drain(..).for_each(|state| self.is_reached[state.as_usize()] = false);
    }

    /// Adds a state, and all states that it leads to without reading a byte. Returns whether one of them is a match.
    fn reach(&mut self, nfa: &NFA, state: StateID, text: &[u8], at: usize) -> bool {
        self.stack.push(state);
        while let Some(state) = self.stack.pop() {
            if std::mem::replace(&mut self.is_reached[state.as_usize()], true) {
                continue;
            }
            self.states.push(state);
            match nfa.state(state) {
                State::Match { .. } => return true,
                State::Look { look, next } if nfa.look_matcher().matches(*look, text, at) => self.stack.push(*next),
                State::Union { alternates } => self.stack.extend(alternates.iter()),
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([*alt1, *alt2]),
                State::Capture { next, .. } => self.stack.push(*next),
                _ => {}
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::{STEPS, is_match};
    use proptest::prelude::*;
    use regex_automata::nfa::thompson::NFA;
    use std::sync::atomic::{AtomicUsize, Ordering};

    proptest! {
        #[test]
        fn agrees_with_the_regex_crate(
            pattern in r"(\\b|\\B|\^|\$|é|a|\[a-c\]|.|\\w|\\d|\(a\|é\)|x\*|\(?:ab\)\+){1,6}",
            text in "[aébcx 1\n]{0,12}",
        ) {
            if let (Ok(nfa), Ok(compiled)) = (NFA::new(&pattern), Pattern::compile(&pattern, None)) {
                prop_assert_eq!(is_match(&nfa, text.as_bytes(), || ()), compiled.is_match(text.as_bytes(), || ()));
            }
        }
    }

    #[test]
    fn word_boundaries_in_long_text_can_be_interrupted() {
        static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);
        let text = "é ".repeat(1 << 16);
        let pattern = Pattern::compile(r"\bnever\b", None).expect("a pattern");
        assert!(!pattern.is_match(text.as_bytes(), || _ = INTERRUPTS.fetch_add(1, Ordering::Relaxed)));
        assert!(INTERRUPTS.load(Ordering::Relaxed) >= text.len() / STEPS);
    }
}
