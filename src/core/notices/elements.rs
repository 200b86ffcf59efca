//! Notes tests on elements that also hold where there are none.

use super::{Finder, Includes};
use crate::ast::{Comparison, Condition, FieldPredicate, Member, Predicate, Quantifier, Test};
use crate::path::Path;
use crate::value::Value;

impl Finder<'_> {
    /// Notes `$none`, `$every` and upper bounds of `$count`, unless a test beside them asks for an element.
    pub(super) fn without_elements(&mut self, path: &Path, predicate: &Predicate) {
        let holds_for_none = |finder: &Self, test: &Test| finder.holds_for_missing(path, predicate, test);
        let asks_for_one = predicate.tests.iter().any(|test| match test {
            Test::Empty(wanted) => !*wanted,
            Test::Elements(..) | Test::Count(_) | Test::Of(..) | Test::Sequence(_) | Test::ElemMatch(_) => {
                !holds_for_none(self, test)
            }
            _ => false,
        });
        if asks_for_one {
            return;
        }
        for test in predicate.tests.iter().filter(|test| is_forgotten(test)) {
            if !holds_for_none(self, test) {
                continue;
            }
            let hint = match test {
                Test::Count(_) => "To leave them out, add \"$gte\": 1 to it.",
                _ => "To leave them out, add \"$count\": {\"$gte\": 1} beside it.",
            };
            let name = test.operator().name();
            self.at(name, |finder| {
                let is_filtered = predicate.tests.iter().any(|test| matches!(test, Test::Filter(_)));
                let seen = if is_filtered { " that satisfy its $filter" } else { "" };
                let message = format!("{name} also holds for contacts without elements in \"{}\"{seen}", path.text());
                finder.note(message, hint, Some(Includes::Matching(without_elements(path, predicate))));
            });
        }
    }
}

/// That a contact has no elements, or none that the filter beside the tests lets through.
pub(super) fn without_elements(path: &Path, predicate: &Predicate) -> Condition {
    let none = Test::Count(FieldPredicate::Literal(Value::Number(0.into())));
    let filter = predicate.tests.iter().filter(|test| matches!(test, Test::Filter(_)));
    let tests = [none].into_iter().chain(filter.cloned()).collect();
    let asked = FieldPredicate::Tests(Predicate { tests, ..predicate.clone() });
    Condition { members: vec![Member::Field(path.clone(), asked)] }
}

/// Whether people forget that the test may hold where there are no elements.
fn is_forgotten(test: &Test) -> bool {
    match test {
        Test::Elements(Quantifier::Every | Quantifier::None, _) => true,
        Test::Count(FieldPredicate::Tests(predicate)) => predicate.tests.iter().any(|test| {
            matches!(
                test,
                Test::Compare(Comparison::Lt | Comparison::Lte, _) | Test::Ne(_) | Test::Nin(_) | Test::Not(_)
            )
        }),
        _ => false,
    }
}
