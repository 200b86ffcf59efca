//! Turns the normal form back into a condition.
//!
//! The result must be within all limits that the original condition was within. So it has no more levels and nodes, and
//! the members of each object have different keys.

use super::{DocumentTest, ElementTest, Expr, FieldTest, PairTest, Side, ValueTest};
use crate::ast::{
    self, AllEntry, Condition, ElemMatch, Expression, FieldPredicate, Junction, Member, Operand, Predicate,
    SideOperator, Test, TypeOperand,
};
use crate::expr::Constant;
use crate::limits;
use crate::path::Path;
use crate::types::PropertyType;
use crate::value::Value;
use crate::value::key_order;
use std::collections::HashMap;

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

/// An object that is being filled. Members whose key it already has go under `$and`.
#[derive(Default)]
struct Object {
    fields: HashMap<Path, (Option<PropertyType>, Vec<Test>)>,
    equal: HashMap<(Path, Option<PropertyType>), Vec<AllEntry>>,
    pairs: Vec<Expression>,
    any: Option<Vec<Condition>>,
    none: Vec<Condition>,
    and: Vec<Condition>,
}

impl Object {
    fn add<T: ToCondition>(&mut self, part: &Expr<T>) {
        match part {
            Expr::Const(true) => {}
            Expr::Const(false) => self.none.push(Condition::default()),
            Expr::And(_) => self.and.push(part.to_condition()),
            Expr::Or(parts) => {
                let parts = parts.iter().map(Expr::to_condition).collect();
                match &mut self.any {
                    None => self.any = Some(parts),
                    Some(_) => self.and.push(logical_condition(Junction::Or, parts)),
                }
            }
            Expr::Not(inner) => match &**inner {
                Expr::Or(parts) => self.none.extend(parts.iter().map(Expr::to_condition)),
                Expr::Test(test) => match test.written() {
                    Writing::Field(field) => {
                        if self.place(&field.path, field.read_as, field.to_test(false)).is_some() {
                            self.none.push(inner.to_condition());
                        }
                    }
                    Writing::Pair(pair) if pair.order.is_none() => {
                        self.pairs.push(pair.to_expression(SideOperator::Ne))
                    }
                    Writing::Pair(_) => self.none.push(inner.to_condition()),
                },
                // `$nor` and not `$not`, because an object with only `$not` would read as a predicate inside
                // $elemMatch.
                other => self.none.push(other.to_condition()),
            },
            Expr::Test(test) => match test.written() {
                Writing::Field(field) => self.add_test(field),
                Writing::Pair(pair) => {
                    let relation = pair.order.map_or(SideOperator::Eq, SideOperator::Ordered);
                    self.pairs.push(pair.to_expression(relation));
                }
            },
        }
    }

    fn add_test(&mut self, field: &FieldTest) {
        match field.to_all_entry() {
            Some(entry) => self.equal.entry((field.path.clone(), field.read_as)).or_default().push(entry),
            None => {
                if let Some(test) = self.place(&field.path, field.read_as, field.to_test(true)) {
                    self.and.push(field_condition(field.path.clone(), field.read_as, test));
                }
            }
        }
    }

    /// Adds a test to the field's predicate. Returns the test if the predicate has no room for it.
    fn place(&mut self, path: &Path, read_as: Option<PropertyType>, test: Test) -> Option<Test> {
        let (as_read, tests) = self.fields.entry(path.clone()).or_insert_with(|| (read_as, vec![]));
        if *as_read != read_as || tests.iter().any(|other| cannot_join(other, &test)) {
            return Some(test);
        }
        tests.push(test);
        None
    }

    fn into_members(mut self) -> Vec<Member> {
        let mut equal: Vec<_> = std::mem::take(&mut self.equal).into_iter().collect();
        // Sorted, so that the text does not depend on the map's order.
        equal.sort_by_cached_key(|((path, read_as), _)| (path.text().to_owned(), read_as.map(|name| name.to_string())));
        for ((path, read_as), entries) in equal {
            for chunk in entries.chunks(limits::ENTRIES) {
                if let Some(test) = self.place(&path, read_as, all_of(chunk.to_vec())) {
                    self.and.push(field_condition(path.clone(), read_as, test));
                }
            }
        }
        let mut members: Vec<Member> =
            self.fields.into_iter().map(|(path, (read_as, tests))| field_member(path, read_as, tests)).collect();
        members.extend(match self.pairs.len() {
            0 | 1 => self.pairs.pop().map(Member::Expr),
            _ => Some(Member::Expr(Expression::And(self.pairs))),
        });
        members.extend(self.any.map(|conditions| Member::Logical(Junction::Or, conditions)));
        for (junction, conditions) in [(Junction::Nor, self.none), (Junction::And, self.and)] {
            if !conditions.is_empty() {
                members.push(Member::Logical(junction, conditions));
            }
        }
        members.sort_by(|left, right| key_order(left.key().as_bytes(), right.key().as_bytes()));
        members
    }
}

fn field_member(path: Path, read_as: Option<PropertyType>, mut tests: Vec<Test>) -> Member {
    sort_tests(&mut tests);
    Member::Field(path, FieldPredicate::Tests(Predicate { read_as, tests }))
}

fn field_condition(path: Path, read_as: Option<PropertyType>, test: Test) -> Condition {
    Condition { members: vec![field_member(path, read_as, vec![test])] }
}

fn logical_condition(junction: Junction, conditions: Vec<Condition>) -> Condition {
    Condition { members: vec![Member::Logical(junction, conditions)] }
}

