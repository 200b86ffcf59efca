//! The tests on rows in many conditions, in an order on which who gathers rows and who puts contacts to the conditions agree.

use crate::ast::Aggregate;
use crate::expr::{Asked, Atom, Checked, RowsAsked, RowsTest};
use crate::program_set::RowsNumbers;
use std::collections::HashSet;

/// The different tests on rows in some conditions, by relation. They have the order in which they stand in the conditions.
#[derive(Debug, Default)]
pub struct AskedRows<'c> {
    relations: Vec<(&'c str, Vec<&'c RowsTest>)>,
}

impl<'c> AskedRows<'c> {
    /// The tests in these conditions.
    pub fn of(conditions: impl IntoIterator<Item = &'c Checked>) -> Self {
        let (mut asked, mut known) = (AskedRows::default(), HashSet::new());
        for condition in conditions {
            condition.for_each(&mut |atom| {
                if let Atom::Rows(rows) = atom
                    && known.insert(rows)
                {
                    asked.add(rows);
                }
            });
        }
        asked
    }

    fn add(&mut self, rows: &'c RowsTest) {
        match self.relations.iter_mut().find(|(name, _)| *name == rows.relation) {
            Some((_, tests)) => tests.push(rows),
            None => self.relations.push((&rows.relation, vec![rows])),
        }
    }

    /// The names of the relations.
    pub fn relations(&self) -> impl Iterator<Item = &'c str> {
        self.relations.iter().map(|(name, _)| *name)
    }

    /// The tests on the rows of a relation; their positions are their numbers in a
    /// [`RelationProgram`](super::RelationProgram).
    #[must_use]
    pub fn tests(&self, relation: &str) -> &[&'c RowsTest] {
        self.relations.iter().find(|(name, _)| *name == relation).map_or(&[], |(_, tests)| tests)
    }

    /// The numbers of all tests for a [`ProgramSet`](crate::program_set::ProgramSet): those of each relation begin in a
    /// word of their own.
    #[must_use]
    pub fn numbers(&self) -> RowsNumbers<'c> {
        let numbered = |(name, tests): &'_ (&'c str, Vec<&'c RowsTest>)| {
            let (first, _) = self.words(name);
            tests.clone().into_iter().zip(first as u32 * 64..)
        };
        self.relations.iter().flat_map(numbered).collect()
    }

    /// The words that the numbers of a relation's tests have among those of all: the first one, and how many.
    #[must_use]
    pub fn words(&self, relation: &str) -> (usize, usize) {
        let words = |(_, tests): &(&str, Vec<&RowsTest>)| tests.len().div_ceil(64);
        let before = self.relations.iter().take_while(|(name, _)| *name != relation);
        (before.map(words).sum(), self.tests(relation).len().div_ceil(64))
    }
}

impl RowsTest {
    /// Whether the order of rows decides the test.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        matches!(&self.asked, RowsAsked::Elements(elements) if elements.by().is_some())
    }

    /// Whether what is gathered of a contact for the test grows with the number of its rows.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        match &self.asked {
            RowsAsked::Some(_) => false,
            RowsAsked::Elements(elements) => {
                matches!(&elements.asked, Asked::Sequence { .. } | Asked::Of(Aggregate::Distinct, _))
            }
        }
    }
}
