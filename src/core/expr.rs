//! The normal form of a checked condition.
//!
//! Complements are negations (`$ne` is the negation of `$eq`), dates are resolved, types are known, `$all` is a
//! conjunction, and constants are folded. So code that works on conditions meets each idea in one form only.

use crate::ast::Comparison;
use crate::bucket::bucket_of;
use crate::date::{DateLiteral, DatePart, DateRange, DateReading, NamedZone, Spans};
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::{Caseless, Needle, Pattern, TextTest};
use crate::types::{JsonType, PropertyType};
use crate::value::Value;

mod concern;
mod elements;
mod normal_form;
mod pair;
mod rows;
mod size;
mod text;

pub use concern::own_tests;
pub use elements::{
    Absence, Asked, ElementsTest, SequenceStep, TimeOf, ValueKind, ValuesTest, holds_of, holds_of_count,
};
pub use normal_form::NormalForm;
pub use pair::{PairTest, Reading, Side};
pub use rows::{RowsAsked, RowsTest};

/// A JSON value that may have resolved dates in it.
pub type Constant = Value<DateRange>;

/// A Boolean combination of tests `T`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr<T> {
    /// Always true, or always false; only as the whole expression
    Const(bool),
    /// All parts hold; there are at least two, and none of them is an `And`
    And(Vec<Expr<T>>),
    /// Any part holds; there are at least two, and none of them is an `Or`
    Or(Vec<Expr<T>>),
    /// The part does not hold
    Not(Box<Expr<T>>),
    /// One test
    Test(T),
}

/// A checked condition.
pub type Checked = Expr<Atom>;

/// A test on a contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Atom {
    /// A test on a field
    Field(FieldTest),
    /// A comparison of fields
    Pair(PairTest),
    /// In one of some buckets
    Bucket(BucketTest),
    /// Subscribed to the topic with this id
    Topic(String),
    /// A test on rows of a relation
    Rows(RowsTest),
}

/// Whether a contact is in one of some buckets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BucketTest {
    /// How many there are
    pub of: u32,
    /// The buckets that the test holds for, ascending and without duplicates; not all buckets
    pub within: Vec<u32>,
    /// The salt, which makes these buckets independent of those with another salt
    pub salt: String,
}

impl BucketTest {
    /// Whether the contact of that id is in one of them.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.within.binary_search(&bucket_of(id, &self.salt, self.of)).is_ok()
    }
}

/// A test on a document alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DocumentTest {
    /// A test on a field
    Field(FieldTest),
    /// A comparison of fields
    Pair(PairTest),
}

/// A test on a field of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldTest {
    /// The field; its first key is the property's name
    pub path: Path,
    /// The type as which the field is read; `None` for an undeclared field
    pub read_as: Option<PropertyType>,
    /// The test
    pub test: ValueTest,
}

/// A test on the values of a field. It holds if any value that the field yields satisfies it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueTest {
    /// Equal to the constant; a missing value is equal to null
    Eq(Constant),
    /// In this order to the constant
    Compare(Comparison, Constant),
    /// Equal to one of these; there is at least one
    In(Vec<Constant>),
    /// Present
    Exists,
    /// A string that matches
    Regex(Pattern),
    /// A string that matches one of these; there is at least one
    Matches(Vec<Pattern>),
    /// A string that has the text in this place
    Text(TextTest, Needle),
    /// An array of which one element satisfies it
    ElemMatch(Box<ElementTest>),
    /// An array whose elements, taken together, satisfy it. A field without an array has no elements
    Elements(Box<ElementsTest>),
    /// An array of this length
    Size(u64),
    /// A value of one of these types
    Type(Vec<JsonType>),
    /// A number whose integral part, divided by the first number, leaves the second as remainder
    Mod(i64, i64),
    /// A string that is equal to one of these without regard to case
    Alike(Caseless),
    /// Missing, null, or an empty string, array or object
    Empty,
    /// A date whose part, in the zone, is one of these numbers
    Part(DatePart, StoredDates, Spans),
    /// A date of which an anniversary is one of these days, as numbers since 1970-01-01; a time counts as its day in
    /// the zone
    Anniversary(StoredDates, Spans),
}

