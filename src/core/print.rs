//! Prints the canonical text of a condition.

use crate::ast::{
    AllEntry, Bucket, Condition, ElemMatch, FieldPredicate, Literal, Member, NamePredicate, NameTest, Operand,
    Predicate, Test, TypeOperand,
};
use crate::operator::Operator;
use crate::pattern::Pattern;
use crate::value::Value;
use std::convert::Infallible;
use std::fmt::{self, Display};

mod elements;
mod expression;

/// Canonical JSON, as jsonb is printed: keys are in jsonb's order, with one blank after `:` and `,`. It reads back as
/// the same tree.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        object(f, &self.members, |f, member| {
            key(f, member.key())?;
            operand_of_member(f, member)
        })
    }
}

fn operand_of_member(f: &mut fmt::Formatter<'_>, member: &Member) -> fmt::Result {
    match member {
        Member::Logical(_, conditions) => array(f, conditions, |f, condition| condition.fmt(f)),
        Member::Not(condition) => condition.fmt(f),
        Member::Topic(predicate) | Member::Segment(predicate) => predicate.fmt(f),
        Member::Expr(expression) => expression.fmt(f),
        Member::Bucket(bucket) => bucket.fmt(f),
        Member::Comment(text) => string(f, text),
        Member::Field(_, predicate) => predicate.fmt(f),
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        key(f, "in")?;
        array(f, &self.within, |f, bucket| bucket.fmt(f))?;
        write!(f, ", \"of\": {}, ", self.of)?;
        key(f, "salt")?;
        string(f, &self.salt)?;
        f.write_str("}")
    }
}

impl fmt::Display for FieldPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldPredicate::Literal(operand) => operand.fmt(f),
            FieldPredicate::Tests(predicate) => predicate.fmt(f),
        }
    }
}

impl fmt::Display for NamePredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamePredicate::Literal(name) => name.fmt(f),
            NamePredicate::Tests(tests) => object(f, tests, |f, test| {
                key(f, test.operator().name())?;
                match test {
                    NameTest::Eq(name) | NameTest::Ne(name) => name.fmt(f),
                    NameTest::In(names) | NameTest::Nin(names) | NameTest::All(names) => {
                        array(f, names, |f, name| name.fmt(f))
                    }
                    NameTest::Exists(wanted) => wanted.fmt(f),
                    NameTest::Comment(text) => string(f, text),
                }
            }),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // $as (3 characters), $zone (5) and $options (8) have their places in the order of keys.
        let mut members: Vec<(&str, PredicateMember<'_>)> =
            self.tests.iter().map(|test| (test.operator().name(), PredicateMember::Test(test))).collect();
        members.extend(self.read_as.map(|name| (Operator::As.name(), PredicateMember::Text(name.to_string()))));
        members.extend(self.zone.iter().map(|name| (Operator::Zone.name(), PredicateMember::Text(name.clone()))));
        members.extend(
            self.tests
                .iter()
                .find_map(options)
                .map(|letters| (Operator::Options.name(), PredicateMember::Text(letters.to_owned()))),
        );
        members.sort_by(|(left, _), (right, _)| crate::value::key_order(left.as_bytes(), right.as_bytes()));
        object(f, &members, |f, (name, part)| {
            key(f, name)?;
            match part {
                PredicateMember::Test(test) => operand_of(f, test),
                PredicateMember::Text(text) => string(f, text),
            }
        })
    }
}

enum PredicateMember<'a> {
    Test(&'a Test),
    Text(String),
}

fn options(test: &Test) -> Option<&str> {
    match test {
        Test::Regex(pattern) => pattern.options(),
        Test::Text(_, needle) => needle.options(),
        Test::WithOptions(_, letters) => Some(letters),
        _ => None,
    }
}

