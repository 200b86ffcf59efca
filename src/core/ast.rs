//! A condition as it was written.
//!
//! The tree keeps what the user gave, so that printing it gives it back; [`crate::check`] turns it into the
//! normal form that everything else works on.

use crate::date::DateLiteral;
use crate::error::Place;
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::{Needle, Pattern, TextTest};
use crate::types::{JsonType, PropertyType};
use crate::value::Value;

/// A JSON value in which dates may stand.
pub type Operand = Value<DateLiteral>;

/// Members, all of which must hold; none: everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The members, in [`crate::value::key_order`] of their keys
    pub members: Vec<Member>,
}

/// One member of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// `$and`, `$or`, `$nor`
    Logical(Junction, Vec<Condition>),
    /// `$not`
    Not(Condition),
    /// `$topic`
    Topic(TopicPredicate),
    /// `$segment`: an id or a name
    Segment(String),
    /// A field and what is asked of it
    Field(Path, FieldPredicate),
}

/// How conditions are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junction {
    /// All hold
    And,
    /// Any holds
    Or,
    /// None holds
    Nor,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldPredicate {
    /// Equality, written as the value alone
    Literal(Operand),
    /// Tests
    Tests(Predicate),
}

/// What is asked of a contact's subscriptions. Topics are named by slug or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicPredicate {
    /// Subscribed, written as the topic alone
    Literal(String),
    /// Tests, all of which must hold, in [`crate::value::key_order`] of their operators
    Tests(Vec<TopicTest>),
}

/// One test on a contact's subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicTest {
    /// `$eq`: subscribed to it
    Eq(String),
    /// `$ne`: not subscribed to it
    Ne(String),
    /// `$in`: subscribed to any
    In(Vec<String>),
    /// `$nin`: subscribed to none
    Nin(Vec<String>),
    /// `$all`: subscribed to every one; `[]` nobody
    All(Vec<String>),
}

impl FieldPredicate {
    /// Its `$as`.
    #[must_use]
    pub fn read_as(&self) -> Option<PropertyType> {
        match self {
            FieldPredicate::Literal(_) => None,
            FieldPredicate::Tests(predicate) => predicate.read_as,
        }
    }
}

/// Tests on one field, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// `$as`
    pub read_as: Option<PropertyType>,
    /// The tests, in [`crate::value::key_order`] of their operators
    pub tests: Vec<Test>,
}

/// One test on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `$eq`
    Eq(Operand),
    /// `$ne`
    Ne(Operand),
    /// `$gt`, `$gte`, `$lt`, `$lte`
    Compare(Comparison, Operand),
    /// `$in`
    In(Vec<Operand>),
    /// `$nin`
    Nin(Vec<Operand>),
    /// `$exists`
    Exists(bool),
    /// `$regex`
    Regex(Pattern),
    /// `$contains`, `$startsWith`, `$endsWith`
    Text(TextTest, Needle),
    /// `$not`
    Not(Predicate),
    /// `$all`
    All(Vec<AllEntry>),
    /// `$elemMatch`
    ElemMatch(ElemMatch),
    /// `$size`
    Size(u64),
    /// `$type`
    Type(TypeOperand),
    /// `$empty`
    Empty(bool),
}

/// An ordered comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `$gt`
    Gt,
    /// `$gte`
    Gte,
    /// `$lt`
    Lt,
    /// `$lte`
    Lte,
}

/// An entry of `$all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllEntry {
    /// Matched as `$eq` matches
    Value(Operand),
    /// `{"$elemMatch": …}`
    ElemMatch(ElemMatch),
}

/// The operand of `$elemMatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElemMatch {
    /// Put to elements that are objects
    Condition(Condition),
    /// Put to the element itself
    Predicate(Predicate),
}

/// The operand of `$type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeOperand {
    /// One name
    One(JsonType),
    /// An array of names
    Any(Vec<JsonType>),
}

impl Junction {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            Junction::And => Operator::And,
            Junction::Or => Operator::Or,
            Junction::Nor => Operator::Nor,
        }
    }
}

impl Member {
    /// The key that it stands under.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Member::Logical(junction, _) => junction.operator().name(),
            Member::Not(_) => Operator::Not.name(),
            Member::Topic(_) => Operator::Topic.name(),
            Member::Segment(_) => Operator::Segment.name(),
            Member::Field(path, _) => path.text(),
        }
    }
}

impl Comparison {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            Comparison::Gt => Operator::Gt,
            Comparison::Gte => Operator::Gte,
            Comparison::Lt => Operator::Lt,
            Comparison::Lte => Operator::Lte,
        }
    }

    /// Whether a value that compares so with the operand satisfies it.
    #[must_use]
    pub fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Gt => ordering.is_gt(),
            Comparison::Gte => ordering.is_ge(),
            Comparison::Lt => ordering.is_lt(),
            Comparison::Lte => ordering.is_le(),
        }
    }
}

impl TopicTest {
    /// Its operator.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            TopicTest::Eq(_) => Operator::Eq,
            TopicTest::Ne(_) => Operator::Ne,
            TopicTest::In(_) => Operator::In,
            TopicTest::Nin(_) => Operator::Nin,
            TopicTest::All(_) => Operator::All,
        }
    }
}

impl Test {
    /// Its operator.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            Test::Eq(_) => Operator::Eq,
            Test::Ne(_) => Operator::Ne,
            Test::Compare(comparison, _) => comparison.operator(),
            Test::In(_) => Operator::In,
            Test::Nin(_) => Operator::Nin,
            Test::Exists(_) => Operator::Exists,
            Test::Regex(_) => Operator::Regex,
            Test::Text(test, _) => test.operator(),
            Test::Not(_) => Operator::Not,
            Test::All(_) => Operator::All,
            Test::ElemMatch(_) => Operator::ElemMatch,
            Test::Size(_) => Operator::Size,
            Test::Type(_) => Operator::Type,
            Test::Empty(_) => Operator::Empty,
        }
    }
}

/// A field of contacts that a condition tests.
#[derive(Clone, Debug)]
pub struct TestedField<'c> {
    /// Where it stands in the condition
    pub place: Place,
    /// The field
    pub path: &'c Path,
    /// What is asked of it
    pub predicate: &'c FieldPredicate,
}

impl Condition {
    /// The fields of contacts that the condition tests, in its order; not those of elements inside `$elemMatch`.
    #[must_use]
    pub fn fields(&self) -> Vec<TestedField<'_>> {
        let mut fields = Vec::new();
        self.gather_fields(&mut Place::default(), &mut fields);
        fields
    }

    fn gather_fields<'c>(&'c self, place: &mut Place, fields: &mut Vec<TestedField<'c>>) {
        for member in &self.members {
            place.enter(member.key());
            match member {
                Member::Logical(_, conditions) => {
                    for (index, condition) in conditions.iter().enumerate() {
                        place.enter(index);
                        condition.gather_fields(place, fields);
                        place.leave();
                    }
                }
                Member::Not(condition) => condition.gather_fields(place, fields),
                Member::Field(path, predicate) => fields.push(TestedField { place: place.clone(), path, predicate }),
                Member::Topic(_) | Member::Segment(_) => {}
            }
            place.leave();
        }
    }
}