/// How the calendar's tests read stored dates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredDates {
    /// What is a date
    pub reading: DateReading,
    /// Where a point in time has its day and its parts
    pub zone: NamedZone,
}

/// A test on one element of an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ElementTest {
    /// For elements that are objects, and arrays, which read as objects keyed by index
    Object(Expr<DocumentTest>),
    /// For the element itself
    Value {
        /// The type of dates as which the element is read; `None` for other types, which the tests do not depend on
        read_as: Option<PropertyType>,
        /// The tests
        tests: Expr<ValueTest>,
    },
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

    /// The same combination of other tests. Returns `None` as soon as `map` does.
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

    /// Whether the combination holds; `holds` tells whether a test does.
    pub fn evaluate(&self, holds: &mut impl FnMut(&T) -> bool) -> bool {
        match self {
            Expr::Const(value) => *value,
            Expr::And(parts) => parts.iter().all(|part| part.evaluate(holds)),
            Expr::Or(parts) => parts.iter().any(|part| part.evaluate(holds)),
            Expr::Not(part) => !part.evaluate(holds),
            Expr::Test(test) => holds(test),
        }
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

impl Checked {
    /// The same expression on documents alone, in which relations are arrays of rows; `None` if it has topics or buckets.
    #[must_use]
    pub fn on_document(&self) -> Option<Expr<DocumentTest>> {
        self.try_map(&mut |atom| match atom {
            Atom::Field(field) => Some(DocumentTest::Field(field.clone())),
            Atom::Pair(pair) => Some(DocumentTest::Pair(pair.clone())),
            Atom::Rows(rows) => Some(DocumentTest::Field(rows.on_array())),
            Atom::Bucket(_) | Atom::Topic(_) => None,
        })
    }

    /// The expression on a contact with these relations that has this [form on documents](Self::on_document); `None` if
    /// there is none.
    #[must_use]
    pub fn with_relations(&self, is_relation: &dyn Fn(&str) -> bool) -> Option<Checked> {
        self.try_map(&mut |atom| match atom {
            Atom::Field(field) if is_relation(field.path.first()) => RowsTest::of_array(field).map(Atom::Rows),
            Atom::Pair(pair) if pair.paths().any(|path| is_relation(path.first())) => None,
            atom => Some(atom.clone()),
        })
    }

    /// Whether it reads rows of a relation.
    #[must_use]
    pub fn reads_rows(&self) -> bool {
        let mut found = false;
        self.for_each(&mut |atom| found |= matches!(atom, Atom::Rows(_)));
        found
    }

    /// Whether it asks in which bucket a contact is.
    #[must_use]
    pub fn asks_bucket(&self) -> bool {
        let mut found = false;
        self.for_each(&mut |atom| found |= matches!(atom, Atom::Bucket(_)));
        found
    }

    /// The fields of the contact that the test reads; those of rows are not among them.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.for_each(&mut |atom| paths.extend(atom.paths()));
        paths
    }
}

impl Atom {
    /// The fields of the contact that the test reads; those of rows are not among them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let (field, pair) = match self {
            Atom::Field(field) => (Some(&field.path), None),
            Atom::Pair(pair) => (None, Some(pair)),
            Atom::Bucket(_) | Atom::Topic(_) | Atom::Rows(_) => (None, None),
        };
        field.into_iter().chain(pair.into_iter().flat_map(PairTest::paths))
    }
}

impl DocumentTest {
    /// Whether a document without the fields satisfies the test.
    #[must_use]
    pub fn holds_for_missing(&self) -> bool {
        match self {
            DocumentTest::Field(field) => field.test.holds_for_missing(),
            DocumentTest::Pair(_) => false,
        }
    }

    /// The fields that it reads.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let (field, pair) = match self {
            DocumentTest::Field(field) => (Some(&field.path), None),
            DocumentTest::Pair(pair) => (None, Some(pair)),
        };
        field.into_iter().chain(pair.into_iter().flat_map(PairTest::paths))
    }
}

