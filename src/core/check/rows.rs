//! Checks predicates on relations, whose rows read as an array of objects.
//!
//! What is asked of the rows becomes one of two tests: one row satisfies a condition, or the rows together satisfy a test on
//! elements. A test on a dotted path, such as `orders.total`, holds if it holds for a value that a row yields.

use super::property::PathTarget;
use super::{Checker, RelationDeclaration};
use crate::ast::{AllEntry, ElemMatch, FieldPredicate, Predicate, Test, TypeOperand};
use crate::error::ErrorKind;
use crate::expr::{
    Asked, Atom, Checked, DocumentTest, ElementTest, ElementsTest, Expr, FieldTest, RowsAsked, RowsTest, TimeOf,
    ValueTest,
};
use crate::operator::Operator;
use crate::path::{Path, as_index};
use crate::types::{JsonType, PropertyType};
use crate::value::Value;

/// The relation whose rows a predicate is about.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) declaration: RelationDeclaration,
}

impl Checker<'_> {
    /// Reads a predicate on a relation, or on a field of its rows.
    pub(super) fn relation(&mut self, relation: Relation, path: &Path, predicate: &FieldPredicate) -> Checked {
        let name = relation.name.clone();
        self.relation = Some(relation);
        self.field = path.keys().to_vec();
        let checked = match path.rest() {
            [] => self.rows(predicate).into_checked(&mut |field| of_rows(&name, &field.test)),
            [index, ..] if as_index(index).is_some() => {
                self.fail(
                    ErrorKind::TypeMismatch,
                    format!("rows of relation \"{name}\" have no numbers"),
                    "Ask for a row with {\"$some\": {\"field\": value}}; $first and $last find one by its time.",
                );
                Expr::Const(false)
            }
            keys => {
                let below = Path::from_keys(keys.to_vec());
                let field = match self.declared_of_row(path, path, predicate) {
                    Some(declared) => self.field_of_row(&below, declared, predicate),
                    None => Expr::Const(false),
                };
                field.into_checked(&mut |field| of_a_row(&name, field))
            }
        };
        self.relation = None;
        checked
    }

    /// Reads a predicate on a relation as one on an array.
    fn rows(&mut self, predicate: &FieldPredicate) -> Expr<FieldTest> {
        let before = self.errors.len();
        match predicate {
            FieldPredicate::Literal(Value::Null) => {}
            FieldPredicate::Literal(_) => self.is_not_of_rows("equality with a value"),
            FieldPredicate::Tests(predicate) => self.are_of_rows(predicate),
        }
        if self.errors.len() > before {
            return Expr::Const(false);
        }
        self.by = self.order_of_rows();
        let name = self.field.clone();
        let field = self.field_predicate(&Path::from_keys(name), Some(PropertyType::Json), predicate);
        self.by = None;
        field
    }

    /// Reads a predicate on the current field, which is one of a row or of something in it.
    pub(super) fn field_of_row(
        &mut self,
        path: &Path,
        declared: Option<PropertyType>,
        predicate: &FieldPredicate,
    ) -> Expr<FieldTest> {
        // Only columns of rows ignore case.
        let is_of_row = self.field.len() == 2;
        let ignores_case = is_of_row && self.environment.ignores_case(&Path::from_keys(self.field.clone()));
        let outside = std::mem::replace(&mut self.ignores_case, ignores_case);
        let field = self.field_predicate(path, declared, predicate);
        self.ignores_case = outside;
        field
    }

    /// The order of the rows of the relation where `$by` names no other.
    fn order_of_rows(&self) -> Option<TimeOf> {
        let Relation { declaration: RelationDeclaration { time, has_key }, .. } = self.relation.as_ref()?;
        let (path, property_type) = time.clone()?;
        let read_as = Some(property_type);
        Some(TimeOf { path, read_as, dates: self.stored_dates(read_as), is_stable: *has_key })
    }

    /// The relation, if the elements of the current field are its rows.
    pub(super) fn relation_of_elements(&self) -> Option<&Relation> {
        self.relation.as_ref().filter(|_| self.field.len() == 1)
    }

    /// The declared type of a field of rows, whose path begins with the relation, or of something in it. Rows have no fields
    /// but those that are declared. `written` is the path in the condition. Returns `None` after a mistake.
    pub(super) fn declared_of_row(
        &mut self,
        path: &Path,
        written: &Path,
        predicate: &FieldPredicate,
    ) -> Option<Option<PropertyType>> {
        match PathTarget::of_row(self.environment, path) {
            PathTarget::At(property_type) => Some(property_type),
            PathTarget::Below(name, property_type) => {
                self.without_fields(&name, property_type);
                None
            }
            PathTarget::Key if predicate.read_as().is_some() => Some(None),
            PathTarget::Key | PathTarget::Unknown => {
                self.unknown_field_of_row(path, written, predicate);
                None
            }
        }
    }

    /// Refuses tests that rows cannot satisfy.
    fn are_of_rows(&mut self, predicate: &Predicate) {
        if predicate.read_as.is_some_and(|read_as| read_as != PropertyType::Json) {
            self.at(Operator::As.name(), |checker| checker.is_not_of_rows("$as"));
        }
        for test in &predicate.tests {
            self.at(test.operator().name(), |checker| checker.is_of_rows(test));
        }
    }

    fn is_of_rows(&mut self, test: &Test) {
        let is_condition = |inner: &ElemMatch| matches!(inner, ElemMatch::Condition(_));
        match test {
            Test::Eq(Value::Null) | Test::Ne(Value::Null) => {}
            Test::Exists(_) | Test::Empty(_) | Test::Size(_) | Test::Comment(_) | Test::Filter(_) | Test::By(_) => {}
            Test::Elements(..) | Test::Count(_) | Test::Of(..) | Test::Sequence(_) => {}
            Test::Not(inner) => self.are_of_rows(inner),
            Test::ElemMatch(inner) if is_condition(inner) => {}
            Test::ElemMatch(_) => self.is_not_of_rows("$elemMatch without a field"),
            Test::All(entries) if entries.is_empty() => self.is_not_of_rows("$all without $elemMatch"),
            Test::All(entries) => {
                self.each(entries, |checker, entry| match entry {
                    AllEntry::ElemMatch(inner) if is_condition(inner) => {}
                    AllEntry::ElemMatch(_) => checker.is_not_of_rows("$elemMatch without a field"),
                    AllEntry::Value(_) => checker.is_not_of_rows("$all without $elemMatch"),
                });
            }
            Test::Type(TypeOperand::One(kind)) if kind.value == JsonType::Array => {}
            Test::Type(TypeOperand::Any(kinds)) if kinds.iter().all(|kind| kind.value == JsonType::Array) => {}
            Test::Type(_) => self.is_not_of_rows("a type other than array"),
            test => self.is_not_of_rows(&format!("operator {}", test.operator().name())),
        }
    }

    fn is_not_of_rows(&mut self, what: &str) {
        let name = self.field.first().map_or("", String::as_str);
        let message = format!("{what} does not fit relation \"{name}\"");
        self.fail(
            ErrorKind::TypeMismatch,
            message,
            "Ask for a row with {\"$some\": {\"field\": value}}, or for the number of rows with {\"$count\": {\"$gte\": 1}}.",
        );
    }
}

