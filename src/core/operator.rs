//! The table of operators.
//!
//! The parser, the check, the printer, the SQL compiler and the documentation all use it.

use crate::types::{PropertyType, ScalarType};

/// An operator of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below says what each means")]
pub enum Operator {
    And,
    Or,
    Nor,
    Not,
    Topic,
    Segment,
    Expr,
    Bucket,
    Comment,
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    Nin,
    Exists,
    Regex,
    Contains,
    StartsWith,
    EndsWith,
    Options,
    All,
    ElemMatch,
    Some,
    None,
    Every,
    Filter,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Distinct,
    First,
    Last,
    Sequence,
    By,
    Stable,
    Within,
    Size,
    Type,
    Empty,
    Mod,
    Anniversary,
    Year,
    Month,
    DayOfMonth,
    IsoDayOfWeek,
    Hour,
    As,
    Zone,
    Date,
    Now,
    Today,
    Period,
    StartOf,
    EndOf,
    Oid,
    Uuid,
    NumberInt,
    NumberLong,
    NumberDouble,
    NumberDecimal,
    RegularExpression,
    Field,
    Literal,
}

/// The place in which an operator may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorPosition {
    /// As a member of a condition: `{"$and": […]}`
    Condition,
    /// As a test in a field's predicate: `{"age": {"$gt": 18}}`
    Predicate,
    /// As either (`$not`)
    Both,
    /// Beside a test, which it modifies
    Modifier,
    /// In place of an operand: `{"$date": "2024-01-01"}`
    Operand,
    /// Beside an operand: `{"$today": "0 days", "$startOf": "month"}`
    Edge,
    /// As a side of a comparison inside `$expr`: `{"$field": "spent"}`
    Side,
    /// In an entry of `$sequence`, beside its condition
    Entry,
    /// In the operand of `$by`, beside `$field`
    Order,
}

/// The property types that an operator fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    /// Every type
    Everything,
    /// Types whose values have an order: all but boolean
    Ordered,
    /// Numbers, and arrays of them
    Numbers,
    /// Strings, and arrays of them
    Strings,
    /// Strings, not arrays of them
    SingleStrings,
    /// Arrays and json
    Arrays,
    /// Json alone, since elements of other arrays have no fields
    Objects,
    /// Dates and timestamps, arrays of them, and json
    Dates,
    /// Timestamps, arrays of them, and json
    Times,
    /// Nothing: it is not a test
    Nothing,
}

/// The indexes that can serve an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexUse {
    /// GIN on the jsonb column and typed B-tree indexes
    Equality,
    /// Typed B-tree indexes
    Range,
    /// GIN, if its operator class indexes keys
    Key,
    /// None
    None,
}

/// A row of the table.
#[derive(Debug)]
pub struct OperatorRow {
    /// The operator
    pub operator: Operator,
    /// Its name in a condition
    pub name: &'static str,
    /// Where it may stand
    pub position: OperatorPosition,
    /// The shape of its operand, in words
    pub operand: &'static str,
    /// The operator whose exact complement it is
    pub complement_of: Option<Operator>,
    /// The property types it fits
    pub fits: Fits,
    /// The indexes that can serve it
    pub index: IndexUse,
    /// What it matches, in words
    pub meaning: &'static str,
}

const fn row(
    operator: Operator,
    name: &'static str,
    position: OperatorPosition,
    fits: Fits,
    index: IndexUse,
    operand: &'static str,
    meaning: &'static str,
) -> OperatorRow {
    let complement_of = match operator {
        Operator::Ne => Some(Operator::Eq),
        Operator::Nin => Some(Operator::In),
        Operator::Nor => Some(Operator::Or),
        Operator::None => Some(Operator::Some),
        _ => None,
    };
    OperatorRow { operator, name, position, operand, complement_of, fits, index, meaning }
}

use Operator as Op;
use OperatorPosition::{Both, Condition, Edge, Entry, Modifier, Operand, Order, Predicate, Side};

