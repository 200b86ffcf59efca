//! Reads the text of a condition.

use crate::ast::{Condition, Junction, Member, SideOperator};
use crate::error::{Error, ErrorKind, JsonPointer};
use crate::json::{self, Opened};
use crate::limits;
use crate::operator::{OPERATORS, Operator, OperatorPosition};
use crate::path::{Path, as_index};
use crate::value::key_order;
use serde_json::value::RawValue;
use std::fmt;

mod bucket;
mod calendar;
mod date_from_string;
mod elements;
mod expression;
mod extended;
mod foreign;
pub mod mongodb;
mod names;
mod operand;
mod predicate;
mod sequence;
mod types;

/// A condition, as far as it could be read, and its mistakes.
#[derive(Debug)]
pub struct Parsed {
    /// The condition; complete if there are no errors
    pub condition: Condition,
    /// The mistakes, in the order of the text's keys
    pub errors: Vec<Error>,
}

/// Reads a condition.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str) -> Result<Condition, Error> {
    parse_interruptibly(text, || ())
}

/// Reads a condition. Calls `interrupt` regularly, which may unwind.
///
/// # Errors
/// The first mistake.
pub fn parse_interruptibly(text: &str, interrupt: fn()) -> Result<Condition, Error> {
    let parsed = parse_all(text, interrupt);
    match parsed.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(parsed.condition),
    }
}

/// Reads a condition, and goes on after mistakes to find all of them. Calls `interrupt` regularly, which may unwind.
#[must_use]
pub fn parse_all(text: &str, interrupt: fn()) -> Parsed {
    let mut parser = Parser {
        interrupt,
        place: JsonPointer::default(),
        depth: 0,
        indexes: 0,
        nodes: 0,
        pattern_bytes: 0,
        errors: Vec::new(),
        stopped: false,
    };
    let condition = parser.text(text).unwrap_or_default();
    Parsed { condition, errors: parser.errors }
}

/// The members of an object with unique keys, in key order.
type Members<'t> = Vec<(String, &'t RawValue)>;

/// The state of reading. A part with a mistake reads as `None`, its error is added here, and reading goes on.
struct Parser {
    interrupt: fn(),
    place: JsonPointer,
    depth: usize,
    /// The number of numbers among the keys of the current path and the paths around it
    indexes: usize,
    nodes: usize,
    /// The size of the patterns compiled so far
    pattern_bytes: usize,
    errors: Vec<Error>,
    stopped: bool,
}

impl Parser {
    fn text(&mut self, text: &str) -> Option<Condition> {
        if text.len() > limits::TEXT_BYTES {
            return self.fail(
                ErrorKind::TooLarge,
                format!("condition has {} bytes, more than the limit of {}", text.len(), limits::TEXT_BYTES),
                "Put long lists of values into a property or a topic of the contacts, and test that.",
            );
        }
        match json::check(text) {
            Ok(raw) => {
                let members = self.condition_object(raw)?;
                Some(Condition { members: self.members(members) })
            }
            Err(error) => self.not_json(&error),
        }
    }

    /// Reads a condition inside another.
    fn inner_condition(&mut self, raw: &RawValue) -> Option<Condition> {
        self.nested(|parser| {
            let members = parser.condition_object(raw)?;
            Some(Condition { members: parser.members(members) })
        })
    }