impl Expr<FieldTest> {
    /// The same combination of other expressions.
    fn into_checked(self, of: &mut impl FnMut(FieldTest) -> Checked) -> Checked {
        match self {
            Expr::Const(value) => Expr::Const(value),
            Expr::And(parts) => Expr::and(parts.into_iter().map(|part| part.into_checked(of)).collect::<Vec<_>>()),
            Expr::Or(parts) => Expr::or(parts.into_iter().map(|part| part.into_checked(of)).collect::<Vec<_>>()),
            Expr::Not(part) => part.into_checked(of).not(),
            Expr::Test(test) => of(test),
        }
    }
}

/// What a test on an array asks of rows.
fn of_rows(relation: &str, test: &ValueTest) -> Checked {
    match test {
        // There is an array always.
        ValueTest::Exists | ValueTest::Type(_) => Expr::Const(true),
        ValueTest::Empty | ValueTest::Size(0) => some(relation, Expr::Const(true)).not(),
        ValueTest::Size(size) => {
            // No relation has more rows.
            let Ok(size) = i64::try_from(*size) else { return Expr::Const(false) };
            let asked = Asked::Count(Expr::Test(ValueTest::Eq(Value::Number(size.into()))));
            together(relation, Box::new(ElementsTest { filter: None, asked }))
        }
        ValueTest::ElemMatch(element) => match &**element {
            ElementTest::Object(condition) => some(relation, condition.clone()),
            ElementTest::Value { .. } => Expr::Const(false),
        },
        ValueTest::Elements(elements) => together(relation, elements.clone()),
        // Equality with null.
        _ => Expr::Const(false),
    }
}

/// What a test on a field of rows asks of them.
///
/// A test on an array in the contact's document holds if one of the values that the path yields satisfies it. Two tests
/// hold as well where it yields none: `$empty`, and tests on elements that none satisfy, where it yields no array.
fn of_a_row(relation: &str, field: FieldTest) -> Checked {
    let on_row = |test: ValueTest| {
        Expr::Test(DocumentTest::Field(FieldTest { path: field.path.clone(), read_as: field.read_as, test }))
    };
    let needed = match &field.test {
        // A path of one key yields a value, or that there is none, of each row.
        ValueTest::Empty if field.path.rest().is_empty() || !field.fans_out() => Expr::Const(true),
        ValueTest::Empty => Expr::or([on_row(ValueTest::Exists), on_row(ValueTest::Eq(Value::Null))]),
        ValueTest::Elements(elements) if elements.holds_for_none() => on_row(ValueTest::Type(vec![JsonType::Array])),
        _ => return some(relation, on_row(field.test.clone())),
    };
    let holds = Expr::and([needed.clone(), on_row(field.test.clone())]);
    Expr::or([some(relation, needed).not(), some(relation, holds)])
}

fn some(relation: &str, condition: Expr<DocumentTest>) -> Checked {
    match condition {
        Expr::Const(false) => Expr::Const(false),
        condition => {
            Expr::Test(Atom::Rows(RowsTest { relation: relation.to_owned(), asked: RowsAsked::Some(condition) }))
        }
    }
}

fn together(relation: &str, elements: Box<ElementsTest>) -> Checked {
    Expr::Test(Atom::Rows(RowsTest { relation: relation.to_owned(), asked: RowsAsked::Elements(elements) }))
}
