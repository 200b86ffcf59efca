//! What an index can use of a condition: facts about every document that satisfies it.
//!
//! A GIN index on a jsonb column finds documents by the scalars that they hold and, with `jsonb_ops`, by their keys. So
//! the facts are a lax jsonpath of equalities, and keys that must be there. Both are *necessary*: they let documents
//! through that do not satisfy the condition, never the other way round. What says nothing of the kind is dropped from
//! a conjunction and takes a disjunction with it: complements, and whatever a missing field satisfies.
//!
//! Lax jsonpath unwraps arrays where `$eq` fans out over them: `{"a": [1, 2]}` satisfies `$."a" == 1`, but does not
//! contain `{"a": 1}`, so `@>` would lose it. It can say `exists ($."a")` too, but no index can look for that.

use crate::expr::{Atom, Checked, Constant, ElementTest, Expr, FieldTest, NormalForm, PairTest, ValueTest};
use crate::path::{Path, as_index};
use crate::value::Value;

mod clause;
#[cfg(test)]
mod tests;

use clause::{Clause, literal, quoted};

/// The operator classes of GIN on jsonb that Postgres brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GinClass {
    /// `jsonb_ops`: keys and scalars
    Jsonb,
    /// `jsonb_path_ops`: scalars at their paths
    JsonbPath,
}

/// What is known of every document that satisfies a condition, and an index can look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A lax jsonpath predicate that is true of every such document: `$."plan" == "pro" && $."seats" == 5`
    pub jsonpath: Option<String>,
    /// Top-level keys: of each list, every such document has at least one
    pub present: Vec<Vec<String>>,
    /// All of that as a condition
    pub condition: Checked,
}

/// How many equalities a jsonpath has at most. A GIN scan takes 1.5 ms for 100 alternatives, 20 ms for 300 and 110 ms
/// for 1,000; planning takes 10 µs for each.
const MOST_EQUALITIES: usize = 256;
/// How many ways to read a path as keys and indexes are followed: two for each number in it.
const MOST_READINGS: usize = 4;
/// How many facts about keys are kept, and how many keys each may name.
const MOST_KEYS: usize = 32;

impl Facts {
    /// Derives what an index of that class can look for; `None` where that is nothing.
    #[must_use]
    pub fn of(checked: &Checked, class: GinClass) -> Option<Self> {
        let Found { equalities, mut present } = gather(checked, &|atom| match atom {
            Atom::Field(field) => of_contact(field),
            Atom::Pair(pair) => of_pair(pair),
            Atom::Topic(_) => Found::default(),
        });
        match class {
            GinClass::JsonbPath => present.clear(),
            // The key of a test that needs more: most documents may have it. So it will do where there is nothing
            // better.
            GinClass::Jsonb if equalities.is_some() || present.iter().any(|keys| keys.is_asked_for) => {
                present.retain(|keys| keys.is_asked_for);
            }
            GinClass::Jsonb => {}
        }
        present.truncate(MOST_KEYS);
        if equalities.is_none() && present.is_empty() {
            return None;
        }
        let conditions = present.iter().map(Keys::as_condition);
        Some(Facts {
            condition: Expr::and(equalities.iter().map(|clause| clause.condition.clone()).chain(conditions)),
            jsonpath: equalities.map(|clause| clause.text),
            present: present.into_iter().map(|keys| keys.keys).collect(),
        })
    }
}

/// What is known where a part of a condition holds.
#[derive(Default)]
struct Found {
    equalities: Option<Clause>,
    present: Vec<Keys>,
}

/// Top-level keys, one of which is there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Keys {
    keys: Vec<String>,
    /// Whether the condition asks for no more
    is_asked_for: bool,
}

impl Keys {
    fn as_condition(&self) -> Checked {
        let exists = |key: &String| {
            let path = Path::from_keys(vec![key.clone()]);
            Expr::Test(Atom::Field(FieldTest { path, read_as: None, test: ValueTest::Exists }))
        };
        Expr::or(self.keys.iter().map(exists))
    }
}

impl Found {
    fn equal(clause: Option<Clause>) -> Self {
        Found { equalities: clause, present: vec![] }
    }

    /// What is known where all parts hold.
    fn all(parts: impl IntoIterator<Item = Found>) -> Self {
        let (mut clauses, mut present) = (vec![], vec![]);
        for part in parts {
            clauses.extend(part.equalities);
            present.extend(part.present);
        }
        present.sort();
        present.dedup();
        Found { equalities: Clause::all(clauses, MOST_EQUALITIES), present }
    }

