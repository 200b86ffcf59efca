//! The fields that a condition uses.

use segments_core::ast::{AllEntry, Condition, FieldPredicate, Operand, Predicate, Test, TestedField};
use segments_core::error::JsonPointer;
use segments_core::path::Path;
use segments_core::value::Value;

/// A field that a condition uses at one place.
pub struct UsedField {
    pub pointer: String,
    pub path: Path,
    /// Whether its value is compared, not only tested for existence
    pub compares: bool,
    /// The strings that it is compared with for equality, each with its JSON pointer
    pub strings: Vec<(String, String)>,
}

/// Every field that the condition uses, in the order of the text.
pub fn asked(condition: &Condition) -> Vec<UsedField> {
    let mut walk = ConditionWalk { place: JsonPointer::default(), asked: Vec::new() };
    for TestedField { place, path, predicate } in condition.fields() {
        walk.place = place;
        walk.field(path, predicate);
    }
    for (place, expression) in condition.expressions() {
        let asked = |path: &Path| UsedField {
            pointer: place.pointer().to_owned(),
            path: path.clone(),
            compares: true,
            strings: Vec::new(),
        };
        walk.asked.extend(expression.fields().into_iter().map(asked));
    }
    walk.asked
}

struct ConditionWalk {
    place: JsonPointer,
    asked: Vec<UsedField>,
}

impl ConditionWalk {
    fn field(&mut self, path: &Path, predicate: &FieldPredicate) {
        let pointer = self.place.pointer().to_owned();
        self.asked.push(UsedField { pointer, path: path.clone(), compares: false, strings: Vec::new() });
        match predicate {
            FieldPredicate::Literal(operand) => self.operand(operand),
            FieldPredicate::Tests(predicate) => self.tests(predicate),
        }
    }

    fn tests(&mut self, predicate: &Predicate) {
        for test in &predicate.tests {
            self.at(test.operator().name(), |walk| match test {
                Test::Eq(operand) | Test::Ne(operand) => walk.operand(operand),
                Test::In(operands) | Test::Nin(operands) => {
                    for (index, operand) in operands.iter().enumerate() {
                        walk.at(index, |walk| walk.operand(operand));
                    }
                }
                Test::All(entries) => {
                    for (index, entry) in entries.iter().enumerate() {
                        if let AllEntry::Value(operand) = entry {
                            walk.at(index, |walk| walk.operand(operand));
                        }
                    }
                }
                Test::Not(predicate) => walk.tests(predicate),
                Test::Exists(_) | Test::Empty(_) | Test::Type(_) | Test::Size(_) | Test::Comment(_) => {}
                _ => walk.compares(),
            });
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match operand.plain() {
            Value::Null => {}
            Value::String(text) => {
                let string = (self.place.pointer().to_owned(), text.clone());
                self.asked.last_mut().into_iter().for_each(|asked| asked.strings.push(string.clone()));
                self.compares();
            }
            _ => self.compares(),
        }
    }

    fn compares(&mut self) {
        if let Some(asked) = self.asked.last_mut() {
            asked.compares = true;
        }
    }

    fn at(&mut self, step: impl std::fmt::Display, walk: impl FnOnce(&mut Self)) {
        self.place.enter(step);
        walk(self);
        self.place.leave();
    }
}
