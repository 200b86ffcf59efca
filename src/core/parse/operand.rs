//! Reads operands: JSON values that may have dates, and what Extended JSON writes, in them.

use super::extended::wrapper_of;
use super::{Members, Parser};
use crate::ast::{AsWritten, Literal, Operand};
use crate::date::{self, DateLiteral, Edge};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::limits;
use crate::operator::{Operator, OperatorPosition};
use crate::value::{Json, Value};
use serde_json::value::RawValue;

const DATE_HINT: &str =
    "Write a date (2024-01-01), an RFC 3339 timestamp (2024-01-01T10:00:00Z) or milliseconds since 1970.";
const NOW_HINT: &str = "Write minutes, hours, days, weeks, months or years, as in {\"$now\": \"-30 days\"}.";
const TODAY_HINT: &str = "Write days, weeks, months or years, as in {\"$today\": \"-1 day\"}.";
const PERIOD_HINT: &str =
    "Write a period of the calendar, as in {\"$period\": \"last month\"} or {\"$period\": \"3 weeks ago\"}.";
const UNIT_HINT: &str = "Write the period, as in {\"$today\": \"0 days\", \"$startOf\": \"month\"}.";

/// Reads an object with `$`-keys in place of a value.
type ReadLiteral<D> = fn(&mut Parser, Members<'_>) -> Option<D>;

impl Parser {
    pub(super) fn operand(&mut self, raw: &RawValue) -> Option<Operand> {
        let opened = self.open(raw)?;
        self.opened_operand(opened)
    }

    pub(super) fn opened_operand(&mut self, opened: Opened<'_>) -> Option<Operand> {
        self.value(opened, Parser::literal)
    }

    /// Reads the entries of `$in`, `$nin` and `$all`.
    pub(super) fn entries<'t, T>(
        &mut self,
        operator: Operator,
        raw: &'t RawValue,
        read: impl FnMut(&mut Parser, &'t RawValue) -> Option<T>,
    ) -> Option<Vec<T>> {
        match self.open(raw)? {
            Opened::Array(items) if items.len() > limits::ENTRIES => self.fail(
                ErrorKind::TooLarge,
                format!(
                    "{} lists {} entries, more than the limit of {}",
                    operator.name(),
                    items.len(),
                    limits::ENTRIES
                ),
                "Put the list into a property or a topic of the contacts, and test that.",
            ),
            Opened::Array(items) => Some(self.each(items, read)),
            other => {
                let name = operator.name();
                self.wrong_operand(operator, &other, &format!("Write {{\"{name}\": [value, …]}}."))
            }
        }
    }

    pub(super) fn boolean(&mut self, operator: Operator, raw: &RawValue) -> Option<bool> {
        match self.open(raw)? {
            Opened::Bool(wanted) => Some(wanted),
            other => {
                let name = operator.name();
                self.wrong_operand(operator, &other, &format!("Write {{\"{name}\": true}} or {{\"{name}\": false}}."))
            }
        }
    }

    pub(super) fn string(&mut self, operator: Operator, raw: &RawValue, hint: &str) -> Option<String> {
        match self.open(raw)? {
            Opened::String(text) => Some(text),
            other => self.wrong_operand(operator, &other, hint),
        }
    }

    /// Reads an object whose members are strings under some of these keys. `refuse` says what is wrong with another member.
    pub(super) fn texts<const N: usize>(
        &mut self,
        members: Members<'_>,
        keys: [&str; N],
        refuse: impl Fn(&mut Self, &str, &Opened<'_>) -> Option<()>,
    ) -> Option<[Option<String>; N]> {
        let mut texts = [const { None }; N];
        for (key, raw) in members {
            self.at(&key, |parser| match (keys.iter().position(|known| *known == key), parser.open(raw)?) {
                (Some(place), Opened::String(text)) => {
                    texts[place] = Some(text);
                    Some(())
                }
                (_, other) => refuse(parser, &key, &other),
            })?;
        }
        Some(texts)
    }

    fn value<D>(&mut self, opened: Opened<'_>, literal: ReadLiteral<D>) -> Option<Value<D>> {
        Some(match opened {
            Opened::Null => Value::Null,
            Opened::Bool(value) => Value::Bool(value),
            Opened::Number(number) => Value::Number(number?),
            Opened::String(text) => Value::String(text),
            Opened::Array(items) => Value::Array(
                self.nested(|parser| Some(parser.each(items, |parser, item| parser.inner_value(item, literal))))?,
            ),
            Opened::Object(members) => {
                let members = self.unique(members)?;
                if members.iter().any(|(key, _)| key.starts_with('$')) {
                    return literal(self, members).map(Value::Literal);
                }
                let read = |parser: &mut Parser| {
                    let values = members.into_iter().map(|(key, raw)| {
                        let value = parser.at(&key, |parser| parser.inner_value(raw, literal))?;
                        Some((key, value))
                    });
                    Some(values.flatten().collect())
                };
                Value::Object(self.nested(read)?)
            }
        })
    }

    fn inner_value<D>(&mut self, raw: &RawValue, literal: ReadLiteral<D>) -> Option<Value<D>> {
        self.count_node()?;
        let opened = self.open(raw)?;
        self.value(opened, literal)
    }

    fn literal(&mut self, members: Members<'_>) -> Option<Literal> {
        match wrapper_of(&members) {
            Some(wrapper) => {
                let (key, raw) = members.into_iter().next()?;
                self.at(key, |parser| parser.extended(wrapper, raw)).map(Literal::Extended)
            }
            None => self.date(members).map(Literal::Date),
        }
    }

    fn date(&mut self, mut members: Members<'_>) -> Option<DateLiteral> {
        let is_edge = |(key, _): &(String, _)| {
            Operator::parse(key).is_some_and(|operator| operator.row().position == OperatorPosition::Edge)
        };
        if let Some((second, _)) = members.iter().filter(|member| is_edge(member)).nth(1) {
            let message = "$startOf and $endOf exclude each other";
            return self.at(second, |parser| parser.fail(ErrorKind::Shape, message, "Leave one of them out."));
        }
        let edge = members.iter().position(is_edge).filter(|_| members.len() == 2).map(|place| members.remove(place));
        let [(key, raw)] = members.as_slice() else {
            return self.not_a_value(members);
        };
        type Read = fn(&Json) -> Result<DateLiteral, String>;
        let (read, hint): (Read, &str) = match Operator::parse(key) {
            Some(Operator::Date) => (DateLiteral::date, DATE_HINT),
            Some(Operator::Now) => (DateLiteral::now, NOW_HINT),
            Some(Operator::Today) => (DateLiteral::today, TODAY_HINT),
            Some(Operator::Period) => (DateLiteral::period, PERIOD_HINT),
            Some(operator @ (Operator::StartOf | Operator::EndOf)) => {
                return self.at(key, |parser| parser.misplaced(operator));
            }
            _ => {
                return match edge.and_then(|(edge, _)| Operator::parse(&edge)) {
                    Some(operator) => self.at(operator.name(), |parser| parser.misplaced(operator)),
                    None => self.not_a_value(members),
                };
            }
        };
        let date = self.at(key, |parser| match parser.number(raw)? {
            Ok(AsWritten { value, written: Value::Literal(Literal::Extended(number)) })
                if key == Operator::Date.name() =>
            {
                match DateLiteral::wrapped(number.wrapper().name(), number.text(), &value) {
                    Ok(date) => Some(date),
                    Err(reason) => parser.fail(ErrorKind::Shape, reason, DATE_HINT),
                }
            }
            _ => parser.date_operand(raw, read, hint),
        });
        let Some((edge, raw)) = edge else { return date };
        self.at(&edge, |parser| {
            let unit = parser.date_operand(raw, DateLiteral::unit, UNIT_HINT)?;
            let at = if edge == Operator::StartOf.name() { Edge::Start(unit) } else { Edge::End(unit) };
            match date?.at_edge(at) {
                Some(date) => Some(date),
                None => parser.misplaced(Operator::parse(&edge)?),
            }
        })
    }

    fn date_operand<D>(&mut self, raw: &RawValue, read: fn(&Json) -> Result<D, String>, hint: &str) -> Option<D> {
        let opened = self.open(raw)?;
        // The members of a date are not values of their own.
        let nodes = self.nodes;
        let operand: Json = self.value(opened, Parser::inside_date)?;
        self.nodes = nodes;
        match read(&operand) {
            Ok(date) => Some(date),
            Err(reason) => {
                let meant = match &operand {
                    Json::String(text) => date::meant(text),
                    _ => None,
                };
                let hint = meant.map_or(hint.to_owned(), |operand| format!("Write {operand} as the whole value."));
                self.fail(ErrorKind::Shape, reason, hint)
            }
        }
    }

    /// Refuses an object with `$`-keys in what a date is made of.
    fn inside_date<T>(&mut self, members: Members<'_>) -> Option<T> {
        match members.as_slice() {
            [(key, _)] if Operator::parse(key).is_some_and(|operator| operator.row().position.in_operand()) => {
                self.at(key, |parser| {
                    let hint = "Write the date itself: {\"$date\": \"2024-01-31\"}.";
                    parser.fail(ErrorKind::Unsupported, format!("operator {key} does not belong inside a date"), hint)
                })
            }
            _ => self.not_a_value(members),
        }
    }

    pub(super) fn must_stand_alone<T>(&mut self, key: &str) -> Option<T> {
        self.fail(
            ErrorKind::Shape,
            format!("{key} must stand alone in its object"),
            format!("Write {{\"{key}\": …}} as the whole value."),
        )
    }

    fn not_a_value<T>(&mut self, members: Members<'_>) -> Option<T> {
        let known = members.iter().find_map(|(key, _)| Operator::parse(key).map(|operator| (key, operator)));
        let unknown = members.iter().find(|(key, _)| key.starts_with('$') && Operator::parse(key).is_none());
        match (unknown, known) {
            (Some((key, _)), _) => {
                self.at(key, |parser| parser.unknown_operator(key, |position| position == OperatorPosition::Operand))
            }
            (None, Some((key, operator))) if operator.row().position == OperatorPosition::Edge => {
                self.at(key, |parser| parser.misplaced(operator))
            }
            (None, Some((key, operator))) if operator.row().position.in_operand() => {
                self.at(key, |parser| parser.must_stand_alone(key))
            }
            (None, Some((key, Operator::RegularExpression))) => self.at(key, |parser| {
                parser.fail(
                    ErrorKind::Unsupported,
                    "a pattern does not belong here",
                    "A pattern stands under the field itself, under $regex or $not, or among the entries of $in, $nin or $all.",
                )
            }),
            (None, Some((key, Operator::Regex | Operator::Options))) => self.at(key, |parser| {
                parser.fail(
                    ErrorKind::Unsupported,
                    format!("operator {key} does not belong inside a value"),
                    "In $in, $nin and $all a pattern is {\"$regularExpression\": {\"pattern\": \"^a\", \"options\": \"i\"}}.",
                )
            }),
            (None, Some((key, operator))) if operator.row().position == OperatorPosition::Side => {
                self.at(key, |parser| {
                    parser.fail(
                    ErrorKind::Unsupported,
                    format!("operator {key} does not belong here"),
                    "Fields are compared with each other by $expr: {\"$expr\": {\"$gt\": [\"$spent\", \"$budget\"]}}.",
                )
                })
            }
            (None, known) => {
                let key = known.map_or("$", |(key, _)| key.as_str());
                self.at(key, |parser| {
                    parser.fail(
                        ErrorKind::Unsupported,
                        format!("operator {key} does not belong inside a value"),
                        "A value is plain JSON, a date ({\"$date\": …}, {\"$now\": …}, {\"$today\": …}, {\"$period\": …}), or Extended JSON such as {\"$oid\": \"…\"}.",
                    )
                })
            }
        }
    }
}
