//! Checks `$in` and `$nin`, whose entries may be patterns, and equality without regard to case.

use super::{Checker, value_expr};
use crate::ast::{Literal, Operand, Test};
use crate::error::ErrorKind;
use crate::expr::{Expr, ValueTest};
use crate::operator::Operator;
use crate::pattern::{Caseless, Pattern};
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

impl Checker<'_> {
    /// `$eq`, `$ne`, `$in` and `$nin` without regard to case; values that are no strings are compared exactly.
    pub(super) fn alike(&mut self, test: &Test, read_as: Option<PropertyType>) -> Expr<ValueTest> {
        let is_of_strings = |property_type: PropertyType| property_type.element() == Some(ScalarType::String);
        if let Some(property_type) = read_as.filter(|property_type| !is_of_strings(*property_type)) {
            let message = format!("$options does not fit a property of type {property_type}");
            let hint = match property_type {
                PropertyType::Json => "Declare it as string, or use {\"$regex\": \"^…$\", \"$options\": \"i\"}.",
                _ => "Case is ignored in strings: leave $options out.",
            };
            self.fail(ErrorKind::TypeMismatch, message, hint);
            return Expr::Const(false);
        }
        let (operands, is_positive, is_list) = match test {
            Test::Eq(operand) | Test::Ne(operand) => {
                (std::slice::from_ref(operand), matches!(test, Test::Eq(_)), false)
            }
            Test::In(operands) | Test::Nin(operands) => (operands.as_slice(), matches!(test, Test::In(_)), true),
            test => return self.test(test, read_as),
        };
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        let (patterns, operands) = partition(operands);
        for (index, operand) in operands {
            let constant = match is_list {
                true => self.at(index, |checker| checker.constant(operand, read_as)),
                false => self.constant(operand, read_as),
            };
            match constant {
                Some(Value::String(text)) => texts.push(text),
                constant => others.extend(constant),
            }
        }
        let alike = (!texts.is_empty()).then(|| Expr::Test(ValueTest::Alike(Caseless::new(texts))));
        let equal = (!others.is_empty()).then(|| Expr::Test(ValueTest::In(others)));
        let matching = self.matches(patterns, read_as);
        Expr::or(alike.into_iter().chain(equal).chain([matching])).negate_unless(is_positive)
    }

    pub(super) fn membership(&mut self, operands: &[Operand], read_as: Option<PropertyType>) -> Expr<ValueTest> {
        let (patterns, operands) = partition(operands);
        let constants: Vec<_> = operands
            .into_iter()
            .filter_map(|(index, operand)| self.at(index, |checker| checker.constant(operand, read_as)))
            .collect();
        let equal = if constants.is_empty() { Expr::Const(false) } else { Expr::Test(ValueTest::In(constants)) };
        Expr::or([equal, self.matches(patterns, read_as)])
    }

    /// A string that matches one of the patterns, which are entries of a list.
    fn matches(&mut self, patterns: Vec<Placed<'_, Pattern>>, read_as: Option<PropertyType>) -> Expr<ValueTest> {
        if patterns.is_empty() {
            return Expr::Const(false);
        }
        let patterns =
            patterns.into_iter().map(|(index, pattern)| self.at(index, |checker| checker.entry(pattern, read_as)));
        value_expr(patterns.collect::<Option<_>>().map(ValueTest::Matches))
    }

    /// A pattern that is an entry of a list.
    pub(super) fn entry(&mut self, pattern: &Pattern, read_as: Option<PropertyType>) -> Option<Pattern> {
        let operator = Operator::RegularExpression;
        if let Some(property_type) = read_as.filter(|property_type| !operator.row().fits.allows(*property_type)) {
            self.misfit(operator, property_type);
            return None;
        }
        self.pattern(pattern)
    }

    /// The pattern as the field's values are compared.
    pub(super) fn pattern(&mut self, pattern: &Pattern) -> Option<Pattern> {
        if self.ignores_case { self.accept(pattern.ignoring_case()) } else { Some(pattern.clone()) }
    }
}

/// An entry of a list, and its index.
type Placed<'o, T> = (usize, &'o T);

/// The patterns of a list, and its other entries.
fn partition(operands: &[Operand]) -> (Vec<Placed<'_, Pattern>>, Vec<Placed<'_, Operand>>) {
    let (mut patterns, mut others) = (Vec::new(), Vec::new());
    for (index, operand) in operands.iter().enumerate() {
        match operand {
            Value::Literal(Literal::Pattern(pattern)) => patterns.push((index, pattern)),
            operand => others.push((index, operand)),
        }
    }
    (patterns, others)
}
