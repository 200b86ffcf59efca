//! Jsonpath predicates.

use crate::expr::{Checked, Constant, Expr};
use crate::value::Value;
use std::fmt::Write;

/// A predicate with equalities.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub text: String,
    /// The part of a condition that it stands for; always true if it is about an element of an array
    pub condition: Checked,
    equalities: usize,
    /// Whether the predicate is a disjunction, which needs parentheses inside a conjunction
    is_any: bool,
}

impl Clause {
    /// One equality.
    pub(super) fn new(text: String) -> Self {
        Clause { text, condition: Expr::Const(true), equalities: 1, is_any: false }
    }

    /// The conjunction. It leaves out the longest parts if it would have more than `most` equalities. `None` if there
    /// are no parts.
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
        let text = texts.collect::<Vec<_>>().join(" && ");
        let condition = Expr::and(kept.into_iter().map(|part| part.condition));
        Some(Clause { text, condition, equalities, is_any: false })
    }

    /// The disjunction; `None` if it would have more than `most` equalities.
    pub(super) fn any(parts: impl IntoIterator<Item = Clause>, most: usize) -> Option<Self> {
        let mut kept = distinct(parts);
        if kept.len() <= 1 {
            return kept.pop();
        }
        let equalities = kept.iter().map(|part| part.equalities).sum();
        let text = kept.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" || ");
        let condition = Expr::or(kept.into_iter().map(|part| part.condition));
        (equalities <= most).then_some(Clause { text, condition, equalities, is_any: true })
    }
}

fn distinct(parts: impl IntoIterator<Item = Clause>) -> Vec<Clause> {
    let mut seen = std::collections::HashSet::new();
    parts.into_iter().filter(|part| seen.insert(part.text.clone())).collect()
}

/// Writes a scalar as jsonpath.
pub(super) fn literal(constant: &Constant) -> Option<String> {
    match constant {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(quoted(text)),
        _ => None,
    }
}

/// Writes a string or a key as jsonpath.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing to a string cannot fail.
            control if control.is_ascii_control() => drop(write!(quoted, "\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