    /// What is known where any part holds.
    fn any(parts: impl IntoIterator<Item = Found>) -> Self {
        let (mut clauses, mut keys, mut is_asked_for) = (Some(vec![]), Some(vec![]), true);
        for part in parts {
            clauses = clauses.zip(part.equalities).map(|(mut clauses, clause)| {
                clauses.push(clause);
                clauses
            });
            let narrowest = part.present.into_iter().min_by_key(|keys| (!keys.is_asked_for, keys.keys.len()));
            is_asked_for &= narrowest.as_ref().is_some_and(|keys| keys.is_asked_for);
            keys = keys.zip(narrowest).map(|(mut known, more)| {
                known.extend(more.keys);
                known
            });
        }
        let mut keys: Vec<String> = keys.unwrap_or_default();
        keys.sort();
        keys.dedup();
        let is_of_use = (1..=MOST_KEYS).contains(&keys.len());
        Found {
            equalities: clauses.and_then(|clauses| Clause::any(clauses, MOST_EQUALITIES)),
            present: if is_of_use { vec![Keys { keys, is_asked_for }] } else { vec![] },
        }
    }
}

/// What is known where a combination of tests holds.
fn gather<T>(expr: &Expr<T>, of_test: &impl Fn(&T) -> Found) -> Found {
    expr.fold_normal_form(&mut |node| match node {
        NormalForm::All(parts) => Found::all(parts),
        NormalForm::Any(parts) => Found::any(parts),
        NormalForm::Test { test, positive: true } => of_test(test),
        NormalForm::Test { positive: false, .. } | NormalForm::Const(_) => Found::default(),
    })
}

fn of_contact(field: &FieldTest) -> Found {
    let places = readings(vec![format!("$.{}", quoted(field.path.first()))], field.path.rest());
    let mut found = places.map(|places| of_value(&places, &field.test)).unwrap_or_default();
    if let Some(clause) = &mut found.equalities {
        clause.condition = Expr::Test(Atom::Field(field.clone()));
    }
    if !field.test.holds_for_missing() {
        let is_asked_for = field.test == ValueTest::Exists && field.path.rest().is_empty();
        found.present = vec![Keys { keys: vec![field.path.first().to_owned()], is_asked_for }];
    }
    found
}

/// A comparison of fields: both are there.
fn of_pair(pair: &PairTest) -> Found {
    let key = |path: &Path| Keys { keys: vec![path.first().to_owned()], is_asked_for: false };
    Found { equalities: None, present: pair.paths().map(key).collect() }
}

/// A test on a field of an element that is an object, or an array read as one.
fn of_element_field(elements: &[String], path: &Path, test: &ValueTest) -> Found {
    readings(elements.to_vec(), path.keys()).map(|places| of_value(&places, test)).unwrap_or_default()
}

/// A test on whatever is at one of the places, each a jsonpath.
fn of_value(places: &[String], test: &ValueTest) -> Found {
    match test {
        ValueTest::Eq(constant) => at_any(places, |place| equal(place, constant)),
        ValueTest::In(constants) if constants.len() > MOST_EQUALITIES => Found::default(),
        ValueTest::In(constants) => {
            Found::any(constants.iter().map(|constant| at_any(places, |place| equal(place, constant))))
        }
        ValueTest::ElemMatch(element) => {
            let elements: Vec<String> = places.iter().map(|place| format!("{place}[*]")).collect();
            match &**element {
                ElementTest::Object(expr) => {
                    gather(expr, &|field| of_element_field(&elements, &field.path, &field.test))
                }
                ElementTest::Value(expr) => gather(expr, &|test| of_value(&elements, test)),
            }
        }
        _ => Found::default(),
    }
}

fn at_any(places: &[String], equal: impl Fn(&str) -> Option<Clause>) -> Found {
    Found::any(places.iter().map(|place| Found::equal(equal(place))))
}

/// What a value at `place`, or an element of it, must hold to be equal to the constant. A null says nothing: a missing
/// field equals it. Neither does a date: many strings say the same.
fn equal(place: &str, constant: &Constant) -> Option<Clause> {
    match constant {
        Value::Null | Value::Date(_) => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            literal(constant).map(|literal| Clause::new(format!("{place} == {literal}")))
        }
        // `[*]` and then the comparison unwrap an array each: the array itself, or one that is an element.
        Value::Array(items) => {
            let place = format!("{place}[*]");
            Clause::all(items.iter().filter_map(|item| equal(&place, item)), MOST_EQUALITIES)
        }
        Value::Object(members) => {
            let member = |(key, value): &(String, Constant)| equal(&format!("{place}.{}", quoted(key)), value);
            Clause::all(members.iter().filter_map(member), MOST_EQUALITIES)
        }
    }
}

/// The places that keys lead to from `places`; a number is a key or an index. `None` where they are too many.
fn readings(places: Vec<String>, keys: &[String]) -> Option<Vec<String>> {
    keys.iter().try_fold(places, |places, key| {
        let by_key = places.iter().map(|place| format!("{place}.{}", quoted(key)));
        // No array has an element past what jsonpath can count.
        let index = as_index(key).and_then(|index| i32::try_from(index).ok());
        let by_index = index.into_iter().flat_map(|index| places.iter().map(move |place| format!("{place}[{index}]")));
        let next: Vec<String> = by_key.chain(by_index).collect();
        (next.len() <= MOST_READINGS).then_some(next)
    })
}
