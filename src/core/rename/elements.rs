//! Renames the fields of elements, which are inside predicates on the array.
//!
//! They are asked for by their whole paths, so that `orders.total` is renamed in `{"orders": {"$some": {"total": 5}}}` too.

use super::Renaming;
use crate::ast::{
    AllEntry, Condition, ElemMatch, FieldPredicate, OrderedBy, Predicate, SequenceEntry, Test, ValuesPredicate,
};
use crate::path::Path;
use crate::value::key_order;

impl FieldPredicate {
    /// `array` is the path of the field, before it was renamed.
    pub(super) fn renamed(&self, array: &Path, names: &Renaming) -> FieldPredicate {
        match self {
            FieldPredicate::Literal(operand) => FieldPredicate::Literal(operand.clone()),
            FieldPredicate::Tests(predicate) => FieldPredicate::Tests(predicate.renamed(array, names)),
        }
    }
}

impl Predicate {
    fn renamed(&self, array: &Path, names: &Renaming) -> Predicate {
        let inside = Inside { array, names };
        Predicate { tests: self.tests.iter().map(|test| inside.test(test)).collect(), ..self.clone() }
    }
}

/// The elements of an array, and the new names.
struct Inside<'r> {
    array: &'r Path,
    names: &'r Renaming<'r>,
}

impl Inside<'_> {
    fn test(&self, test: &Test) -> Test {
        match test {
            Test::Not(inner) => Test::Not(inner.renamed(self.array, self.names)),
            Test::All(entries) => Test::All(entries.iter().map(|entry| self.entry(entry)).collect()),
            Test::ElemMatch(inner) => Test::ElemMatch(self.elem_match(inner)),
            Test::Elements(quantifier, condition) => Test::Elements(*quantifier, self.condition(condition)),
            Test::Filter(condition) => Test::Filter(self.condition(condition)),
            Test::Of(aggregate, values) => {
                let mut values: Vec<ValuesPredicate> = values.iter().map(|values| self.values(values)).collect();
                values.sort_by(|one, other| key_order(one.path.text().as_bytes(), other.path.text().as_bytes()));
                Test::Of(*aggregate, values)
            }
            Test::Sequence(entries) => {
                let entry = |entry: &SequenceEntry| SequenceEntry {
                    condition: self.condition(&entry.condition),
                    ..entry.clone()
                };
                Test::Sequence(entries.iter().map(entry).collect())
            }
            Test::By(by) => Test::By(match by {
                OrderedBy::Name(path) => OrderedBy::Name(self.path(path).unwrap_or_else(|| path.clone())),
                OrderedBy::Field { path, read_as, zone, is_stable } => OrderedBy::Field {
                    path: self.path(path).unwrap_or_else(|| path.clone()),
                    read_as: *read_as,
                    zone: zone.clone(),
                    is_stable: *is_stable,
                },
            }),
            test => test.clone(),
        }
    }

    fn entry(&self, entry: &AllEntry) -> AllEntry {
        match entry {
            AllEntry::Value(operand) => AllEntry::Value(operand.clone()),
            AllEntry::ElemMatch(inner) => AllEntry::ElemMatch(self.elem_match(inner)),
        }
    }

    fn elem_match(&self, inner: &ElemMatch) -> ElemMatch {
        match inner {
            ElemMatch::Condition(condition) => ElemMatch::Condition(self.condition(condition)),
            ElemMatch::Predicate(predicate) => ElemMatch::Predicate(predicate.renamed(self.array, self.names)),
            ElemMatch::Literal(operand) => ElemMatch::Literal(operand.clone()),
        }
    }

    fn values(&self, values: &ValuesPredicate) -> ValuesPredicate {
        let path = self.path(&values.path).unwrap_or_else(|| values.path.clone());
        ValuesPredicate { path, asked: values.asked.clone() }
    }

    fn condition(&self, condition: &Condition) -> Condition {
        condition.renamed(&Renaming { field: &|path| self.path(path), segment: self.names.segment })
    }

    /// The new name of an element's field: what follows the array in that of its whole path.
    fn path(&self, path: &Path) -> Option<Path> {
        let keys = self.array.keys().iter().chain(path.keys()).cloned().collect();
        let renamed = (self.names.field)(&Path::from_keys(keys))?;
        let inner = renamed.keys().get(self.array.keys().len()..).filter(|inner| inner.len() == path.keys().len())?;
        (inner != path.keys()).then(|| Path::from_keys(inner.to_vec()))
    }
}