/// Makes several equalities an `$all`, so that even thousands of them are one test.
fn all_of(mut entries: Vec<AllEntry>) -> Test {
    match (entries.len(), entries.pop()) {
        (1, Some(AllEntry::Value(operand))) => Test::Eq(operand),
        (1, Some(AllEntry::ElemMatch(inner))) => Test::ElemMatch(inner),
        (_, last) => {
            entries.extend(last);
            Test::All(entries)
        }
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
            Side::Constant(constant @ Value::Date(_)) => ast::Side::Value(constant.to_operand()),
            Side::Constant(constant) => ast::Side::Literal(constant.to_operand()),
        }
    }
}

impl FieldTest {
    fn to_test(&self, positive: bool) -> Test {
        self.test.to_test(positive, self.is_untyped())
    }

    /// The test as an entry of `$all`, if it can be one, and the type allows `$all`.
    fn to_all_entry(&self) -> Option<AllEntry> {
        let has_all = !self.read_as.is_some_and(PropertyType::is_scalar);
        has_all.then(|| self.test.to_all_entry(self.is_untyped())).flatten()
    }

    /// Whether elements of the field may be of any type.
    fn is_untyped(&self) -> bool {
        matches!(self.read_as, None | Some(PropertyType::Json))
    }
}

impl ValueTest {
    /// The test, or its complement, as it is written. `untyped` says that elements may be of any type.
    fn to_test(&self, positive: bool, untyped: bool) -> Test {
        let test = match self {
            ValueTest::Eq(constant) if positive => Test::Eq(constant.to_operand()),
            ValueTest::Eq(constant) => return Test::Ne(constant.to_operand()),
            ValueTest::In(constants) => {
                let entries: Vec<Operand> = constants.iter().map(Constant::to_operand).collect();
                return if positive { Test::In(entries) } else { Test::Nin(entries) };
            }
            ValueTest::Exists => return Test::Exists(positive),
            ValueTest::Empty => return Test::Empty(positive),
            ValueTest::Compare(comparison, constant) => Test::Compare(*comparison, constant.to_operand()),
            ValueTest::Regex(pattern) => Test::Regex(pattern.clone()),
            ValueTest::Text(test, needle) => Test::Text(*test, needle.clone()),
            ValueTest::ElemMatch(element) => Test::ElemMatch(element.to_elem_match(untyped)),
            ValueTest::Size(size) => Test::Size(*size),
            ValueTest::Type(kinds) => Test::Type(TypeOperand::Any(kinds.clone())),
            ValueTest::Mod(divisor, remainder) => Test::Mod(*divisor, *remainder),
            ValueTest::Alike(caseless) => {
                let texts = caseless.texts().iter().cloned().map(Value::String).collect();
                let test = if positive { Test::In(texts) } else { Test::Nin(texts) };
                return Test::WithOptions(Box::new(test), "i".to_owned());
            }
        };
        if positive { test } else { negated(vec![test]) }
    }

    fn to_all_entry(&self, untyped: bool) -> Option<AllEntry> {
        match self {
            ValueTest::Eq(constant) => Some(AllEntry::Value(constant.to_operand())),
            ValueTest::ElemMatch(element) => Some(AllEntry::ElemMatch(element.to_elem_match(untyped))),
            _ => None,
        }
    }
}

impl ElementTest {
    fn to_elem_match(&self, untyped: bool) -> ElemMatch {
        match self {
            ElementTest::Object(condition) => ElemMatch::Condition(condition.to_condition()),
            ElementTest::Value(expr) => ElemMatch::Predicate(element_predicate(conjuncts(expr), untyped)),
        }
    }
}

/// One predicate for tests on one element.
///
/// A predicate has each operator only once, so that further tests with the same operator go under a double negation. A
/// predicate that was read has at most one part that needs `$not`, so that there is always room for it.
fn element_predicate(parts: &[Expr<ValueTest>], untyped: bool) -> Predicate {
    let mut tests: Vec<Test> = Vec::new();
    let mut equal = Vec::new();
    let mut later = Vec::new();
    let mut last = None;
    for part in parts {
        if let (Expr::Test(test), true) = (part, untyped)
            && equal.len() < limits::ENTRIES
            && let Some(entry) = test.to_all_entry(untyped)
        {
            equal.push(entry);
            continue;
        }
        let test = element_test(part, untyped);
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
        tests.push(negated(vec![Test::Not(element_predicate(&later, untyped))]));
    }
    sort_tests(&mut tests);
    Predicate { read_as: None, tests }
}

fn element_test(part: &Expr<ValueTest>, untyped: bool) -> Test {
    match part {
        Expr::Test(test) => test.to_test(true, untyped),
        Expr::Not(inner) => match &**inner {
            Expr::Test(test) => test.to_test(false, untyped),
            other => Test::Not(element_predicate(conjuncts(other), untyped)),
        },
        Expr::Const(true) => Test::Nin(vec![]),
        Expr::Const(false) => Test::In(vec![]),
        Expr::And(parts) => negated(vec![Test::Not(element_predicate(parts, untyped))]),
        Expr::Or(parts) => {
            let none: Vec<_> = parts.iter().map(|part| part.clone().not()).collect();
            Test::Not(element_predicate(&none, untyped))
        }
    }
}

fn conjuncts<T>(expr: &Expr<T>) -> &[Expr<T>] {
    match expr {
        Expr::And(parts) => parts,
        other => std::slice::from_ref(other),
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
    Test::Not(Predicate { read_as: None, tests })
}

fn sort_tests(tests: &mut [Test]) {
    tests.sort_by(|left, right| key_order(left.operator().name().as_bytes(), right.operator().name().as_bytes()));
}
