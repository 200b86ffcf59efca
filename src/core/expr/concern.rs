//! Which changes of a contact, and of its rows in relations, can change whether it satisfies a condition.
//!
//! The answers may include changes that make no difference, and leave out none that does.

use super::{Asked, Atom, Checked, DocumentTest, ElementsTest, Expr, NormalForm, RowsAsked, RowsTest, SequenceStep};
use std::collections::HashMap;

impl Checked {
    /// What a row of the relation satisfies if the condition can depend on it: a row that does not satisfy this makes no
    /// difference when it comes or goes.
    #[must_use]
    pub fn rows_of_concern(&self, relation: &str) -> Expr<DocumentTest> {
        let mut concern = Vec::new();
        self.for_each(&mut |atom| {
            if let Atom::Rows(rows) = atom
                && rows.relation == relation
            {
                concern.push(rows.concern());
            }
        });
        Expr::or(concern)
    }

    /// What the contact's own row has to satisfy: who does not, does not satisfy the condition, whatever rows and
    /// subscriptions there are.
    #[must_use]
    pub fn own_part(&self) -> Checked {
        self.deciding_others(|_| true)
    }

    /// The condition as it is for a contact that has neither rows nor subscriptions.
    #[must_use]
    pub fn without_others(&self) -> Checked {
        self.deciding_others(|holds_for_none| holds_for_none)
    }

    /// Replaces tests of rows and subscriptions, and their complements. `decide` is told whether one holds for a contact that
    /// has none.
    fn deciding_others(&self, decide: impl Fn(bool) -> bool) -> Checked {
        self.fold_normal_form(&mut |node| match node {
            NormalForm::Const(value) => Expr::Const(value),
            NormalForm::All(parts) => Expr::and(parts),
            NormalForm::Any(parts) => Expr::or(parts),
            NormalForm::Test { test: Atom::Rows(rows), positive } => {
                Expr::Const(decide(rows.holds_for_none() == positive))
            }
            NormalForm::Test { test: Atom::Topic(_), positive } => Expr::Const(decide(!positive)),
            NormalForm::Test { test, positive } => Expr::Test(test.clone()).negate_unless(positive),
        })
    }
}

/// The different tests of the contact's own row in some conditions, each with the numbers of the conditions that have it,
/// ascending. While rows and subscriptions stay, a condition has another answer only if one of its tests has.
#[must_use]
pub fn own_tests(conditions: &[Checked]) -> Vec<(Checked, Vec<usize>)> {
    let (mut tests, mut numbers) = (Vec::<(Checked, Vec<usize>)>::new(), HashMap::new());
    for (condition, checked) in conditions.iter().enumerate() {
        checked.for_each(&mut |atom| {
            if matches!(atom, Atom::Rows(_) | Atom::Topic(_)) {
                return;
            }
            let number = *numbers.entry(atom).or_insert(tests.len());
            if number == tests.len() {
                tests.push((Expr::Test(atom.clone()), Vec::new()));
            }
            let conditions = &mut tests[number].1;
            if conditions.last() != Some(&condition) {
                conditions.push(condition);
            }
        });
    }
    tests
}

impl RowsTest {
    /// What a row satisfies if the test can depend on it.
    fn concern(&self) -> Expr<DocumentTest> {
        match &self.asked {
            RowsAsked::Some(condition) => condition.clone(),
            RowsAsked::Elements(elements) => elements.concern(),
        }
    }
}

impl ElementsTest {
    fn concern(&self) -> Expr<DocumentTest> {
        let asked = match &self.asked {
            Asked::Every(condition) => condition.clone().not(),
            Asked::Sequence { steps, .. } => Expr::or(steps.iter().flat_map(SequenceStep::conditions).cloned()),
            // Any row is one more, and may be the first or the last.
            Asked::Count(_) | Asked::Of(..) | Asked::End { .. } => Expr::Const(true),
        };
        Expr::and(self.filter.iter().cloned().chain([asked]))
    }
}
