//! A condition as it was written.
//!
//! The tree keeps what the user gave, so that printing it gives it back; [`crate::check`] turns it into the
//! normal form that everything else works on.

use crate::date::{DateLiteral, DateRange, Day};
use crate::error::JsonPointer;
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::{Needle, Pattern, TextTest};
use crate::types::{JsonType, PropertyType};
use crate::value::Value;

mod expression;

pub use expression::{Expression, Side, SideComparison, SideOperator};

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
    Topic(NamePredicate),
    /// `$segment`
    Segment(NamePredicate),
    /// `$expr`
    Expr(Expression),
    /// `$comment`: text that means nothing
    Comment(String),
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

/// What is asked of the topics that a contact is subscribed to, each named by slug or id, or of the segments that it is
/// a member of, each by name or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePredicate {
    /// It has that one, written as the name alone
    Literal(String),
    /// Tests, all of which must hold, in [`crate::value::key_order`] of their operators
    Tests(Vec<NameTest>),
}

/// One test on a contact's topics or segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameTest {
    /// `$eq`: it has that one
    Eq(String),
    /// `$ne`: it does not
    Ne(String),
    /// `$in`: it has any
    In(Vec<String>),
    /// `$nin`: it has none
    Nin(Vec<String>),
    /// `$all`: it has every one; `[]` nobody. Of topics
    All(Vec<String>),
    /// `$exists`: it has any that there is, or none. Of topics
    Exists(bool),
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
    /// `$mod`: the divisor, which is not 0, and the remainder
    Mod(i64, i64),
    /// `$eq`, `$ne`, `$in` or `$nin` beside `$options`: the test, and the letters
    WithOptions(Box<Test>, String),
    /// `$comment`: not a test, but text among them
    Comment(String),
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
            Member::Expr(_) => Operator::Expr.name(),
            Member::Comment(_) => Operator::Comment.name(),
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

    /// The comparison of the operand with the value.
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Comparison::Gt => Comparison::Lt,
            Comparison::Gte => Comparison::Lte,
            Comparison::Lt => Comparison::Gt,
            Comparison::Lte => Comparison::Gte,
        }
    }

    /// The day that stored days are compared with: the operand's last one, where its end decides.
    #[must_use]
    pub fn day_of(self, range: &DateRange) -> Day {
        match self {
            Comparison::Gt | Comparison::Lte => range.last_day(),
            Comparison::Gte | Comparison::Lt => range.first_day(),
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

impl NamePredicate {
    /// The names, each with the steps from the predicate to it.
    #[must_use]
    pub fn names(&self) -> Vec<(Vec<String>, &str)> {
        let under = |test: &NameTest, index: Option<usize>| {
            [test.operator().name().to_owned()].into_iter().chain(index.map(|index| index.to_string())).collect()
        };
        match self {
            NamePredicate::Literal(name) => vec![(vec![], name.as_str())],
            NamePredicate::Tests(tests) => tests
                .iter()
                .flat_map(|test| match test {
                    NameTest::Eq(name) | NameTest::Ne(name) => vec![(under(test, None), name.as_str())],
                    NameTest::In(names) | NameTest::Nin(names) | NameTest::All(names) => names
                        .iter()
                        .enumerate()
                        .map(|(index, name)| (under(test, Some(index)), name.as_str()))
                        .collect(),
                    NameTest::Exists(_) => vec![],
                })
                .collect(),
        }
    }

    /// The same predicate of other names.
    #[must_use]
    pub fn renamed(&self, rename: &dyn Fn(&str) -> String) -> Self {
        let all = |names: &[String]| names.iter().map(|name| rename(name)).collect();
        match self {
            NamePredicate::Literal(name) => NamePredicate::Literal(rename(name)),
            NamePredicate::Tests(tests) => NamePredicate::Tests(
                tests
                    .iter()
                    .map(|test| match test {
                        NameTest::Eq(name) => NameTest::Eq(rename(name)),
                        NameTest::Ne(name) => NameTest::Ne(rename(name)),
                        NameTest::In(names) => NameTest::In(all(names)),
                        NameTest::Nin(names) => NameTest::Nin(all(names)),
                        NameTest::All(names) => NameTest::All(all(names)),
                        NameTest::Exists(wanted) => NameTest::Exists(*wanted),
                    })
                    .collect(),
            ),
        }
    }
}

impl NameTest {
    /// Its operator.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            NameTest::Eq(_) => Operator::Eq,
            NameTest::Ne(_) => Operator::Ne,
            NameTest::In(_) => Operator::In,
            NameTest::Nin(_) => Operator::Nin,
            NameTest::All(_) => Operator::All,
            NameTest::Exists(_) => Operator::Exists,
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
            Test::Mod(..) => Operator::Mod,
            Test::WithOptions(test, _) => test.operator(),
            Test::Comment(_) => Operator::Comment,
        }
    }
}

/// A field of contacts that a condition tests.
#[derive(Clone, Debug)]
pub struct TestedField<'c> {
    /// Where it stands in the condition
    pub place: JsonPointer,
    /// The field
    pub path: &'c Path,
    /// What is asked of it
    pub predicate: &'c FieldPredicate,
}

impl Condition {
    /// The fields of contacts that the condition tests, in its order; not those of elements inside `$elemMatch`, nor those
    /// that `$expr` compares.
    #[must_use]
    pub fn fields(&self) -> Vec<TestedField<'_>> {
        let mut fields = Vec::new();
        self.for_each(&mut JsonPointer::default(), &mut |place, member| {
            if let Member::Field(path, predicate) = member {
                fields.push(TestedField { place: place.clone(), path, predicate });
            }
        });
        fields
    }

    /// Whether it asks if a contact is subscribed to any topic.
    #[must_use]
    pub fn asks_any_topic(&self) -> bool {
        self.members.iter().any(|member| match member {
            Member::Logical(_, conditions) => conditions.iter().any(Condition::asks_any_topic),
            Member::Not(condition) => condition.asks_any_topic(),
            Member::Topic(NamePredicate::Tests(tests)) => tests.iter().any(|test| matches!(test, NameTest::Exists(_))),
            _ => false,
        })
    }

    /// What stands under `$expr`, and where.
    #[must_use]
    pub fn expressions(&self) -> Vec<(JsonPointer, &Expression)> {
        let mut expressions = Vec::new();
        self.for_each(&mut JsonPointer::default(), &mut |place, member| {
            if let Member::Expr(expression) = member {
                expressions.push((place.clone(), expression));
            }
        });
        expressions
    }

    /// All fields of contacts that it reads.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let compared = self.expressions().into_iter().flat_map(|(_, expression)| expression.fields());
        self.fields().into_iter().map(|field| field.path).chain(compared).collect()
    }

    /// Visits the members that hold no other conditions.
    fn for_each<'c>(&'c self, place: &mut JsonPointer, visit: &mut impl FnMut(&JsonPointer, &'c Member)) {
        for member in &self.members {
            place.enter(member.key());
            match member {
                Member::Logical(_, conditions) => {
                    for (index, condition) in conditions.iter().enumerate() {
                        place.enter(index);
                        condition.for_each(place, visit);
                        place.leave();
                    }
                }
                Member::Not(condition) => condition.for_each(place, visit),
                member => visit(place, member),
            }
            place.leave();
        }
    }
}
