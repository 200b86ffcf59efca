//! Checks predicates on the elements of an array, taken together.

use super::{Checker, value_expr};
use crate::ast::{Condition, FieldPredicate, Predicate, Quantifier, Test};
use crate::error::ErrorKind;
use crate::expr::{Asked, Checked, DocumentTest, ElementTest, ElementsTest, Expr, ValueTest};
use crate::limits;
use crate::operator::Operator;
use crate::types::{PropertyType, ScalarType};

/// How the operands of numbers are read.
pub(super) const NUMBER: Option<PropertyType> = Some(PropertyType::Scalar(ScalarType::Number));

impl Checker<'_> {
    /// Goes over to the elements that the predicate's `$filter` lets through, and gives what filtered them before.
    /// Inside `$not`, a filter narrows the one beside it.
    pub(super) fn enter_filter(&mut self, predicate: &Predicate) -> Option<Expr<DocumentTest>> {
        let before = self.filter.clone();
        let filter = predicate.tests.iter().find_map(|test| match test {
            Test::Filter(condition) => Some(condition),
            _ => None,
        });
        if let Some(condition) = filter {
            let inner = self.at(Operator::Filter.name(), |checker| checker.on_element(Operator::Filter, condition));
            self.filter = Some(Expr::and(before.clone().into_iter().chain([inner])));
        }
        before
    }

    /// Reads a condition that is put to elements.
    pub(super) fn on_element(&mut self, operator: Operator, condition: &Condition) -> Expr<DocumentTest> {
        let (inside, filter, by) = (self.inside.replace(operator), self.filter.take(), self.by.take());
        let read = self.condition(condition, &|checker, member| checker.element_member(member));
        (self.inside, self.filter, self.by) = (inside, filter, by);
        read
    }

    /// `$some`, `$none`, `$every`
    pub(super) fn quantified(&mut self, quantifier: Quantifier, condition: &Condition) -> Expr<ValueTest> {
        let condition = self.on_element(quantifier.operator(), condition);
        match quantifier {
            Quantifier::Some => self.some(condition),
            Quantifier::None => self.some(condition).not(),
            Quantifier::Every => self.elements(Asked::Every(condition)),
            Quantifier::First | Quantifier::Last if !self.are_in_order() => Expr::Const(false),
            Quantifier::First | Quantifier::Last => {
                let by = self.by.clone();
                self.elements(Asked::End { is_last: quantifier == Quantifier::Last, condition, by })
            }
        }
    }

    /// One element that the filter lets through satisfies the condition.
    pub(super) fn some(&mut self, condition: Expr<DocumentTest>) -> Expr<ValueTest> {
        let filter = self.take_filter();
        let element = ElementTest::Object(Expr::and(filter.into_iter().chain([condition])));
        Expr::Test(ValueTest::ElemMatch(Box::new(element)))
    }

    /// `$count`
    pub(super) fn count(&mut self, asked: &FieldPredicate) -> Expr<ValueTest> {
        match self.result(asked, NUMBER) {
            Expr::Const(value) => Expr::Const(value),
            asked => self.elements(Asked::Count(asked)),
        }
    }

    /// What is asked of a result, which is compared with operands of this type.
    pub(super) fn result(&mut self, asked: &FieldPredicate, compared: Option<PropertyType>) -> Expr<ValueTest> {
        match asked {
            FieldPredicate::Literal(operand) => value_expr(self.constant(operand, compared).map(ValueTest::Eq)),
            FieldPredicate::Tests(predicate) => self.result_tests(predicate, compared),
        }
    }

    fn result_tests(&mut self, predicate: &Predicate, compared: Option<PropertyType>) -> Expr<ValueTest> {
        let parts = predicate.tests.iter().map(|test| {
            self.at(test.operator().name(), |checker| match test {
                Test::Not(inner) => checker.result_tests(inner, compared).not(),
                test => checker.test(test, compared),
            })
        });
        Expr::and(parts.collect::<Vec<_>>())
    }

    pub(super) fn elements(&mut self, asked: Asked) -> Expr<ValueTest> {
        let filter = self.take_filter();
        Expr::Test(ValueTest::Elements(Box::new(ElementsTest { filter, asked })))
    }

    /// A copy of the filter for a test beside it.
    fn take_filter(&mut self) -> Option<Expr<DocumentTest>> {
        let nodes = self.filter.as_ref()?.nodes();
        // Filters inside filters double with each step, so that copies are counted before they are made.
        if self.filter_nodes <= limits::NODES {
            self.filter_nodes += nodes;
            if self.filter_nodes > limits::NODES {
                self.filters_are_too_large();
            }
        }
        if self.filter_nodes <= limits::NODES { self.filter.clone() } else { None }
    }

    /// Limits the size of a condition in which each test has its filter.
    pub(super) fn bound_filters(&mut self, checked: &Checked) {
        let own = checked.nodes().saturating_sub(self.segment_nodes);
        if (1..=limits::NODES).contains(&self.filter_nodes) && own > limits::NODES {
            self.filters_are_too_large();
        }
    }

    fn filters_are_too_large(&mut self) {
        self.fail(
            ErrorKind::TooLarge,
            format!("condition has more than {} nodes with its filters put to each test beside them", limits::NODES),
            "Use a smaller $filter, or fewer tests beside it.",
        );
    }
}
