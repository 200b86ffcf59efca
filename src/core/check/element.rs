//! Checks `$elemMatch`: what is asked of one element of an array.

use super::{Checker, Declaration, ReadMember, is_of_dates};
use crate::ast::{ElemMatch, FieldPredicate, Member, Predicate, Test};
use crate::error::ErrorKind;
use crate::expr::{DocumentTest, ElementTest, Expr, ValueTest};
use crate::limits;
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;

impl Checker<'_> {
    pub(super) fn elem_match(&mut self, inner: &ElemMatch, read_as: Option<PropertyType>) -> Expr<ValueTest> {
        let element = match (inner, read_as) {
            (ElemMatch::Condition(_), Some(PropertyType::Array(element))) => {
                self.fail(
                    ErrorKind::TypeMismatch,
                    format!("elements of type {element} have no fields"),
                    "Put operators to the element itself, as in {\"$elemMatch\": {\"$gte\": 5, \"$lt\": 9}}.",
                );
                return Expr::Const(false);
            }
            (ElemMatch::Condition(condition), _) => {
                let condition = self.on_element(Operator::ElemMatch, condition);
                return self.some(condition);
            }
            (ElemMatch::Predicate(predicate), read_as) => {
                let element = read_as.and_then(PropertyType::element).map(PropertyType::Scalar);
                let tests = self.element_predicate(predicate, element);
                ElementTest::Value { read_as: predicate.read_as.or(element).filter(is_of_dates), tests }
            }
            (ElemMatch::Literal(operand), read_as) => {
                let element = read_as.and_then(PropertyType::element).map(PropertyType::Scalar);
                let tests = self.test(&Test::Eq(operand.clone()), element);
                ElementTest::Value { read_as: element.filter(is_of_dates), tests }
            }
        };
        Expr::Test(ValueTest::ElemMatch(Box::new(element)))
    }

    /// Refuses a type of dates that only a part of the tests on an element would have.
    pub(super) fn keeps_reading(&mut self, inner: &Predicate, outer: Option<PropertyType>) {
        let is_free = outer.is_none_or(|outer| outer == PropertyType::Json);
        if let Some(read_as) = inner.read_as.filter(is_of_dates)
            && is_free
        {
            self.at(Operator::As.name(), |checker| {
                checker.fail(
                    ErrorKind::Unsupported,
                    format!("$as {read_as} does not belong under $not inside $elemMatch"),
                    "Put it beside $not: all tests on an element read it alike.",
                );
            });
        }
    }

    /// Reads tests on an element itself.
    pub(super) fn element_predicate(&mut self, predicate: &Predicate, outer: Option<PropertyType>) -> Expr<ValueTest> {
        let read_as = self.read_as(outer, predicate);
        if predicate.zone.is_some() {
            self.at(Operator::Zone.name(), |checker| {
                checker.fail(
                    ErrorKind::Unsupported,
                    "operator $zone does not belong inside $elemMatch",
                    "Put it beside the field's own $as: all elements are read in one zone.",
                );
            });
        }
        let is_of_field = |test: &&Test| matches!(test, Test::Filter(_) | Test::By(_));
        if let Some(test) = predicate.tests.iter().find(is_of_field) {
            let name = test.operator().name();
            self.at(name, |checker| {
                checker.fail(
                    ErrorKind::Unsupported,
                    format!("operator {name} does not belong inside $elemMatch"),
                    "It is about the elements of a field: name the field that has the array.",
                );
            });
        }
        let parts: Vec<_> = predicate
            .tests
            .iter()
            .map(|test| self.at(test.operator().name(), |checker| checker.test(test, read_as)))
            .collect();
        Expr::and(parts)
    }

    /// Reads a member of a condition on an element.
    pub(super) fn element_member(&mut self, member: &Member) -> Expr<DocumentTest> {
        let read: ReadMember<'_, DocumentTest> = &|checker, member| checker.element_member(member);
        match member {
            Member::Logical(junction, conditions) => self.junction(*junction, conditions, read),
            Member::Not(condition) => self.at(Operator::Not.name(), |checker| checker.condition(condition, read)).not(),
            Member::Topic(_) => self.about_contacts(Operator::Topic),
            Member::Segment(_) => self.about_contacts(Operator::Segment),
            Member::Expr(_) if self.inside == Some(Operator::ElemMatch) => self.not_in_elem_match(),
            Member::Expr(expression) => {
                let checked = self.at(Operator::Expr.name(), |checker| checker.expression(expression));
                // It speaks of fields alone.
                checked.on_document().unwrap_or(Expr::Const(false))
            }
            Member::Bucket(_) => self.about_contacts(Operator::Bucket),
            Member::Comment(_) => Expr::Const(true),
            Member::Field(path, predicate) => self.at(path.text(), |checker| {
                let Some(declared) = checker.declared_of_element(path, predicate) else { return Expr::Const(false) };
                let around = checker.field.len();
                checker.field.extend_from_slice(path.keys());
                let field = match checker.relation {
                    Some(_) => checker.field_of_row(path, declared, predicate),
                    None => checker.field_predicate(path, declared, predicate),
                };
                checker.field.truncate(around);
                field.try_map(&mut |test| Some(DocumentTest::Field(test.clone()))).unwrap_or(Expr::Const(false))
            }),
        }
    }

    /// The declared type of an element's field: that of the property with its whole path, as in `orders.total`. Returns `None`
    /// after a mistake.
    pub(super) fn declared_of_element(
        &mut self,
        path: &Path,
        predicate: &FieldPredicate,
    ) -> Option<Option<PropertyType>> {
        let whole = Path::from_keys(self.field.iter().chain(path.keys()).cloned().collect());
        if self.relation.is_some() {
            return self.declared_of_row(&whole, path, predicate);
        }
        if whole.keys().len() > limits::NAME_KEYS {
            return Some(None);
        }
        Some(match self.environment.property(&whole) {
            Declaration::Property(property_type) => Some(property_type),
            _ => None,
        })
    }

    fn not_in_elem_match<T>(&mut self) -> Expr<T> {
        self.at(Operator::Expr.name(), |checker| {
            checker.fail(
                ErrorKind::Unsupported,
                "operator $expr does not belong inside $elemMatch",
                "To compare fields of the element, write $some in place of $elemMatch; to compare fields of the contact, put $expr beside the field.",
            );
            Expr::Const(false)
        })
    }

    fn about_contacts<T>(&mut self, operator: Operator) -> Expr<T> {
        let name = operator.name();
        let inside = self.inside.unwrap_or(Operator::ElemMatch).name();
        self.at(name, |checker| {
            checker.fail(
                ErrorKind::Unsupported,
                format!("operator {name} does not belong inside {inside}"),
                format!("{name} is about the contact, not about an element of an array: put it beside the field."),
            );
            Expr::Const(false)
        })
    }
}