/// The table, in the order of [`Operator`].
#[rustfmt::skip]
pub static OPERATORS: &[OperatorRow] = &[
    row(Op::And,        "$and",        Condition, Fits::Nothing,       IndexUse::None,
        "a non-empty array of conditions",
        "all of them hold"),
    row(Op::Or,         "$or",         Condition, Fits::Nothing,       IndexUse::None,
        "a non-empty array of conditions",
        "any of them holds"),
    row(Op::Nor,        "$nor",        Condition, Fits::Nothing,       IndexUse::None,
        "a non-empty array of conditions",
        "none of them holds"),
    row(Op::Not,        "$not",        Both,      Fits::Everything,    IndexUse::None,
        "a condition, or on a field a predicate object",
        "it does not hold; on a field, missing values match"),
    row(Op::Topic,      "$topic",      Condition, Fits::Nothing,       IndexUse::None,
        "a topic, or `$eq` `$ne` `$in` `$nin` `$all` over topics, or `$exists`",
        "the contact is subscribed to it; with `$exists`, to any topic or to none"),
    row(Op::Segment,    "$segment",    Condition, Fits::Nothing,       IndexUse::None,
        "the id or name of a segment, or `$eq` `$ne` `$in` `$nin` over segments",
        "the contact is a member of that segment"),
    row(Op::Expr,       "$expr",       Condition, Fits::Nothing,       IndexUse::Key,
        "`true`, `false`, or `$eq` `$ne` `$gt` `$gte` `$lt` `$lte` of two sides, also under `$and` `$or` `$not`",
        "two fields, such as `\"$spent\"` and `\"$budget\"`, compare so; a missing or null side satisfies nothing but `$ne`"),
    row(Op::Bucket,     "$bucket",    Condition, Fits::Nothing,       IndexUse::None,
        "`{\"of\": n, \"in\": [k, …], \"salt\": \"…\"}`, buckets 0 to n − 1, n from 2 to 10,000",
        "the contact is in one of these of n even buckets, the same for ever"),
    row(Op::Comment,    "$comment",    Both,      Fits::Nothing,       IndexUse::None,
        "a string",
        "always: it means nothing, and is kept"),
    row(Op::Eq,         "$eq",         Predicate, Fits::Everything,    IndexUse::Equality,
        "any JSON value",
        "equal to the value, or (arrays) any element is; `null` matches missing too"),
    row(Op::Ne,         "$ne",         Predicate, Fits::Everything,    IndexUse::None,
        "any JSON value",
        "the complement of `$eq`: missing matches"),
    row(Op::Gt,         "$gt",         Predicate, Fits::Ordered,       IndexUse::Range,
        "a string, number or date; a boolean where none is declared",
        "greater, inside the same type"),
    row(Op::Gte,        "$gte",        Predicate, Fits::Ordered,       IndexUse::Range,
        "a string, number or date; a boolean where none is declared",
        "greater or equal, inside the same type"),
    row(Op::Lt,         "$lt",         Predicate, Fits::Ordered,       IndexUse::Range,
        "a string, number or date; a boolean where none is declared",
        "less, inside the same type"),
    row(Op::Lte,        "$lte",        Predicate, Fits::Ordered,       IndexUse::Range,
        "a string, number or date; a boolean where none is declared",
        "less or equal, inside the same type"),
    row(Op::In,         "$in",         Predicate, Fits::Everything,    IndexUse::Equality,
        "an array of JSON values",
        "`$eq` to any entry; `[]` matches nobody"),
    row(Op::Nin,        "$nin",        Predicate, Fits::Everything,    IndexUse::None,
        "an array of JSON values",
        "the complement of `$in`: missing matches, `[]` matches everybody"),
    row(Op::Exists,     "$exists",     Predicate, Fits::Everything,    IndexUse::Key,
        "a boolean, or 0 or 1",
        "the key is present (a JSON null is, a NULL column is not)"),
    row(Op::Regex,      "$regex",      Predicate, Fits::Strings,       IndexUse::None,
        "a pattern, with `$options` of `i` `m` `s` `x`",
        "a string, or any string element, matches it anywhere"),
    row(Op::Contains,   "$contains",   Predicate, Fits::SingleStrings, IndexUse::None,
        "a string, with `$options` of `i`",
        "a string contains the text"),
    row(Op::StartsWith, "$startsWith", Predicate, Fits::SingleStrings, IndexUse::Range,
        "a string, with `$options` of `i`",
        "a string starts with the text"),
    row(Op::EndsWith,   "$endsWith",   Predicate, Fits::SingleStrings, IndexUse::None,
        "a string, with `$options` of `i`",
        "a string ends with the text"),
    row(Op::Options,    "$options",    Modifier,  Fits::Nothing,       IndexUse::None,
        "a string of letters",
        "`i` ignores case, `m` `^` and `$` match at lines, `s` `.` matches newline, `x` ignores white space in the pattern; beside `$eq` `$ne` `$in` `$nin`, `i` ignores case"),
    row(Op::All,        "$all",        Predicate, Fits::Arrays,        IndexUse::Equality,
        "an array of JSON values or `$elemMatch`",
        "every entry is matched; `[]` matches nobody"),
    row(Op::ElemMatch,  "$elemMatch",  Predicate, Fits::Arrays,        IndexUse::None,
        "a condition or predicate object",
        "one element of an array satisfies all of it"),
    row(Op::Some,       "$some",       Predicate, Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "one element of an array satisfies it; `$elemMatch` with a condition, where `$expr` may compare the element's fields"),
    row(Op::None,       "$none",       Predicate, Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "the complement of `$some`: no element satisfies it; missing matches"),
    row(Op::Every,      "$every",      Predicate, Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "every element satisfies it; `[]` and missing match"),
    row(Op::Filter,     "$filter",     Modifier,  Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "its siblings see only the elements that satisfy it, also those inside a `$not` beside it"),
    row(Op::Count,      "$count",      Predicate, Fits::Arrays,        IndexUse::None,
        "an integer, or `$eq` `$ne` `$gt` `$gte` `$lt` `$lte` `$in` `$nin` `$not` over integers",
        "the number of elements satisfies it; missing and `[]` have none"),
    row(Op::Sum,        "$sum",        Predicate, Fits::Objects,       IndexUse::None,
        "`{path: predicate}`, the same operators over numbers",
        "the exact sum of the elements' numbers at the path satisfies it; the sum of none is 0"),
    row(Op::Avg,        "$avg",        Predicate, Fits::Objects,       IndexUse::None,
        "`{path: predicate}`, the same operators over numbers",
        "the exact average of the numbers satisfies it; that of none is missing"),
    row(Op::Min,        "$min",        Predicate, Fits::Objects,       IndexUse::None,
        "`{path: predicate}`, the same operators over numbers, strings or dates",
        "the least of the values at the path satisfies it; that of none is missing"),
    row(Op::Max,        "$max",        Predicate, Fits::Objects,       IndexUse::None,
        "`{path: predicate}`, the same operators over numbers, strings or dates",
        "the greatest of the values satisfies it; that of none is missing"),
    row(Op::Distinct,   "$distinct",   Predicate, Fits::Objects,       IndexUse::None,
        "`{path: predicate}`, the same operators over integers",
        "the number of different values at the path, other than null, satisfies it"),
    row(Op::First,      "$first",      Predicate, Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "the first element satisfies it or, with `$by`, one of the earliest"),
    row(Op::Last,       "$last",       Predicate, Fits::Objects,       IndexUse::None,
        "a condition on one element",
        "the last element satisfies it or, with `$by`, one of the latest"),
    row(Op::Sequence,   "$sequence",   Predicate, Fits::Objects,       IndexUse::None,
        "an array of at least two conditions, each with `$within` or without",
        "elements one after the other satisfy them in this order"),
    row(Op::By,         "$by",         Modifier,  Fits::Objects,       IndexUse::None,
        "a field of the elements that holds a date",
        "`$first`, `$last` and `$sequence` beside it take the elements in the order of this date; without it, in that of the array"),
    row(Op::Stable,     "$stable",     Order,     Fits::Nothing,       IndexUse::None,
        "a boolean",
        "inside `$by`, beside `$field`: whether elements of one time are in the order of the array; without it, they are not before each other"),
    row(Op::Within,     "$within",     Entry,     Fits::Nothing,       IndexUse::None,
        "an offset such as `\"7 days\"`",
        "beside an entry's condition: that element comes at most so long after the one before; `{\"$none\": condition, \"$within\": \"7 days\"}`: none comes, and the time is over"),
    row(Op::Size,       "$size",       Predicate, Fits::Arrays,        IndexUse::None,
        "an integer, 0 or more",
        "an array of exactly that length"),
    row(Op::Type,       "$type",       Predicate, Fits::Everything,    IndexUse::None,
        "`string` `number` `bool` `object` `array` `null`, MongoDB's codes 2, 3, 4, 8 and 10, or an array of these",
        "the value, or an element, has the type; `int` `long` `double` `decimal`, and 1, 16, 18 and 19, mean any number"),
    row(Op::Empty,      "$empty",      Predicate, Fits::Everything,    IndexUse::None,
        "a boolean",
        "missing, null, `\"\"`, `[]` or `{}`"),
    row(Op::Mod,        "$mod",       Predicate, Fits::Numbers,       IndexUse::None,
        "`[divisor, remainder]`, two integers, the first not 0",
        "a number whose integral part leaves that remainder, which has the number's sign"),
    row(Op::Anniversary, "$anniversary", Predicate, Fits::Dates,       IndexUse::None,
        "a date, or `$eq` `$gt` `$gte` `$lt` `$lte` `$in` over dates",
        "an anniversary of the date, one or more years later, satisfies it"),
    row(Op::Year,       "$year",       Predicate, Fits::Dates,         IndexUse::Range,
        "an integer, or `$eq` `$ne` `$gt` `$gte` `$lt` `$lte` `$in` `$nin` over integers",
        "the year of the date, in the segment's zone, satisfies it"),
    row(Op::Month,      "$month",      Predicate, Fits::Dates,         IndexUse::None,
        "an integer, or the same operators over integers",
        "the month, from 1 to 12, satisfies it"),
    row(Op::DayOfMonth, "$dayOfMonth", Predicate, Fits::Dates,         IndexUse::None,
        "an integer, or the same operators over integers",
        "the day of the month, from 1 to 31, satisfies it"),
    row(Op::IsoDayOfWeek, "$isoDayOfWeek", Predicate, Fits::Dates,     IndexUse::None,
        "an integer, or the same operators over integers",
        "the day of the week, from Monday 1 to Sunday 7, satisfies it"),
    row(Op::Hour,       "$hour",       Predicate, Fits::Times,         IndexUse::None,
        "an integer, or the same operators over integers",
        "the hour, from 0 to 23, satisfies it; a date without a time has none"),
    row(Op::As,         "$as",         Modifier,  Fits::Nothing,       IndexUse::None,
        "a property type",
        "how its siblings read the field; under a scalar type arrays are not fanned out"),
    row(Op::Zone,       "$zone",       Modifier,  Fits::Nothing,       IndexUse::None,
        "a time zone of the IANA database",
        "beside `$as` and inside `$expr`: where days and parts of dates are read; UTC without it"),
    row(Op::Date,       "$date",       Operand,   Fits::Nothing,       IndexUse::None,
        "a date, RFC 3339 timestamp or milliseconds",
        "a day or a point in time"),
    row(Op::Now,        "$now",        Operand,   Fits::Nothing,       IndexUse::None,
        "an offset such as `\"-30 days\"`",
        "a point in time relative to now"),
    row(Op::Today,      "$today",      Operand,   Fits::Nothing,       IndexUse::None,
        "an offset such as `\"-1 day\"`",
        "a day relative to today"),
    row(Op::Period,     "$period",     Operand,   Fits::Nothing,       IndexUse::None,
        "`\"this month\"`, `\"last …\"`, `\"next …\"`, `\"3 months ago\"`, `\"in 2 weeks\"`",
        "a whole day, week, month, quarter or year of the calendar"),
    row(Op::StartOf,    "$startOf",    Edge,      Fits::Nothing,       IndexUse::None,
        "`day`, `week`, `month`, `quarter` or `year`",
        "beside `$today` or `$now`: the first day of the period that it is in"),
    row(Op::EndOf,      "$endOf",      Edge,      Fits::Nothing,       IndexUse::None,
        "`day`, `week`, `month`, `quarter` or `year`",
        "beside `$today` or `$now`: the last day of the period that it is in"),
    row(Op::Oid,        "$oid",        Operand,   Fits::Nothing,       IndexUse::None,
        "a string",
        "Extended JSON: the string"),
    row(Op::Uuid,       "$uuid",       Operand,   Fits::Nothing,       IndexUse::None,
        "a string",
        "Extended JSON: the string"),
    row(Op::NumberInt,  "$numberInt",  Operand,   Fits::Nothing,       IndexUse::None,
        "a whole number of 32 bits, as a string",
        "Extended JSON: the number, wherever a number may stand"),
    row(Op::NumberLong, "$numberLong", Operand,   Fits::Nothing,       IndexUse::None,
        "a whole number of 64 bits, as a string",
        "Extended JSON: the number; under `$date`, milliseconds since 1970"),
    row(Op::NumberDouble, "$numberDouble", Operand, Fits::Nothing,     IndexUse::None,
        "a number, as a string",
        "Extended JSON: the number, exactly as it is written"),
    row(Op::NumberDecimal, "$numberDecimal", Operand, Fits::Nothing,   IndexUse::None,
        "a number, as a string",
        "Extended JSON: the number, exactly as it is written"),
    row(Op::RegularExpression, "$regularExpression", Predicate, Fits::Strings, IndexUse::None,
        "`{\"pattern\": …, \"options\": …}`",
        "Extended JSON: as `$regex`; also an entry of `$in`, `$nin` and `$all`"),
    row(Op::Field,      "$field",      Side,      Fits::Nothing,       IndexUse::None,
        "a field, without `$` before it",
        "what the field holds, as a side inside `$expr`; `$as` may stand beside it"),
    row(Op::Literal,    "$literal",    Side,      Fits::Nothing,       IndexUse::None,
        "any JSON value but null",
        "the value itself, as a side inside `$expr`: for text that begins with `$`"),
];

