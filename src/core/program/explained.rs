//! Puts a test on elements to a document, and tells what it finds, for explanations.

use super::elements::ElementsCheck;
use super::found::ElementsFound;
use super::walk::Visitor;
use super::{FieldPath, Program, Surroundings};
use crate::document::{Array, Node, Object, View};
use crate::expr::{ElementTest, FieldTest, ValueTest};
use crate::value::Json;

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
