//! Tests on the elements of an array as they are written, beside the `$filter` and the `$by` that they share.

use super::{Around, conjuncts, element_predicate};
use crate::ast::{FieldPredicate, OrderedBy, Predicate, Quantifier, SequenceEntry, Test, ValuesPredicate};
use crate::date::{DateRange, Utc};
use crate::expr::{Asked, DocumentTest, ElementsTest, Expr, SequenceStep, TimeOf, ValueKind, ValueTest, ValuesTest};
use crate::types::{PropertyType, ScalarType};

impl ElementsTest {
    /// The test as it is written beside its filter.
    pub(super) fn to_test(&self) -> Test {
        match &self.asked {
            Asked::Every(condition) => Test::Elements(Quantifier::Every, condition.to_condition()),
            Asked::Count(asked) => Test::Count(FieldPredicate::Tests(result(asked, false))),
            Asked::End { is_last, condition, .. } => {
                let quantifier = if *is_last { Quantifier::Last } else { Quantifier::First };
                Test::Elements(quantifier, condition.to_condition())
            }
            Asked::Sequence { steps, .. } => Test::Sequence(steps.iter().flat_map(SequenceStep::to_entries).collect()),
            Asked::Of(aggregate, values) => Test::Of(*aggregate, values.iter().map(ValuesTest::to_predicate).collect()),
        }
    }
}

impl SequenceStep {
    fn to_entries(&self) -> Vec<SequenceEntry> {
        let condition = self.condition.to_condition();
        let step = SequenceEntry { condition, is_absence: false, within: self.within, as_of: None };
        let absences = self.absences.iter().map(|absence| SequenceEntry {
            condition: absence.condition.to_condition(),
            is_absence: true,
            within: Some(absence.within),
            as_of: Some(DateRange::of_instant(absence.now, &Utc).into()),
        });
        [step].into_iter().chain(absences).collect()
    }
}

impl TimeOf {
    pub(super) fn to_written(&self) -> OrderedBy {
        let zone = (!self.dates.zone.is_utc()).then(|| self.dates.zone.name().to_owned());
        match self.read_as {
            None if !self.is_stable => OrderedBy::Name(self.path.clone()),
            read_as => {
                OrderedBy::Field { path: self.path.clone(), read_as, zone, is_stable: self.is_stable.then_some(true) }
            }
        }
    }
}

impl ValuesTest {
    fn to_predicate(&self) -> ValuesPredicate {
        let zone = match &self.kind {
            ValueKind::Date(dates) if !dates.zone.is_utc() => Some(dates.zone.name().to_owned()),
            _ => None,
        };
        let predicate = Predicate { read_as: self.read_as, ..result(&self.asked, zone.is_some()) };
        ValuesPredicate { path: self.path.clone(), asked: FieldPredicate::Tests(Predicate { zone, ..predicate }) }
    }
}

/// What is asked of a result, which is one value.
fn result(asked: &Expr<ValueTest>, zoned: bool) -> Predicate {
    let around = Around { read_as: Some(PropertyType::Scalar(ScalarType::Number)), zoned };
    element_predicate(conjuncts(asked), around)
}

/// Whether fields of the element are compared with each other.
pub(super) fn has_pairs(condition: &Expr<DocumentTest>) -> bool {
    let mut found = false;
    condition.for_each(&mut |test| found |= matches!(test, DocumentTest::Pair(_)));
    found
}