impl Operator {
    /// The operator's row.
    #[must_use]
    pub fn row(self) -> &'static OperatorRow {
        &OPERATORS[self as usize]
    }

    /// The name in a condition.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The operator with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        OPERATORS.iter().find(|row| row.name == name).map(|row| row.operator)
    }
}

impl OperatorPosition {
    /// Whether an operator of this position may be a member of a condition.
    #[must_use]
    pub fn in_condition(self) -> bool {
        matches!(self, OperatorPosition::Condition | OperatorPosition::Both)
    }

    /// Whether an operator of this position may be a member of an operand.
    #[must_use]
    pub fn in_operand(self) -> bool {
        matches!(self, OperatorPosition::Operand | OperatorPosition::Edge)
    }

    /// Whether an operator of this position may be a member of a predicate.
    #[must_use]
    pub fn in_predicate(self) -> bool {
        matches!(self, OperatorPosition::Predicate | OperatorPosition::Both | OperatorPosition::Modifier)
    }
}

impl Fits {
    /// Whether the operator fits a property of this type.
    #[must_use]
    pub fn allows(self, property: PropertyType) -> bool {
        let element = property.element();
        match self {
            Fits::Everything => true,
            Fits::Ordered => element != Some(ScalarType::Boolean),
            Fits::Numbers => matches!(element, None | Some(ScalarType::Number)),
            Fits::Strings => matches!(element, None | Some(ScalarType::String)),
            Fits::SingleStrings => matches!(property, PropertyType::Json | PropertyType::Scalar(ScalarType::String)),
            Fits::Arrays => !property.is_scalar(),
            Fits::Objects => property == PropertyType::Json,
            Fits::Dates => element.is_none_or(ScalarType::is_temporal),
            Fits::Times => element.is_none_or(ScalarType::has_time),
            Fits::Nothing => false,
        }
    }
}

/// The table as Markdown, for docs/conditions.md.
#[must_use]
pub fn markdown_table() -> String {
    let mut table = String::from("| operator | operand | matches when | index |\n|---|---|---|---|\n");
    for row in OPERATORS {
        let index = match row.index {
            IndexUse::Equality => "GIN, typed",
            IndexUse::Range => "typed",
            IndexUse::Key => "GIN",
            IndexUse::None => "",
        };
        table.push_str(&format!("| `{}` | {} | {} | {index} |\n", row.name, row.operand, row.meaning));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        for (position, row) in OPERATORS.iter().enumerate() {
            assert_eq!(row.operator as usize, position, "{}", row.name);
            assert_eq!(Operator::parse(row.name), Some(row.operator));
        }
    }
}