fn operand_of(f: &mut fmt::Formatter<'_>, test: &Test) -> fmt::Result {
    match test {
        Test::Eq(operand) | Test::Ne(operand) | Test::Compare(_, operand) => operand.fmt(f),
        Test::In(entries) | Test::Nin(entries) => array(f, entries, |f, entry| entry.fmt(f)),
        Test::Exists(wanted) => wanted.fmt(f),
        Test::Empty(wanted) => wanted.fmt(f),
        Test::Regex(pattern) => string(f, pattern.source()),
        Test::RegularExpression { pattern, is_operand: true } => regular_expression(f, pattern),
        Test::RegularExpression { pattern, is_operand: false } => pattern_and_options(f, pattern),
        Test::Text(_, needle) => string(f, needle.text()),
        Test::Not(predicate) => predicate.fmt(f),
        Test::All(entries) => array(f, entries, |f, entry| match entry {
            AllEntry::Value(operand) => operand.fmt(f),
            AllEntry::ElemMatch(inner) => {
                f.write_str("{")?;
                key(f, Operator::ElemMatch.name())?;
                inner.fmt(f)?;
                f.write_str("}")
            }
        }),
        Test::ElemMatch(inner) => inner.fmt(f),
        Test::Elements(_, condition) | Test::Filter(condition) => condition.fmt(f),
        Test::Part(_, asked) | Test::Anniversary(asked) | Test::Count(asked) => asked.fmt(f),
        Test::Of(_, values) => object(f, values, |f, values| {
            key(f, values.path.text())?;
            values.asked.fmt(f)
        }),
        Test::Sequence(entries) => array(f, entries, |f, entry| entry.fmt(f)),
        Test::By(by) => by.fmt(f),
        Test::Size(size) => size.fmt(f),
        Test::Mod(divisor, remainder) => write!(f, "[{divisor}, {remainder}]"),
        Test::WithOptions(test, _) => operand_of(f, test),
        Test::Comment(text) => string(f, text),
        Test::Type(TypeOperand::One(kind)) => kind.fmt(f),
        Test::Type(TypeOperand::Any(kinds)) => array(f, kinds, |f, kind| kind.fmt(f)),
    }
}

impl fmt::Display for ElemMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElemMatch::Condition(condition) => condition.fmt(f),
            ElemMatch::Predicate(predicate) => predicate.fmt(f),
            ElemMatch::Literal(operand) => operand.fmt(f),
        }
    }
}

/// `{"$regularExpression": {…}}`
fn regular_expression(f: &mut fmt::Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    f.write_str("{")?;
    key(f, Operator::RegularExpression.name())?;
    pattern_and_options(f, pattern)?;
    f.write_str("}")
}

/// The operand of `$regularExpression`. Its keys are in the order of jsonb.
fn pattern_and_options(f: &mut fmt::Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    f.write_str("{")?;
    if let Some(options) = pattern.options() {
        key(f, "options")?;
        string(f, options)?;
        f.write_str(", ")?;
    }
    key(f, "pattern")?;
    string(f, pattern.source())?;
    f.write_str("}")
}

/// Literals of a [`Value`] that can be printed.
pub trait PrintLiteral {
    /// Writes the literal as JSON.
    ///
    /// # Errors
    /// The formatter failed.
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl PrintLiteral for Infallible {
    fn print(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl PrintLiteral for Literal {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Date(date) => object(f, &date.members(), |f, (operator, operand)| {
                key(f, operator)?;
                operand.fmt(f)
            }),
            Literal::Extended(extended) => {
                f.write_str("{")?;
                key(f, extended.wrapper().name())?;
                string(f, extended.text())?;
                f.write_str("}")
            }
            Literal::Pattern(pattern) => regular_expression(f, pattern),
        }
    }
}

impl<D: PrintLiteral> fmt::Display for Value<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::String(text) => string(f, text),
            Value::Array(items) => array(f, items, |f, item| item.fmt(f)),
            Value::Object(members) => object(f, members, |f, (name, value)| {
                key(f, name)?;
                value.fmt(f)
            }),
            Value::Literal(literal) => literal.print(f),
        }
    }
}

/// The canonical text of an operand for messages; cut if it is long.
#[must_use]
pub fn excerpt(operand: &Operand) -> String {
    const LONGEST: usize = 60;
    let text = operand.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn object<T>(
    f: &mut fmt::Formatter<'_>,
    members: &[T],
    print: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    list(f, members, ("{", "}"), print)
}

fn array<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    print: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    list(f, items, ("[", "]"), print)
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    (open, close): (&str, &str),
    print: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        print(f, item)?;
    }
    f.write_str(close)
}

fn key(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    string(f, name)?;
    f.write_str(": ")
}

fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}
