//! The normal form of a checked condition.
//!
//! Complements are spelled out (`$ne` is the negation of `$eq`), dates are resolved, types are known, `$all` is a
//! conjunction, and constants are folded, so that whatever works on a condition meets each idea once.

use crate::ast::{
    Comparison, Condition, ElemMatch, FieldPredicate, Junction, Member, Predicate, Test, TextTest, TypeOperand,
};
use crate::date::DateRange;
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::{Needle, Pattern};
use crate::types::{JsonType, PropertyType};
use crate::value::{Value, key_order};

/// A JSON value in which resolved dates may stand.
pub type Constant = Value<DateRange>;

/// A Boolean combination of tests `T`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr<T> {
    /// True or false whatever is asked; only ever the whole expression
    Const(bool),
    /// All hold; at least two, none of them an `And`
    And(Vec<Expr<T>>),
    /// Any holds; at least two, none of them an `Or`
    Or(Vec<Expr<T>>),
    /// It does not hold
    Not(Box<Expr<T>>),
    /// One test
    Test(T),
}

/// A checked condition.
pub type Checked = Expr<Atom>;

/// What a contact is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom {
    /// A test on a field
    Field(FieldTest),
    /// Whether it is subscribed to the topic of that id
    Topic(String),
}

/// A test on a field of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldTest {
    /// The field; its first key is the property's name
    pub path: Path,
    /// The type it is read as; `None` as an undeclared field is
    pub read_as: Option<PropertyType>,
    /// The test
    pub test: ValueTest,
}

/// A test on what a field holds; holds if any value that the field yields satisfies it.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTest {
    /// Equal to the constant; null: or missing
    Eq(Constant),
    /// Ordered so against the constant
    Compare(Comparison, Constant),
    /// Equal to one of these; at least one
    In(Vec<Constant>),
    /// Present
    Exists,
    /// A string that matches
    Regex(Pattern),
    /// A string that has the text there
    Text(TextTest, Needle),
    /// An array of which one element satisfies it
    ElemMatch(Box<ElementTest>),
    /// An array of that length
    Size(u64),
    /// Of one of these types
    Type(Vec<JsonType>),
    /// Missing, null, or an empty string, array or object
    Empty,
}

/// What one element of an array is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementTest {
    /// Put to elements that are objects (or arrays, read as objects keyed by index)
    Object(Expr<FieldTest>),
    /// Put to the element itself
    Value(Expr<ValueTest>),
}

impl<T> Expr<T> {
    /// The conjunction, folded and flattened.
    #[must_use]
    pub fn and(parts: impl IntoIterator<Item = Expr<T>>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Expr::Const(true) => {}
                Expr::Const(false) => return Expr::Const(false),
                Expr::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single_or(flat, true, Expr::And)
    }

    /// The disjunction, folded and flattened.
    #[must_use]
    pub fn or(parts: impl IntoIterator<Item = Expr<T>>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Expr::Const(false) => {}
                Expr::Const(true) => return Expr::Const(true),
                Expr::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        single_or(flat, false, Expr::Or)
    }

    /// The complement.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "it stands beside `and` and `or`")]
    pub fn not(self) -> Self {
        match self {
            Expr::Const(value) => Expr::Const(!value),
            Expr::Not(inner) => *inner,
            other => Expr::Not(Box::new(other)),
        }
    }

    /// The expression, or its complement where `positive` is false.
    #[must_use]
    pub fn negate_unless(self, positive: bool) -> Self {
        if positive { self } else { self.not() }
    }

    /// The same combination of other tests. Stops at the first `None`.
    #[must_use]
    pub fn try_map<U>(&self, map: &mut impl FnMut(&T) -> Option<U>) -> Option<Expr<U>> {
        Some(match self {
            Expr::Const(value) => Expr::Const(*value),
            Expr::And(parts) => Expr::And(parts.iter().map(|part| part.try_map(map)).collect::<Option<_>>()?),
            Expr::Or(parts) => Expr::Or(parts.iter().map(|part| part.try_map(map)).collect::<Option<_>>()?),
            Expr::Not(part) => Expr::Not(Box::new(part.try_map(map)?)),
            Expr::Test(test) => Expr::Test(map(test)?),
        })
    }

