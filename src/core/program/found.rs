//! What tests on elements find, for explanations.

use super::elements::ElementsCheck;
use super::walk::Visitor;
use super::{FieldPath, Program, Surroundings};
use crate::ast::Aggregate;
use crate::document::{Array, Node, Object, View};
use crate::expr::{ElementTest, FieldTest, ValueTest};
use crate::path::Path;
use crate::value::Json;
use std::fmt;

/// What a test on elements found in an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementsFound {
    /// How many elements the array has
    pub elements: usize,
    /// How many of them the filter lets through; `None` without a filter
    pub seen: Option<usize>,
    /// How many of these satisfy the condition that is put to each of them; `None` where none is
    pub satisfying: Option<usize>,
    /// For aggregates of values, what was compared
    pub compared: Vec<Compared>,
}

/// An aggregate that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What was computed
    pub aggregate: Aggregate,
    /// The path inside the elements
    pub path: Path,
    /// The value, unless it is missing; for `$avg` the sum, since an average is not computed
    pub value: Option<Json>,
    /// For `$avg`, the number of values
    pub count: Option<u32>,
}

/// What a test on elements finds in a document: for each array that its field yields, or for none, since it is then put
/// to an empty one. Empty for other tests.
pub fn elements_found<'d, N: Node<'d>>(
    field: &FieldTest,
    document: N,
    surroundings: Surroundings<'_>,
) -> Vec<ElementsFound> {
    let check = match &field.test {
        ValueTest::Elements(test) => Asker::Elements(ElementsCheck::compile(test)),
        ValueTest::ElemMatch(element) => match &**element {
            ElementTest::Object(condition) => Asker::Each(Program::compile_element(condition)),
            ElementTest::Value { .. } => return vec![],
        },
        _ => return vec![],
    };
    let path = FieldPath::compile(field, &[field.path.first().to_owned()]);
    let value = match document.view() {
        View::Object(object) => object.get(field.path.first()),
        _ => None,
    };
    let mut found = Found { check: &check, surroundings, arrays: Vec::new() };
    path.visit(&[value], &mut found, surroundings);
    let none: &[Json] = &[];
    if found.arrays.is_empty() {
        found.arrays.push(check.found(none, surroundings));
    }
    found.arrays
}

/// What is asked of elements.
enum Asker {
    Elements(ElementsCheck),
    /// Whether one of them satisfies it
    Each(Program),
}

impl Asker {
    fn found<'d, A: Array<'d>>(&self, array: A, surroundings: Surroundings<'_>) -> ElementsFound {
        match self {
            Asker::Elements(check) => check.found(array, surroundings),
            Asker::Each(program) => {
                let satisfies = |element: &A::Node| program.matches_element(*element, surroundings);
                let satisfying = Some(array.iter().filter(satisfies).count());
                ElementsFound { elements: array.len(), seen: None, satisfying, compared: vec![] }
            }
        }
    }
}

/// Gathers what a test finds in each array.
struct Found<'a> {
    check: &'a Asker,
    surroundings: Surroundings<'a>,
    arrays: Vec<ElementsFound>,
}

impl Visitor for Found<'_> {
    fn value<'d, N: Node<'d>>(&mut self, value: N, _: bool) -> bool {
        if let View::Array(array) = value.view() {
            self.arrays.push(self.check.found(array, self.surroundings));
        }
        false
    }

    fn absent(&mut self) -> bool {
        false
    }

    fn nothing(&mut self) -> bool {
        false
    }
}

impl fmt::Display for ElementsFound {
    /// As in `4 elements, 3 left by the filter, $sum of total is 550.5`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: usize, one: &str, several: &str| format!("{count} {}", if count == 1 { one } else { several });
        f.write_str(&of(self.elements, "element", "elements"))?;
        if let Some(seen) = self.seen {
            write!(f, ", {seen} left by the filter")?;
        }
        if let Some(satisfying) = self.satisfying {
            write!(f, ", {} the condition", of(satisfying, "satisfies", "satisfy"))?;
        }
        self.compared.iter().try_for_each(|compared| write!(f, ", {compared}"))
    }
}

impl fmt::Display for Compared {
    /// As in `$avg of total is 550.5 / 3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} is ", self.aggregate.operator().name(), self.path.text())?;
        match &self.value {
            None => f.write_str("missing")?,
            Some(value) => value.fmt(f)?,
        }
        self.count.map_or(Ok(()), |count| write!(f, " / {count}"))
    }
}
