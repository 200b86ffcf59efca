//! Turns the normal form back into a condition.
//!
//! The result must be within all limits that the original condition was within. So it has no more levels and nodes, and
//! the members of each object have different keys.

use super::{DocumentTest, ElementTest, Expr, FieldTest, PairTest, Side, ValueTest};
use crate::ast::{
    self, AllEntry, Condition, ElemMatch, Expression, FieldPredicate, Literal, Operand, Predicate, Quantifier,
    SideOperator, Test, TypeOperand,
};
use crate::date::{DateLiteral, DateRange, Day, Utc};
use crate::limits;
use crate::types::PropertyType;
use crate::value::Value;
use crate::value::key_order;

mod elements;
mod object;

use elements::has_pairs;
use object::{How, Object};

/// A test that can be a member of a condition, or a part of one.
pub trait ToCondition {
    /// The form of the test.
    fn written(&self) -> Writing<'_>;
}

/// The form in which a test is written.
pub enum Writing<'t> {
    /// Under its field
    Field(&'t FieldTest),
    /// Under `$expr`
    Pair(&'t PairTest),
}

impl ToCondition for FieldTest {
    fn written(&self) -> Writing<'_> {
        Writing::Field(self)
    }
}

impl ToCondition for DocumentTest {
    fn written(&self) -> Writing<'_> {
        match self {
            DocumentTest::Field(field) => Writing::Field(field),
            DocumentTest::Pair(pair) => Writing::Pair(pair),
        }
    }
}

impl<T: ToCondition> Expr<T> {
    /// The condition with this meaning. It has types and resolved dates, so that it means the same anywhere.
    #[must_use]
    pub fn to_condition(&self) -> Condition {
        let mut object = Object::default();
        for part in conjuncts(self) {
            object.add(part);
        }
        Condition { members: object.into_members() }
    }
}

impl PairTest {
    fn to_expression(&self, relation: SideOperator) -> Expression {
        let zone = (!self.zone.is_utc()).then(|| self.zone.name().to_owned());
        let sides = Box::new(self.sides.each_ref().map(Side::to_written));
        Expression::Compare(ast::SideComparison { relation, sides, zone })
    }
}

impl Side {
    fn to_written(&self) -> ast::Side {
        match self {
            Side::Field { path, read_as: None } => ast::Side::Name(path.clone()),
            Side::Field { path, .. } => ast::Side::Field(path.clone(), self.property_type()),
            Side::Constant(constant @ Value::Literal(_)) => ast::Side::Value(constant.to_operand(false)),
            Side::Constant(constant) => ast::Side::Literal(constant.to_operand(false)),
        }
    }
}

/// What a test is written inside of.
#[derive(Clone, Copy)]
struct Around {
    /// The type that is said
    read_as: Option<PropertyType>,
    /// There is a `$zone`, which dates are not to be read in again
    zoned: bool,
}

impl Around {
    /// Whether `$all` may stand there.
    fn allows_all(self) -> bool {
        !self.read_as.is_some_and(PropertyType::is_scalar)
    }
}

impl FieldTest {
    fn how(&self) -> How {
        let (filter, by) = match &self.test {
            ValueTest::Elements(elements) => (elements.filter.clone(), elements.by().cloned()),
            _ => (None, None),
        };
        How { read_as: self.read_as, zone: self.test.zone().cloned(), filter, by }
    }

    fn around(&self) -> Around {
        Around { read_as: self.read_as, zoned: self.test.zone().is_some() }
    }

    fn to_test(&self, positive: bool) -> Test {
        self.test.to_test(positive, self.around())
    }

    /// The test as an entry of `$all`, if it can be one, and the type allows `$all`.
    fn to_all_entry(&self) -> Option<AllEntry> {
        let has_all = !self.read_as.is_some_and(PropertyType::is_scalar) && self.test.zone().is_none();
        has_all.then(|| self.test.to_all_entry(self.around())).flatten()
    }
}