    /// Calls `visit` on every test.
    pub fn for_each<'e>(&'e self, visit: &mut impl FnMut(&'e T)) {
        match self {
            Expr::Const(_) => {}
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| part.for_each(visit)),
            Expr::Not(part) => part.for_each(visit),
            Expr::Test(test) => visit(test),
        }
    }
}

fn single_or<T>(mut parts: Vec<Expr<T>>, empty: bool, join: fn(Vec<Expr<T>>) -> Expr<T>) -> Expr<T> {
    match parts.len() {
        0 => Expr::Const(empty),
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}

impl Expr<FieldTest> {
    /// The condition that reads as this expression: typed, with resolved dates, so that it means the same
    /// anywhere.
    #[must_use]
    pub fn to_condition(&self) -> Condition {
        let members = match self {
            Expr::Const(true) => vec![],
            Expr::Const(false) => vec![Member::Field(
                Path::from_keys(vec![String::new()]),
                FieldPredicate::Tests(Predicate { read_as: None, tests: vec![Test::In(vec![])] }),
            )],
            Expr::And(parts) => match merge_fields(parts) {
                Some(members) => members,
                None => vec![logical(Junction::And, parts)],
            },
            Expr::Or(parts) => vec![logical(Junction::Or, parts)],
            Expr::Not(part) => match &**part {
                Expr::Or(parts) => vec![logical(Junction::Nor, parts)],
                Expr::Test(_) => merge_fields(std::slice::from_ref(self)).unwrap_or_default(),
                other => vec![Member::Not(other.to_condition())],
            },
            Expr::Test(_) => merge_fields(std::slice::from_ref(self)).unwrap_or_default(),
        };
        Condition { members }
    }
}

fn logical(junction: Junction, parts: &[Expr<FieldTest>]) -> Member {
    Member::Logical(junction, parts.iter().map(Expr::to_condition).collect())
}

/// The parts as members of one object, where every part is a test on a field and no two tests on one field use
/// the same operator or read it as different types.
fn merge_fields(parts: &[Expr<FieldTest>]) -> Option<Vec<Member>> {
    let mut fields: Vec<(&Path, Predicate)> = Vec::new();
    for part in parts {
        let (field, test) = match part {
            Expr::Test(field) => (field, field.test.to_test(true)),
            Expr::Not(inner) => match &**inner {
                Expr::Test(field) => (field, field.test.to_test(false)),
                _ => return None,
            },
            _ => return None,
        };
        match fields.iter_mut().find(|(path, _)| *path == &field.path) {
            None => fields.push((&field.path, Predicate { read_as: field.read_as, tests: vec![test] })),
            Some((_, predicate)) => {
                if predicate.read_as != field.read_as || predicate.tests.iter().any(|other| cannot_join(other, &test)) {
                    return None;
                }
                predicate.tests.push(test);
            }
        }
    }
    fields.sort_by(|(left, _), (right, _)| key_order(left.text().as_bytes(), right.text().as_bytes()));
    let member = |(path, mut predicate): (&Path, Predicate)| {
        sort_tests(&mut predicate.tests);
        Member::Field(path.clone(), FieldPredicate::Tests(predicate))
    };
    Some(fields.into_iter().map(member).collect())
}

impl ValueTest {
    /// The test, or its complement, as it is written.
    fn to_test(&self, positive: bool) -> Test {
        let test = match self {
            ValueTest::Eq(constant) if positive => Test::Eq(constant.to_operand()),
            ValueTest::Eq(constant) => return Test::Ne(constant.to_operand()),
            ValueTest::In(constants) => {
                let entries = constants.iter().map(Constant::to_operand).collect();
                return if positive { Test::In(entries) } else { Test::Nin(entries) };
            }
            ValueTest::Exists => return Test::Exists(positive),
            ValueTest::Empty => return Test::Empty(positive),
            ValueTest::Compare(comparison, constant) => Test::Compare(*comparison, constant.to_operand()),
            ValueTest::Regex(pattern) => Test::Regex(pattern.clone()),
            ValueTest::Text(test, needle) => Test::Text(*test, needle.clone()),
            ValueTest::ElemMatch(element) => Test::ElemMatch(element.to_elem_match()),
            ValueTest::Size(size) => Test::Size(*size),
            ValueTest::Type(kinds) => Test::Type(TypeOperand::Any(kinds.clone())),
        };
        if positive { test } else { Test::Not(untyped(vec![test])) }
    }

    /// The operator that it is a test of.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.to_test(true).operator()
    }
}

