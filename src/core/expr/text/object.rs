//! The members of one object: tests on one field are joined, and what has no room beside the others goes under `$and`.

use super::{ToCondition, Writing, all_of, cannot_join, sort_tests};
use crate::ast::{AllEntry, Condition, Expression, FieldPredicate, Junction, Member, Predicate, SideOperator, Test};
use crate::date::NamedZone;
use crate::expr::{DocumentTest, Expr, FieldTest, TimeOf};
use crate::limits;
use crate::path::Path;
use crate::types::PropertyType;
use crate::value::key_order;
use std::collections::HashMap;

/// An object that is being filled. Members whose key it already has go under `$and`.
#[derive(Default)]
pub(super) struct Object {
    fields: HashMap<Path, (How, Vec<Test>)>,
    equal: HashMap<(Path, Option<PropertyType>), Vec<AllEntry>>,
    pairs: Vec<Expression>,
    any: Option<Vec<Condition>>,
    none: Vec<Condition>,
    and: Vec<Condition>,
}

impl Object {
    pub(super) fn add<T: ToCondition>(&mut self, part: &Expr<T>) {
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
                        if self.place(&field.path, field.how(), field.to_test(false)).is_some() {
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
                if let Some(test) = self.place(&field.path, field.how(), field.to_test(true)) {
                    self.and.push(field_condition(field.path.clone(), field.how(), test));
                }
            }
        }
    }

    /// Puts the test into the field's predicate, or gives it back where it has no room there.
    fn place(&mut self, path: &Path, how: How, test: Test) -> Option<Test> {
        let (others, tests) = self.fields.entry(path.clone()).or_insert_with(|| (how.clone(), vec![]));
        if *others != how || tests.iter().any(|other| cannot_join(other, &test)) {
            return Some(test);
        }
        tests.push(test);
        None
    }

    pub(super) fn into_members(mut self) -> Vec<Member> {
        let mut equal: Vec<_> = std::mem::take(&mut self.equal).into_iter().collect();
        // Sorted, so that the text does not depend on the map's order.
        equal.sort_by_cached_key(|((path, read_as), _)| (path.text().to_owned(), read_as.map(|name| name.to_string())));
        for ((path, read_as), entries) in equal {
            for chunk in entries.chunks(limits::ENTRIES) {
                let how = How { read_as, zone: None, filter: None, by: None };
                if let Some(test) = self.place(&path, how.clone(), all_of(chunk.to_vec())) {
                    self.and.push(field_condition(path.clone(), how, test));
                }
            }
        }
        let mut members: Vec<Member> =
            self.fields.into_iter().map(|(path, (how, tests))| field_member(path, how, tests)).collect();
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

/// How tests read their field. Those in one predicate read it alike.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct How {
    pub read_as: Option<PropertyType>,
    /// Other than UTC; dates beside it are written with the instants that they are
    pub zone: Option<NamedZone>,
    /// What elements have to satisfy to be seen
    pub filter: Option<Expr<DocumentTest>>,
    /// The date that orders elements
    pub by: Option<TimeOf>,
}

fn field_member(path: Path, how: How, mut tests: Vec<Test>) -> Member {
    tests.extend(how.filter.map(|filter| Test::Filter(filter.to_condition())));
    tests.extend(how.by.map(|by| Test::By(by.to_written())));
    sort_tests(&mut tests);
    let zone = how.zone.map(|zone| zone.name().to_owned());
    Member::Field(path, FieldPredicate::Tests(Predicate { read_as: how.read_as, zone, tests }))
}

fn field_condition(path: Path, how: How, test: Test) -> Condition {
    Condition { members: vec![field_member(path, how, vec![test])] }
}

fn logical_condition(junction: Junction, conditions: Vec<Condition>) -> Condition {
    Condition { members: vec![Member::Logical(junction, conditions)] }
}