impl ValueTest {
    /// The test, or its complement, as it is written.
    fn to_test(&self, positive: bool, around: Around) -> Test {
        let test = match self {
            ValueTest::Eq(constant) if positive => Test::Eq(constant.to_operand(around.zoned)),
            ValueTest::Eq(constant) => return Test::Ne(constant.to_operand(around.zoned)),
            ValueTest::In(constants) => {
                let entries: Vec<Operand> =
                    constants.iter().map(|constant| constant.to_operand(around.zoned)).collect();
                return if positive { Test::In(entries) } else { Test::Nin(entries) };
            }
            ValueTest::Matches(patterns) => {
                let entries =
                    patterns.iter().map(|pattern| Value::Literal(Literal::Pattern(pattern.clone()))).collect();
                return if positive { Test::In(entries) } else { Test::Nin(entries) };
            }
            ValueTest::Exists => return Test::Exists(positive.into()),
            ValueTest::Empty => return Test::Empty(positive),
            ValueTest::Compare(comparison, constant) => Test::Compare(*comparison, constant.to_operand(around.zoned)),
            ValueTest::Regex(pattern) => Test::Regex(pattern.clone()),
            ValueTest::Text(test, needle) => Test::Text(*test, needle.clone()),
            ValueTest::ElemMatch(element) => match &**element {
                // `$elemMatch` has no `$expr`.
                ElementTest::Object(condition) if has_pairs(condition) => {
                    Test::Elements(Quantifier::Some, condition.to_condition())
                }
                element => Test::ElemMatch(element.to_elem_match(around)),
            },
            ValueTest::Elements(elements) => elements.to_test(),
            ValueTest::Size(size) => Test::Size((*size).into()),
            ValueTest::Type(kinds) => Test::Type(TypeOperand::Any(kinds.iter().map(|kind| (*kind).into()).collect())),
            ValueTest::Mod(divisor, remainder) => Test::Mod((*divisor).into(), (*remainder).into()),
            ValueTest::Alike(caseless) => {
                let texts = caseless.texts().iter().cloned().map(Value::String).collect();
                let test = if positive { Test::In(texts) } else { Test::Nin(texts) };
                return Test::WithOptions(Box::new(test), "i".to_owned());
            }
            ValueTest::Part(part, _, spans) => {
                let numbers = spans.iter().flat_map(|(first, last)| first..=last);
                let numbers = numbers.map(|number| Value::Number(i64::from(number).into())).collect();
                let test = if positive { Test::In(numbers) } else { Test::Nin(numbers) };
                return Test::Part(*part, asked(test));
            }
            ValueTest::Anniversary(_, spans) => {
                let day = |number| Day::from_epoch_days(number).unwrap_or(Day::MIN);
                let days = spans.iter().map(|(first, last)| DateRange::of_days(day(first), day(last), &Utc));
                let days = days.map(|days| Value::Literal(DateLiteral::from(days).into()));
                Test::Anniversary(asked(Test::In(days.collect())))
            }
        };
        if positive { test } else { negated(vec![test]) }
    }

    fn to_all_entry(&self, around: Around) -> Option<AllEntry> {
        match self {
            ValueTest::Eq(constant) => Some(AllEntry::Value(constant.to_operand(around.zoned))),
            ValueTest::Matches(patterns) => match patterns.as_slice() {
                [pattern] => Some(AllEntry::Value(Value::Literal(Literal::Pattern(pattern.clone())))),
                _ => None,
            },
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Object(condition) if has_pairs(condition) => None,
                element => Some(AllEntry::ElemMatch(element.to_elem_match(around))),
            },
            _ => None,
        }
    }
}

impl ElementTest {
    fn to_elem_match(&self, around: Around) -> ElemMatch {
        match self {
            ElementTest::Object(condition) => ElemMatch::Condition(condition.to_condition()),
            ElementTest::Value { read_as, tests } => {
                let said = around.read_as.and_then(PropertyType::element).map(PropertyType::Scalar);
                let around = Around { read_as: read_as.or(said), ..around };
                let predicate = element_predicate(conjuncts(tests), around);
                ElemMatch::Predicate(Predicate { read_as: read_as.filter(|_| said.is_none()), ..predicate })
            }
        }
    }
}

