//! A condition as it was written.
//!
//! The tree keeps everything that the user wrote, so that it can be printed again. [`crate::check`] turns it into the
//! normal form, which everything else uses.

use crate::date::{DatePart, DateRange, Day};
use crate::error::JsonPointer;
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::{Needle, Pattern, TextTest};
use crate::types::{JsonType, PropertyType};

mod elements;
mod expression;
mod literal;
mod names;

pub use elements::{Aggregate, OrderedBy, Quantifier, SequenceEntry, ValuesPredicate};
pub use expression::{DateFromString, Expression, Side, SideComparison, SideOperator};
pub use literal::{AsWritten, Extended, Literal, Operand, is_number, is_wrapper};
pub use names::{NamePredicate, NameTest};

/// A condition: all its members must hold. Without members, it holds for everyone.
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
    /// `$bucket`
    Bucket(Bucket),
    /// `$comment`: text without meaning
    Comment(String),
    /// A field, and the predicate on it
    Field(Path, FieldPredicate),
}

/// The operand of `$bucket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many buckets there are
    pub of: AsWritten<u32>,
    /// Those in which contacts are, as written; at least one
    pub within: Vec<AsWritten<u32>>,
    /// What tells the buckets from those of other uses; not empty
    pub salt: String,
}

/// The operator that joins conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junction {
    /// All hold
    And,
    /// Any holds
    Or,
    /// None holds
    Nor,
}

/// The predicate on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldPredicate {
    /// Equality, written as the value alone
    Literal(Operand),
    /// Tests
    Tests(Predicate),
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
    /// `$zone`: where days and parts of dates are read
    pub zone: Option<String>,
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
    Exists(AsWritten<bool>),
    /// `$regex`
    Regex(Pattern),
    /// `$regularExpression`, Extended JSON's form of the same
    RegularExpression {
        /// The pattern
        pattern: Pattern,
        /// Whether it is the operand of `$regex`, and not a predicate itself
        is_operand: bool,
    },
    /// `$contains`, `$startsWith`, `$endsWith`
    Text(TextTest, Needle),
    /// `$not`
    Not(Predicate),
    /// `$all`
    All(Vec<AllEntry>),
    /// `$elemMatch`
    ElemMatch(ElemMatch),
    /// `$some`, `$none`, `$every`, `$first`, `$last`
    Elements(Quantifier, Condition),
    /// `$filter`: not a test; its siblings see only the elements that satisfy it
    Filter(Condition),
    /// `$count`: a literal, or tests, over integers
    Count(FieldPredicate),
    /// `$sum`, `$avg`, `$min`, `$max`, `$distinct`: at least one path, in [`crate::value::key_order`]
    Of(Aggregate, Vec<ValuesPredicate>),
    /// `$sequence`: at least two entries, the first of which has neither `$none` nor `$within`
    Sequence(Vec<SequenceEntry>),
    /// `$by`: not a test; `$first`, `$last` and `$sequence` beside it take elements in this order
    By(OrderedBy),
    /// `$size`
    Size(AsWritten<u64>),
    /// `$type`
    Type(TypeOperand),
    /// `$empty`
    Empty(bool),
    /// `$mod`: the divisor, which is not 0, and the remainder
    Mod(AsWritten<i64>, AsWritten<i64>),
    /// `$eq`, `$ne`, `$in` or `$nin` beside `$options`: the test, and the letters
    WithOptions(Box<Test>, String),
    /// `$year`, `$month`, …: a literal, or tests, over integers
    Part(DatePart, FieldPredicate),
    /// `$anniversary`: a literal, or tests, over dates
    Anniversary(FieldPredicate),
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
    /// A value, matched as by `$eq`
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
    /// The element equals a date, or what Extended JSON writes
    Literal(Operand),
}

/// The operand of `$type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeOperand {
    /// One name or code
    One(AsWritten<JsonType>),
    /// An array of names or codes
    Any(Vec<AsWritten<JsonType>>),
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
    /// The key of the member.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Member::Logical(junction, _) => junction.operator().name(),
            Member::Not(_) => Operator::Not.name(),
            Member::Topic(_) => Operator::Topic.name(),
            Member::Segment(_) => Operator::Segment.name(),
            Member::Expr(_) => Operator::Expr.name(),
            Member::Bucket(_) => Operator::Bucket.name(),
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

    /// The same comparison with its sides exchanged.
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Comparison::Gt => Comparison::Lt,
            Comparison::Gte => Comparison::Lte,
            Comparison::Lt => Comparison::Gt,
            Comparison::Lte => Comparison::Gte,
        }
    }

    /// The day of the operand that stored days are compared with: the last day for `$gt` and `$lte`, which depend on
    /// the operand's end.
    #[must_use]
    pub fn day_of(self, range: &DateRange) -> Day {
        match self {
            Comparison::Gt | Comparison::Lte => range.last_day(),
            Comparison::Gte | Comparison::Lt => range.first_day(),
        }
    }

    /// Whether a value with this order to the operand satisfies the comparison.
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
            Test::Regex(_) | Test::RegularExpression { is_operand: true, .. } => Operator::Regex,
            Test::RegularExpression { is_operand: false, .. } => Operator::RegularExpression,
            Test::Text(test, _) => test.operator(),
            Test::Not(_) => Operator::Not,
            Test::All(_) => Operator::All,
            Test::ElemMatch(_) => Operator::ElemMatch,
            Test::Elements(quantifier, _) => quantifier.operator(),
            Test::Filter(_) => Operator::Filter,
            Test::Count(_) => Operator::Count,
            Test::Of(aggregate, _) => aggregate.operator(),
            Test::Sequence(_) => Operator::Sequence,
            Test::By(_) => Operator::By,
            Test::Size(_) => Operator::Size,
            Test::Type(_) => Operator::Type,
            Test::Empty(_) => Operator::Empty,
            Test::Mod(..) => Operator::Mod,
            Test::WithOptions(test, _) => test.operator(),
            Test::Part(part, _) => (*part).into(),
            Test::Anniversary(_) => Operator::Anniversary,
            Test::Comment(_) => Operator::Comment,
        }
    }
}

/// The operator that asks for the part.
impl From<DatePart> for Operator {
    fn from(part: DatePart) -> Self {
        match part {
            DatePart::Year => Operator::Year,
            DatePart::Month => Operator::Month,
            DatePart::DayOfMonth => Operator::DayOfMonth,
            DatePart::IsoDayOfWeek => Operator::IsoDayOfWeek,
            DatePart::Hour => Operator::Hour,
        }
    }
}

/// A field of contacts that a condition tests.
#[derive(Clone, Debug)]
pub struct TestedField<'c> {
    /// Its place in the condition
    pub place: JsonPointer,
    /// The field
    pub path: &'c Path,
    /// The predicate
    pub predicate: &'c FieldPredicate,
}

impl Condition {
    /// The fields of contacts with predicates, in the order of the condition. The fields of elements inside
    /// `$elemMatch`, and those that `$expr` compares, are not among them.
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

    /// Whether the condition has `{"$topic": {"$exists": …}}`, which depends on all topics.
    #[must_use]
    pub fn asks_any_topic(&self) -> bool {
        self.members.iter().any(|member| match member {
            Member::Logical(_, conditions) => conditions.iter().any(Condition::asks_any_topic),
            Member::Not(condition) => condition.asks_any_topic(),
            Member::Topic(NamePredicate::Tests(tests)) => tests.iter().any(|test| matches!(test, NameTest::Exists(_))),
            _ => false,
        })
    }

    /// The operands of `$expr`, with their places.
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

    /// Visits the members that have no other conditions inside.
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