impl From<DocumentTest> for Atom {
    fn from(test: DocumentTest) -> Self {
        match test {
            DocumentTest::Field(field) => Atom::Field(field),
            DocumentTest::Pair(pair) => Atom::Pair(pair),
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

impl FieldTest {
    /// How the field's values are read as dates.
    #[must_use]
    pub fn reading(&self) -> DateReading {
        DateReading::of(self.read_as)
    }

    /// Whether an array satisfies the test if one of its elements does.
    #[must_use]
    pub fn fans_out(&self) -> bool {
        !self.read_as.is_some_and(PropertyType::is_scalar)
    }
}

impl ValueTest {
    /// Whether a field without a value satisfies the test.
    #[must_use]
    pub fn holds_for_missing(&self) -> bool {
        match self {
            ValueTest::Eq(constant) => *constant == Value::Null,
            ValueTest::In(constants) => constants.contains(&Value::Null),
            ValueTest::Empty => true,
            ValueTest::Elements(elements) => elements.holds_for_none(),
            _ => false,
        }
    }

    /// Whether it tests elements that are objects.
    #[must_use]
    pub fn is_on_elements(&self) -> bool {
        match self {
            ValueTest::Elements(_) => true,
            ValueTest::ElemMatch(element) => matches!(**element, ElementTest::Object(_)),
            _ => false,
        }
    }

    /// The operator of the test.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            ValueTest::Eq(_) => Operator::Eq,
            ValueTest::Compare(comparison, _) => comparison.operator(),
            ValueTest::In(_) => Operator::In,
            ValueTest::Exists => Operator::Exists,
            ValueTest::Regex(_) => Operator::Regex,
            ValueTest::Text(test, _) => test.operator(),
            ValueTest::ElemMatch(_) => Operator::ElemMatch,
            ValueTest::Elements(elements) => elements.operator(),
            ValueTest::Size(_) => Operator::Size,
            ValueTest::Type(_) => Operator::Type,
            ValueTest::Mod(..) => Operator::Mod,
            ValueTest::Alike(_) | ValueTest::Matches(_) => Operator::In,
            ValueTest::Empty => Operator::Empty,
            ValueTest::Part(part, ..) => (*part).into(),
            ValueTest::Anniversary(..) => Operator::Anniversary,
        }
    }

    /// Whether it is about the calendar: what a column holds outside of the years 1 to 9999 has to be brought into them.
    #[must_use]
    pub fn is_of_calendar(&self) -> bool {
        match self {
            ValueTest::Part(..) | ValueTest::Anniversary(..) => true,
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Value { tests, .. } => {
                    let mut found = false;
                    tests.for_each(&mut |test| found |= test.is_of_calendar());
                    found
                }
                ElementTest::Object(_) => false,
            },
            _ => false,
        }
    }

    /// The zone, other than UTC, in which it reads stored dates.
    #[must_use]
    pub fn zone(&self) -> Option<&NamedZone> {
        match self {
            ValueTest::Part(_, StoredDates { zone, .. }, _) | ValueTest::Anniversary(StoredDates { zone, .. }, _) => {
                Some(zone).filter(|zone| !zone.is_utc())
            }
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Value { tests, .. } => {
                    let mut found = None;
                    tests.for_each(&mut |test| found = found.or(test.zone()));
                    found
                }
                ElementTest::Object(_) => None,
            },
            _ => None,
        }
    }
}

impl Constant {
    /// The constant as an operand that resolves to it again: in UTC, or `zoned` in any zone.
    #[must_use]
    pub fn to_operand(&self, zoned: bool) -> crate::ast::Operand {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Number(number) => Value::Number(number.clone()),
            Value::String(text) => Value::String(text.clone()),
            Value::Array(items) => Value::Array(items.iter().map(|item| item.to_operand(zoned)).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), value.to_operand(zoned))).collect())
            }
            Value::Literal(range) if zoned => {
                Value::Literal(DateLiteral::Resolved(range.with_reading(DateReading::Strings)).into())
            }
            Value::Literal(range) => Value::Literal(DateLiteral::from(*range).into()),
        }
    }
}