impl ElementTest {
    fn to_elem_match(&self) -> ElemMatch {
        match self {
            ElementTest::Object(condition) => ElemMatch::Condition(condition.to_condition()),
            ElementTest::Value(expr) => ElemMatch::Predicate(element_predicate(conjuncts(expr))),
        }
    }
}

/// Tests put to one element, as one predicate.
///
/// A predicate holds each operator once, so what would stand twice goes under a double negation.
fn element_predicate(parts: &[Expr<ValueTest>]) -> Predicate {
    let mut tests: Vec<Test> = Vec::new();
    let mut later = Vec::new();
    for part in parts {
        let test = element_test(part);
        let clash = matches!(test, Test::Not(_)) || tests.iter().any(|other| cannot_join(other, &test));
        if clash { later.push(part.clone()) } else { tests.push(test) }
    }
    match later.as_slice() {
        [] => {}
        [only] if matches!(only, Expr::Not(_)) => tests.push(element_test(only)),
        rest => tests.push(Test::Not(untyped(vec![Test::Not(element_predicate(rest))]))),
    }
    sort_tests(&mut tests);
    untyped(tests)
}

fn element_test(part: &Expr<ValueTest>) -> Test {
    match part {
        Expr::Test(test) => test.to_test(true),
        Expr::Not(inner) => match &**inner {
            Expr::Test(test) => test.to_test(false),
            other => Test::Not(element_predicate(conjuncts(other))),
        },
        Expr::Const(true) => Test::Nin(vec![]),
        Expr::Const(false) => Test::In(vec![]),
        Expr::And(parts) => Test::Not(untyped(vec![Test::Not(element_predicate(parts))])),
        Expr::Or(parts) => {
            let none: Vec<_> = parts.iter().map(|part| part.clone().not()).collect();
            Test::Not(element_predicate(&none))
        }
    }
}

fn conjuncts<T>(expr: &Expr<T>) -> &[Expr<T>] {
    match expr {
        Expr::And(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

/// Whether two tests cannot be members of one predicate: its keys are unique, and `$options` is one of them.
fn cannot_join(left: &Test, right: &Test) -> bool {
    let takes_options = |test: &Test| matches!(test, Test::Regex(_) | Test::Text(..));
    left.operator() == right.operator() || (takes_options(left) && takes_options(right))
}

fn untyped(tests: Vec<Test>) -> Predicate {
    Predicate { read_as: None, tests }
}

fn sort_tests(tests: &mut [Test]) {
    tests.sort_by(|left, right| key_order(left.operator().name().as_bytes(), right.operator().name().as_bytes()));
}

impl Constant {
    /// The constant as an operand that resolves to it again.
    #[must_use]
    pub fn to_operand(&self) -> crate::ast::Operand {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Number(number) => Value::Number(number.clone()),
            Value::String(text) => Value::String(text.clone()),
            Value::Array(items) => Value::Array(items.iter().map(Constant::to_operand).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), value.to_operand())).collect())
            }
            Value::Date(range) => Value::Date((*range).into()),
        }
    }
}