/// One predicate for tests on one element.
///
/// A predicate holds each operator once, so what would stand twice goes under a double negation. A predicate
/// that was read gives at most one part that needs `$not`, so there is always room for it.
fn element_predicate(parts: &[Expr<ValueTest>], around: Around) -> Predicate {
    let mut tests: Vec<Test> = Vec::new();
    let mut equal = Vec::new();
    let mut later = Vec::new();
    let mut last = None;
    for part in parts {
        if let Expr::Test(test) = part
            && around.allows_all()
            && equal.len() < limits::ENTRIES
            && let Some(entry) = test.to_all_entry(around)
        {
            equal.push(entry);
            continue;
        }
        let test = element_test(part, around);
        match &test {
            Test::Not(_) if last.is_none() => last = Some((test, part)),
            _ if tests.iter().any(|other| cannot_join(other, &test)) => later.push(part.clone()),
            _ => tests.push(test),
        }
    }
    if !equal.is_empty() {
        let has_options = tests.iter().chain(last.iter().map(|(test, _)| test)).any(is_with_options);
        tests.push(if has_options { Test::All(equal) } else { all_of(equal) });
    }
    if later.is_empty() {
        tests.extend(last.map(|(test, _)| test));
    } else {
        later.extend(last.map(|(_, part)| part.clone()));
        tests.push(negated(vec![Test::Not(element_predicate(&later, around))]));
    }
    sort_tests(&mut tests);
    Predicate { read_as: None, zone: None, tests }
}

fn element_test(part: &Expr<ValueTest>, around: Around) -> Test {
    match part {
        Expr::Test(test) => test.to_test(true, around),
        Expr::Not(inner) => match &**inner {
            // `$none` in place of `$not`, for which there is one place only.
            Expr::Test(ValueTest::ElemMatch(element)) if let ElementTest::Object(condition) = &**element => {
                Test::Elements(Quantifier::None, condition.to_condition())
            }
            Expr::Test(test) => test.to_test(false, around),
            other => Test::Not(element_predicate(conjuncts(other), around)),
        },
        Expr::Const(true) => Test::Nin(vec![]),
        Expr::Const(false) => Test::In(vec![]),
        Expr::And(parts) => negated(vec![Test::Not(element_predicate(parts, around))]),
        Expr::Or(parts) => {
            let none: Vec<_> = parts.iter().map(|part| part.clone().not()).collect();
            Test::Not(element_predicate(&none, around))
        }
    }
}

fn conjuncts<T>(expr: &Expr<T>) -> &[Expr<T>] {
    match expr {
        Expr::And(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

/// Makes several equalities an `$all`, so that even thousands of them are one test.
fn all_of(mut entries: Vec<AllEntry>) -> Test {
    match (entries.len(), entries.pop()) {
        (1, Some(AllEntry::Value(pattern @ Value::Literal(Literal::Pattern(_))))) => Test::In(vec![pattern]),
        (1, Some(AllEntry::Value(operand))) => Test::Eq(operand),
        (1, Some(AllEntry::ElemMatch(inner))) => Test::ElemMatch(inner),
        (_, last) => {
            entries.extend(last);
            Test::All(entries)
        }
    }
}

fn is_with_options(test: &Test) -> bool {
    matches!(test, Test::WithOptions(..))
}

/// Whether two tests cannot be members of one predicate: its keys are unique, and `$options` is one of them, which is of
/// patterns or else of every equality.
fn cannot_join(left: &Test, right: &Test) -> bool {
    let takes_options = |test: &Test| {
        matches!(
            test,
            Test::Regex(_)
                | Test::Text(..)
                | Test::Eq(_)
                | Test::Ne(_)
                | Test::In(_)
                | Test::Nin(_)
                | Test::WithOptions(..)
        )
    };
    if is_with_options(left) && takes_options(right) || is_with_options(right) && takes_options(left) {
        return true;
    }
    let options = |test: &Test| match test {
        Test::Regex(pattern) => Some(pattern.options().map(str::to_owned)),
        Test::Text(_, needle) => Some(needle.options().map(str::to_owned)),
        _ => None,
    };
    left.operator() == right.operator()
        || matches!((options(left), options(right)), (Some(left), Some(right)) if left != right)
}

fn negated(tests: Vec<Test>) -> Test {
    Test::Not(Predicate { read_as: None, zone: None, tests })
}

fn asked(test: Test) -> FieldPredicate {
    FieldPredicate::Tests(Predicate { read_as: None, zone: None, tests: vec![test] })
}

fn sort_tests(tests: &mut [Test]) {
    tests.sort_by(|left, right| key_order(left.operator().name().as_bytes(), right.operator().name().as_bytes()));
}
