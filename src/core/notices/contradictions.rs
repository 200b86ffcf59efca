//! Finds predicates that no value satisfies, such as bounds in the wrong order or equality with an excluded value, and
//! conditions that hold for everyone or for nobody.

use crate::ast::{
    Comparison, Condition, Expression, FieldPredicate, Junction, Literal, Member, NamePredicate, NameTest, Operand,
    Predicate, Test,
};
use crate::date::{DateLiteral, Instant, MICROS_PER_DAY, Utc};
use crate::operator::Operator;
use crate::value::Value;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Two operators of a predicate that no single value can satisfy together.
pub(super) fn contradiction(predicate: &Predicate) -> Option<(Operator, Operator)> {
    reversed_bounds(predicate).or_else(|| excluded_value(predicate))
}

fn reversed_bounds(predicate: &Predicate) -> Option<(Operator, Operator)> {
    let bounds = || {
        predicate.tests.iter().filter_map(|test| match test {
            Test::Compare(comparison, operand) => Some((*comparison, operand)),
            _ => None,
        })
    };
    let is_lower = |comparison| matches!(comparison, Comparison::Gt | Comparison::Gte);
    let lower = bounds().filter(|(comparison, _)| is_lower(*comparison));
    let mut pairs = lower
        .flat_map(|lower| bounds().filter(|(comparison, _)| !is_lower(*comparison)).map(move |upper| (lower, upper)));
    let (lower, upper) = pairs.find(|((lower, least), (upper, most))| match (least, most) {
        (Value::Literal(Literal::Date(least)), Value::Literal(Literal::Date(most))) => {
            are_reversed((*lower, least), (*upper, most))
        }
        (least, most) => match order(least, most) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => !(*lower == Comparison::Gte && *upper == Comparison::Lte),
            _ => false,
        },
    })?;
    Some((lower.0.operator(), upper.0.operator()))
}

/// Whether no date is between two bounds with the same date operator, at whatever time. For `$today` and its like, this
/// depends on the lengths of months and on the day of the week.
fn are_reversed(lower: (Comparison, &DateLiteral), upper: (Comparison, &DateLiteral)) -> bool {
    const MONTH: i64 = 31 * MICROS_PER_DAY;
    if lower.1.operator() != upper.1.operator() {
        return false;
    }
    let at = |now, (comparison, date): (Comparison, &DateLiteral)| {
        let range = date.resolve(Instant::from_micros_saturating(now), &Utc)?;
        Some(match comparison {
            Comparison::Gt | Comparison::Lte => range.until(),
            Comparison::Gte | Comparison::Lt => range.from(),
        })
    };
    (0..60)
        .map(|month| month * MONTH)
        .all(|now| at(now, lower).zip(at(now, upper)).is_some_and(|(lower, upper)| lower >= upper))
}

/// Compares two operands of one kind.
fn order(left: &Operand, right: &Operand) -> Option<Ordering> {
    match (left.plain(), right.plain()) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        _ => None,
    }
}

/// `$eq` beside a test that excludes its value.
fn excluded_value(predicate: &Predicate) -> Option<(Operator, Operator)> {
    let wanted = predicate.tests.iter().find_map(|test| match test {
        Test::Eq(operand) => Some(operand.plain()),
        _ => None,
    })?;
    let excludes = |test: &&Test| match test {
        Test::Ne(operand) => operand.plain() == wanted,
        Test::Nin(operands) => operands.iter().any(|operand| operand.plain() == wanted),
        Test::Exists(present) => !present.value && *wanted != Value::Null,
        _ => false,
    };
    predicate.tests.iter().find(excludes).map(|test| (Operator::Eq, test.operator()))
}

/// Whether the condition holds for everyone or for nobody, whatever values contacts have.
pub(super) fn constant(condition: &Condition) -> Option<bool> {
    all(condition.members.iter().map(|member| match member {
        Member::Logical(Junction::And, conditions) => all(conditions.iter().map(constant)),
        Member::Logical(Junction::Or, conditions) => any(conditions.iter().map(constant)),
        Member::Logical(Junction::Nor, conditions) => any(conditions.iter().map(constant)).map(|holds| !holds),
        Member::Not(condition) => constant(condition).map(|holds| !holds),
        Member::Field(_, FieldPredicate::Tests(predicate)) => constant_predicate(predicate),
        Member::Topic(predicate) | Member::Segment(predicate) => constant_names(predicate),
        Member::Expr(expression) => constant_expression(expression),
        Member::Bucket(bucket) => {
            let within: HashSet<u32> = bucket.within.iter().map(|bucket| bucket.value).collect();
            (within.len() == bucket.of.value as usize).then_some(true)
        }
        Member::Comment(_) => Some(true),
        Member::Field(_, FieldPredicate::Literal(_)) => None,
    }))
}

fn constant_names(predicate: &NamePredicate) -> Option<bool> {
    let NamePredicate::Tests(tests) = predicate else { return None };
    all(tests.iter().map(|test| match test {
        NameTest::In(names) | NameTest::All(names) if names.is_empty() => Some(false),
        NameTest::Nin(names) if names.is_empty() => Some(true),
        NameTest::Comment(_) => Some(true),
        _ => None,
    }))
}

fn constant_predicate(predicate: &Predicate) -> Option<bool> {
    all(predicate.tests.iter().map(|test| match test {
        Test::In(operands) if operands.is_empty() => Some(false),
        Test::Nin(operands) if operands.is_empty() => Some(true),
        Test::All(entries) if entries.is_empty() => Some(false),
        Test::Not(predicate) => constant_predicate(predicate).map(|holds| !holds),
        Test::Comment(_) => Some(true),
        _ => None,
    }))
}

fn constant_expression(expression: &Expression) -> Option<bool> {
    match expression {
        Expression::Const(value) => Some(*value),
        Expression::And(parts) => all(parts.iter().map(constant_expression)),
        Expression::Or(parts) => any(parts.iter().map(constant_expression)),
        Expression::Not(part) | Expression::NotListed(part) => constant_expression(part).map(|holds| !holds),
        Expression::Compare(_) => None,
    }
}

fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_certain = true;
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => is_certain = false,
        }
    }
    is_certain.then_some(true)
}

fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(parts.map(|part| part.map(|holds| !holds))).map(|none| !none)
}
