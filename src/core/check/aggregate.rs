//! Checks `$sum`, `$avg`, `$min`, `$max` and `$distinct`: aggregates of the values that elements have at a path.

use super::Checker;
use super::elements::NUMBER;
use crate::ast::{Aggregate, FieldPredicate, ValuesPredicate};
use crate::error::ErrorKind;
use crate::expr::{Asked, Constant, Expr, ValueKind, ValueTest, ValuesTest};
use crate::operator::Operator;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn aggregate(&mut self, aggregate: Aggregate, values: &[ValuesPredicate]) -> Expr<ValueTest> {
        let read = values.iter().map(|values| self.at(values.path.text(), |checker| checker.values(aggregate, values)));
        // What always holds need not be asked.
        let tests: Vec<ValuesTest> = read.flatten().filter(|test| test.asked != Expr::Const(true)).collect();
        match tests.iter().any(|test| test.asked == Expr::Const(false)) {
            true => Expr::Const(false),
            false if tests.is_empty() => Expr::Const(true),
            false => self.elements(Asked::Of(aggregate, tests)),
        }
    }

    fn values(&mut self, aggregate: Aggregate, values: &ValuesPredicate) -> Option<ValuesTest> {
        let declared = self.declared_of_element(&values.path, &values.asked)?;
        let (read_as, outside) = match &values.asked {
            FieldPredicate::Literal(_) => (declared, self.zone.clone()),
            FieldPredicate::Tests(predicate) => {
                let read_as = self.read_as(declared, predicate);
                (read_as, self.enter_zone(predicate, read_as))
            }
        };
        let test = self.values_read_as(aggregate, values, read_as);
        self.zone = outside;
        test
    }

    fn values_read_as(
        &mut self,
        aggregate: Aggregate,
        values: &ValuesPredicate,
        read_as: Option<PropertyType>,
    ) -> Option<ValuesTest> {
        let scalar = read_as.and_then(PropertyType::element);
        let fits = match aggregate {
            Aggregate::Sum | Aggregate::Avg => scalar.is_none_or(|scalar| scalar == ScalarType::Number),
            Aggregate::Min | Aggregate::Max => scalar != Some(ScalarType::Boolean),
            Aggregate::Distinct => true,
        };
        if let Some(property_type) = read_as.filter(|_| !fits) {
            self.does_not_compute(aggregate, &format!("a property of type {property_type}"));
            return None;
        }
        let compared = match aggregate {
            Aggregate::Sum | Aggregate::Avg | Aggregate::Distinct => NUMBER,
            Aggregate::Min | Aggregate::Max => scalar.map(PropertyType::Scalar),
        };
        let before = self.errors.len();
        let asked = self.result(&values.asked, compared);
        if self.errors.len() > before {
            return None;
        }
        let kind = match (aggregate, scalar) {
            (_, Some(scalar)) if scalar.is_temporal() => ValueKind::Date(self.stored_dates(read_as)),
            (_, Some(ScalarType::String)) => ValueKind::String,
            (_, Some(ScalarType::Boolean)) => ValueKind::Boolean,
            (Aggregate::Distinct, None) => ValueKind::Anything,
            (Aggregate::Min | Aggregate::Max, None) => self.kind_of_operands(aggregate, &asked)?,
            _ => ValueKind::Number,
        };
        Some(ValuesTest { path: values.path.clone(), read_as, kind, asked })
    }

    /// The kind of values that the operands are compared with, which has to be one.
    fn kind_of_operands(&mut self, aggregate: Aggregate, asked: &Expr<ValueTest>) -> Option<ValueKind> {
        let mut operands: Vec<&Constant> = Vec::new();
        asked.for_each(&mut |test| match test {
            ValueTest::Eq(constant) | ValueTest::Compare(_, constant) => operands.push(constant),
            ValueTest::In(constants) => operands.extend(constants),
            _ => {}
        });
        operands.retain(|operand| **operand != Value::Null);
        if let Expr::Const(_) = asked {
            return Some(ValueKind::Anything);
        }
        let mut kinds = Vec::new();
        for operand in operands {
            let kind = match operand {
                Value::Number(_) => ValueKind::Number,
                Value::String(_) => ValueKind::String,
                Value::Literal(_) => ValueKind::Date(self.stored_dates(None)),
                other => {
                    self.does_not_compute(aggregate, other.describe());
                    return None;
                }
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        if kinds.len() != 1 && !self.environment.knows_types() {
            return Some(ValueKind::Anything);
        }
        let name = aggregate.operator().name();
        let hint = "Put the type of the values beside it: {\"$as\": \"number\", …}.";
        match kinds.len() {
            1 => kinds.pop(),
            0 => {
                let message = format!("{name} does not know the type of the values");
                self.fail(ErrorKind::TypeMismatch, message, hint);
                None
            }
            _ => {
                let message = format!("{name} is compared with operands of several types");
                self.fail(ErrorKind::TypeMismatch, message, "Compare it with numbers, with strings or with dates.");
                None
            }
        }
    }

    fn does_not_compute(&mut self, aggregate: Aggregate, found: &str) {
        let operator: Operator = aggregate.operator();
        let (values, hint) = match aggregate {
            Aggregate::Sum | Aggregate::Avg => ("numbers", "For days and times there are $min and $max."),
            _ => ("numbers, strings and dates", "For booleans use $some, $none and $every."),
        };
        self.fail(ErrorKind::TypeMismatch, format!("{} is of {values}, not of {found}", operator.name()), hint);
    }
}
