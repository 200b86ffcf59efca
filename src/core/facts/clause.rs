//! Jsonpath predicates, as text.

use crate::expr::Constant;
use crate::value::Value;
use std::fmt::Write;

/// A predicate of equalities, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    text: String,
    equalities: usize,
    /// Whether it is a disjunction, which needs parentheses inside a conjunction
    is_any: bool,
}

impl Clause {
    /// One equality.
    pub(super) fn new(text: String) -> Self {
        Clause { text, equalities: 1, is_any: false }
    }

    /// The predicate.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The conjunction, without the longest where there would be more than `most` equalities; `None` of nothing.
    pub(super) fn all(parts: impl IntoIterator<Item = Clause>, most: usize) -> Option<Self> {
        let mut kept = distinct(parts);
        kept.sort_by_key(|part| part.equalities);
        let mut equalities = 0;
        kept.retain(|part| {
            let fits = equalities + part.equalities <= most;
            equalities += if fits { part.equalities } else { 0 };
            fits
        });
        if kept.len() <= 1 {
            return kept.pop();
        }
        let texts = kept.iter().map(|part| if part.is_any { format!("({})", part.text) } else { part.text.clone() });
        Some(Clause { text: texts.collect::<Vec<_>>().join(" && "), equalities, is_any: false })
    }

    /// The disjunction; `None` where it would have more than `most` equalities.
    pub(super) fn any(parts: impl IntoIterator<Item = Clause>, most: usize) -> Option<Self> {
        let mut kept = distinct(parts);
        if kept.len() <= 1 {
            return kept.pop();
        }
        let equalities = kept.iter().map(|part| part.equalities).sum();
        let text = kept.into_iter().map(|part| part.text).collect::<Vec<_>>().join(" || ");
        (equalities <= most).then_some(Clause { text, equalities, is_any: true })
    }
}

fn distinct(parts: impl IntoIterator<Item = Clause>) -> Vec<Clause> {
    let mut seen = std::collections::HashSet::new();
    parts.into_iter().filter(|part| seen.insert(part.text.clone())).collect()
}

/// A scalar as jsonpath reads it.
pub(super) fn literal(constant: &Constant) -> Option<String> {
    match constant {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(quoted(text)),
        _ => None,
    }
}

/// A string or a key as jsonpath reads it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing to a string does not fail.
            control if control.is_ascii_control() => drop(write!(quoted, "\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
