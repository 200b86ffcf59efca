//! Tests on the rows of a relation, which read as an array of objects under its name.

use super::{DocumentTest, ElementTest, ElementsTest, Expr, FieldTest, ValueTest};
use crate::path::Path;

/// A test on the rows that a relation has for a contact.
///
/// It means what the same test means of an array of objects, one for each row, which stands in the contact's document
/// under the relation's name: see [`RowsTest::on_array`]. A contact without rows has an empty array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowsTest {
    /// The name of the relation
    pub relation: String,
    /// What is asked of the rows
    pub asked: RowsAsked,
}

/// What is asked of rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowsAsked {
    /// One of them satisfies the condition, whose fields are those of the row; where it is always true, there is a row
    Some(Expr<DocumentTest>),
    /// They satisfy it, taken together. Every order has a [`TimeOf`](super::TimeOf)
    Elements(Box<ElementsTest>),
}

impl RowsTest {
    /// The same test on an array in a document.
    #[must_use]
    pub fn on_array(&self) -> FieldTest {
        let test = match &self.asked {
            RowsAsked::Some(condition) => ValueTest::ElemMatch(Box::new(ElementTest::Object(condition.clone()))),
            RowsAsked::Elements(elements) => ValueTest::Elements(elements.clone()),
        };
        FieldTest { path: Path::from_keys(vec![self.relation.clone()]), read_as: None, test }
    }

    /// The test that has this form on an array, whose field is the relation; `None` if none has.
    #[must_use]
    pub fn of_array(field: &FieldTest) -> Option<Self> {
        let asked = match &field.test {
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Object(condition) => RowsAsked::Some(condition.clone()),
                ElementTest::Value { .. } => return None,
            },
            ValueTest::Elements(elements) => RowsAsked::Elements(elements.clone()),
            _ => return None,
        };
        field.path.rest().is_empty().then(|| RowsTest { relation: field.path.first().to_owned(), asked })
    }

    /// Whether a contact without rows satisfies the test.
    #[must_use]
    pub fn holds_for_none(&self) -> bool {
        match &self.asked {
            RowsAsked::Some(_) => false,
            RowsAsked::Elements(elements) => elements.holds_for_none(),
        }
    }

    /// The fields of a row that the test reads, with those that order rows. Some may be there twice.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        match &self.asked {
            RowsAsked::Some(condition) => {
                let mut paths = Vec::new();
                condition.for_each(&mut |test| paths.extend(test.paths()));
                paths
            }
            RowsAsked::Elements(elements) => elements.paths(),
        }
    }
}