    fn condition_object<'t>(&mut self, raw: &'t RawValue) -> Option<Members<'t>> {
        match self.open(raw)? {
            Opened::Object(members) => self.unique(members),
            other => self.fail(
                ErrorKind::Shape,
                format!("a condition must be an object, not {}", describe(&other)),
                "Write {\"property\": value} or {\"$and\": [condition, …]}.",
            ),
        }
    }

    fn members(&mut self, members: Members<'_>) -> Vec<Member> {
        let read = members.into_iter().map(|(key, raw)| self.at(&key, |parser| parser.member(&key, raw)));
        read.flatten().collect()
    }

    fn member(&mut self, key: &str, raw: &RawValue) -> Option<Member> {
        if !key.starts_with('$') {
            let path = self.path(key)?;
            let predicate = self.below(&path, |parser| parser.field_predicate(raw))?;
            return Some(Member::Field(path, predicate));
        }
        self.count_node()?;
        match Operator::parse(key) {
            Some(Operator::And) => self.logical(Junction::And, raw),
            Some(Operator::Or) => self.logical(Junction::Or, raw),
            Some(Operator::Nor) => self.logical(Junction::Nor, raw),
            Some(Operator::Not) => Some(Member::Not(self.inner_condition(raw)?)),
            Some(Operator::Topic) => Some(Member::Topic(self.topic(raw)?)),
            Some(Operator::Segment) => Some(Member::Segment(self.segment(raw)?)),
            Some(Operator::Expr) => Some(Member::Expr(self.expression(raw)?)),
            Some(Operator::Bucket) => Some(Member::Bucket(self.bucket(raw)?)),
            Some(Operator::Comment) => Some(Member::Comment(self.comment(raw)?)),
            Some(operator) if self.names_fields(raw) => {
                let name = operator.name();
                let hint = match SideOperator::of(operator) {
                    Some(_) => format!("Put it under $expr: {{\"$expr\": {{\"{name}\": {}}}}}.", excerpt(raw)),
                    None => format!("It compares one field with a value: {{\"property\": {{\"{name}\": value}}}}."),
                };
                self.fail(ErrorKind::Unsupported, format!("operator {name} does not compare fields here"), hint)
            }
            Some(operator) => self.misplaced(operator),
            None => self.unknown_operator(key, OperatorPosition::in_condition),
        }
    }

    pub(super) fn comment(&mut self, raw: &RawValue) -> Option<String> {
        self.string(Operator::Comment, raw, "Write any text: {\"$comment\": \"for the spring campaign\"}.")
    }

    /// Whether the operand is an array with field paths, as operators of MongoDB's expressions take it.
    fn names_fields(&self, raw: &RawValue) -> bool {
        let is_field = |item: &&RawValue| matches!(json::open(item), Ok(Opened::String(text)) if text.starts_with('$'));
        matches!(json::open(raw), Ok(Opened::Array(items)) if items.iter().any(is_field))
    }

    /// Reads the predicate on a path, and checks that the path has not too many numbers.
    fn below<T>(&mut self, path: &Path, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let around = self.indexes;
        self.indexes += path.keys().iter().filter(|key| as_index(key).is_some()).count();
        let result = if self.indexes <= limits::INDEXES {
            read(self)
        } else {
            self.fail(
                ErrorKind::TooLarge,
                format!("more than {} keys of a path are numbers", limits::INDEXES),
                "A number is an index or a key, and both are followed; test fewer levels of arrays at once.",
            )
        };
        self.indexes = around;
        result
    }

    fn logical(&mut self, junction: Junction, raw: &RawValue) -> Option<Member> {
        let operator = junction.operator();
        let hint = format!("Write {{\"{}\": [condition, …]}} with at least one condition.", operator.name());
        match self.open(raw)? {
            Opened::Array(items) if items.is_empty() => {
                self.fail(ErrorKind::Shape, format!("{} needs at least one condition", operator.name()), hint)
            }
            Opened::Array(items) => {
                Some(Member::Logical(junction, self.each(items, |parser, item| parser.inner_condition(item))))
            }
            other => self.wrong_operand(operator, &other, &hint),
        }
    }

    /// Reads all elements, and keeps those that could be read.
    fn each<'t, T>(
        &mut self,
        items: Vec<&'t RawValue>,
        mut read: impl FnMut(&mut Self, &'t RawValue) -> Option<T>,
    ) -> Vec<T> {
        let items = items.into_iter().enumerate();
        items.filter_map(|(index, item)| self.at(index, |parser| read(parser, item))).collect()
    }

    fn at<T>(&mut self, step: impl fmt::Display, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.stopped {
            return None;
        }
        (self.interrupt)();
        self.place.enter(step);
        let result = read(self);
        self.place.leave();
        result
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == limits::NESTING {
            return self.too_deep();
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn open<'t>(&mut self, raw: &'t RawValue) -> Option<Opened<'t>> {
        let opened = match json::open(raw) {
            Ok(opened) => opened,
            Err(_) => return self.half_a_pair(),
        };
        match &opened {
            Opened::String(text) if text.contains('\0') => self.nul(),
            Opened::Object(members) if members.iter().any(|(key, _)| key.contains('\0')) => self.nul(),
            Opened::Number(None) => self.fail(
                ErrorKind::Shape,
                "number is out of range",
                "Numbers may have 131072 digits before the decimal point and 16383 after it, as numeric has.",
            ),
            _ => Some(opened),
        }
    }

    fn unique<'t>(&mut self, mut members: Members<'t>) -> Option<Members<'t>> {
        members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
        let twice = members.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0.clone());
        let Some(key) = twice else { return Some(members) };
        self.at(&key, |parser| {
            parser.fail(
                ErrorKind::Shape,
                format!("duplicate key \"{key}\""),
                "Only one of them would count. Put both under $and, or merge their tests into one object.",
            )
        })
    }

    fn count_node(&mut self) -> Option<()> {
        self.nodes += 1;
        if self.nodes <= limits::NODES {
            return Some(());
        }
        self.fatal(
            ErrorKind::TooLarge,
            format!("condition has more than {} tests, logical operators and values", limits::NODES),
            "Use $in for lists of values, or put what many conditions share into a property of the contacts.",
        )
    }

    fn too_deep<T>(&mut self) -> Option<T> {
        self.fatal(
            ErrorKind::TooDeep,
            format!("condition is nested deeper than {} levels", limits::NESTING),
            "Flatten $and inside $and and $or inside $or.",
        )
    }

    fn nul<T>(&mut self) -> Option<T> {
        self.fail(ErrorKind::NotJson, "\\u0000 cannot be converted to text", "Remove the NUL character.")
    }

    fn not_json<T>(&mut self, error: &serde_json::Error) -> Option<T> {
        self.fatal(
            ErrorKind::NotJson,
            format!("condition is not valid JSON: {error}"),
            "Keys and strings take double quotes; nothing may follow the closing brace.",
        )
    }

    fn half_a_pair<T>(&mut self) -> Option<T> {
        self.fatal(
            ErrorKind::NotJson,
            "condition is not valid JSON: a \\u escape is half of a surrogate pair",
            "Write the character itself, or both halves: \\ud83d\\ude00.",
        )
    }

    fn misplaced<T>(&mut self, operator: Operator) -> Option<T> {
        let name = operator.name();
        let hint = match operator.row().position {
            OperatorPosition::Predicate | OperatorPosition::Both => {
                format!("It tests a field: {{\"property\": {{\"{name}\": …}}}}.")
            }
            OperatorPosition::Condition => {
                let inside = match operator {
                    Operator::Topic | Operator::Segment | Operator::Bucket => "",
                    _ => ", naming the field inside",
                };
                format!("It stands where a condition does, not under a field: {{\"{name}\": …}}{inside}.")
            }
            OperatorPosition::Modifier => {
                let test = match operator {
                    Operator::Options => "$regex",
                    Operator::Filter => "$count",
                    Operator::By => "$first",
                    _ => "$gte",
                };
                format!(
                    "{name} stands beside a test on a field, as in {{\"property\": {{\"{name}\": …, \"{test}\": …}}}}."
                )
            }
            OperatorPosition::Operand => format!("It is a value: {{\"property\": {{\"$gte\": {{\"{name}\": …}}}}}}."),
            OperatorPosition::Side => {
                format!("It is a side of a comparison inside $expr: {{\"$gt\": [{{\"{name}\": …}}, …]}}.")
            }
            OperatorPosition::Entry => {
                format!(
                    "It stands in an entry of $sequence: {{\"$sequence\": [{{…}}, {{\"name\": \"x\", \"{name}\": \"7 days\"}}]}}."
                )
            }
            OperatorPosition::Order => {
                format!("It stands beside $field in $by: {{\"$by\": {{\"$field\": \"placed_at\", \"{name}\": true}}}}.")
            }
            OperatorPosition::Edge => {
                format!(
                    "It stands beside $today or $now: {{\"$gte\": {{\"$today\": \"0 days\", \"{name}\": \"month\"}}}}."
                )
            }
        };
        self.fail(ErrorKind::Unsupported, format!("operator {name} does not belong here"), hint)
    }

    fn unknown_operator<T>(&mut self, key: &str, fits: fn(OperatorPosition) -> bool) -> Option<T> {
        if let Some(instead) = mongodb::instead(key) {
            return self.fail(ErrorKind::Unsupported, format!("MongoDB's operator {key} is not supported"), instead);
        }
        let hint = foreign::hint(key, fits).unwrap_or_else(|| {
            let known = OPERATORS.iter().filter(|row| fits(row.position)).map(|row| row.name);
            let known = format!("Operators that may stand here: {}.", known.collect::<Vec<_>>().join(", "));
            let is_condition = fits(OperatorPosition::Condition);
            if is_condition {
                format!("{known} If a field has this name, write a backslash before it, in JSON \"\\\\{key}\".")
            } else {
                known
            }
        });
        self.fail(ErrorKind::Unsupported, format!("unknown operator \"{key}\""), hint)
    }

    fn wrong_operand<T>(&mut self, operator: Operator, found: &Opened<'_>, hint: &str) -> Option<T> {
        self.fail(ErrorKind::Shape, takes(operator, describe(found)), hint)
    }

    fn fail<T>(&mut self, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        if !self.stopped {
            self.errors.push(self.place.error(kind, message, hint));
            self.stopped = self.errors.len() == limits::ERRORS;
        }
        None
    }

    /// Adds an error after which reading cannot go on.
    fn fatal<T>(&mut self, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.fail::<T>(kind, message, hint);
        self.stopped = true;
        None
    }
}

/// The text of a value for hints; cut if it is long.
fn excerpt(raw: &RawValue) -> String {
    const LONGEST: usize = 80;
    match raw.get().char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &raw.get()[..end]),
        None => raw.get().to_owned(),
    }
}

/// A message that says what the operator takes, in the words of the table of operators, and what it was given.
fn takes(operator: Operator, found: impl fmt::Display) -> String {
    let row = operator.row();
    format!("{} takes {}, not {found}", row.name, row.operand.replace('`', ""))
}

fn describe(opened: &Opened<'_>) -> &'static str {
    match opened {
        Opened::Null => "null",
        Opened::Bool(_) => "a boolean",
        Opened::Number(_) => "a number",
        Opened::String(_) => "a string",
        Opened::Array(items) if items.is_empty() => "an empty array",
        Opened::Array(_) => "an array",
        Opened::Object(members) if members.is_empty() => "an empty object",
        Opened::Object(_) => "an object",
    }
}
