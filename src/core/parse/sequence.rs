//! Reads `$sequence`, and `$by`, which orders elements.

use super::{Members, Parser};
use crate::ast::{Condition, Literal, OrderedBy, SequenceEntry, Test};
use crate::date::{DateLiteral, MAX_COUNT, Relative};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::limits;
use crate::operator::Operator;
use crate::value::Value;
use serde_json::value::RawValue;

const SEQUENCE_HINT: &str =
    "Write {\"$sequence\": [{\"name\": \"viewed\"}, {\"name\": \"bought\", \"$within\": \"7 days\"}]}.";
const ABSENCE_HINT: &str =
    "Write {\"$none\": {\"name\": \"bought\"}, \"$within\": \"7 days\"}: none comes within that time.";
const WITHIN_HINT: &str = "Write minutes, hours, days, weeks, months or years, as in {\"$within\": \"7 days\"}.";
const BY_HINT: &str = "Name the field of the elements that has their date: {\"$by\": \"placed_at\"}.";

impl Parser {
    /// `{"$sequence": [{"name": "viewed"}, {"name": "bought", "$within": "7 days"}]}`
    ///
    /// Like a condition on elements, it counts as two levels.
    pub(super) fn sequence(&mut self, raw: &RawValue) -> Option<Vec<SequenceEntry>> {
        let items = match self.open(raw)? {
            Opened::Array(items) if items.len() > limits::SEQUENCE => {
                let most = limits::SEQUENCE;
                let message = format!("$sequence lists {} conditions, more than the limit of {most}", items.len());
                return self.fail(ErrorKind::TooLarge, message, "Ask for fewer elements, one after the other.");
            }
            Opened::Array(items) if items.len() >= 2 => items,
            Opened::Array(items) => {
                let message = format!("$sequence takes at least two conditions, not {}", items.len());
                return self.fail(ErrorKind::Shape, message, SEQUENCE_HINT);
            }
            other => return self.wrong_operand(Operator::Sequence, &other, SEQUENCE_HINT),
        };
        let read = |parser: &mut Self| {
            let mut is_first = true;
            Some(parser.each(items, |parser, item| {
                parser.count_node()?;
                let entry = parser.sequence_entry(item, is_first);
                is_first = false;
                entry
            }))
        };
        self.nested(|parser| parser.nested(read))
    }

    fn sequence_entry(&mut self, raw: &RawValue, is_first: bool) -> Option<SequenceEntry> {
        let members = match self.open(raw)? {
            Opened::Object(members) => self.unique(members)?,
            other => {
                let message = format!("an entry of $sequence is a condition, not {}", super::describe(&other));
                return self.fail(ErrorKind::Shape, message, SEQUENCE_HINT);
            }
        };
        let (mut within, mut none, mut date) = (None, None, None);
        let mut others: Members<'_> = Vec::new();
        for (key, raw) in members {
            match Operator::parse(&key) {
                Some(Operator::Within) => within = Some(raw),
                Some(Operator::None) => none = Some(raw),
                Some(Operator::Date) => date = Some(raw),
                _ => others.push((key, raw)),
            }
        }
        if is_first
            && let Some(operator) = [(Operator::None, none), (Operator::Within, within)]
                .iter()
                .find_map(|(operator, raw)| raw.and(Some(*operator)))
        {
            let name = operator.name();
            return self.at(name, |parser| {
                parser.fail(
                    ErrorKind::Shape,
                    format!("the first entry of $sequence has no {name}"),
                    "Nothing comes before it.",
                )
            });
        }
        let within = match within {
            Some(raw) => Some(self.at(Operator::Within.name(), |parser| parser.within(raw))?),
            None => None,
        };
        let Some(none) = none else {
            if date.is_some() {
                return self.at(Operator::Date.name(), |parser| parser.misplaced(Operator::Date));
            }
            self.names_a_field(Operator::Sequence, &others)?;
            let condition = Condition { members: self.members(others) };
            return Some(SequenceEntry { condition, is_absence: false, within, as_of: None });
        };
        if let Some((key, _)) = others.first() {
            let message = format!("\"{key}\" stands beside $none in an entry of $sequence");
            return self.at(key, |parser| parser.fail(ErrorKind::Shape, message, ABSENCE_HINT));
        }
        if within.is_none() {
            return self.fail(ErrorKind::Shape, "$none in an entry of $sequence needs $within", ABSENCE_HINT);
        }
        let as_of = match date {
            Some(raw) => Some(self.as_of(raw)?),
            None => None,
        };
        let condition = self.at(Operator::None.name(), |parser| parser.element_condition(Operator::None, none))?;
        Some(SequenceEntry { condition, is_absence: true, within, as_of })
    }

    fn within(&mut self, raw: &RawValue) -> Option<Relative> {
        let text = self.string(Operator::Within, raw, WITHIN_HINT)?;
        match Relative::parse(&text).filter(|_| !text.starts_with(['+', '-'])) {
            Some(within) => Some(within),
            None => self.fail(
                ErrorKind::Shape,
                format!(
                    "{text:?} is not a time such as \"7 days\": a number up to {MAX_COUNT} without a sign, then minutes, hours, days, weeks, months or years"
                ),
                WITHIN_HINT,
            ),
        }
    }

    /// The point in time at which it is asked whether the time of an absence is over. The checked form has it.
    fn as_of(&mut self, raw: &RawValue) -> Option<DateLiteral> {
        match self.opened_operand(Opened::Object(vec![(Operator::Date.name().to_owned(), raw)]))? {
            Value::Literal(Literal::Date(literal)) => Some(literal),
            _ => None,
        }
    }

    /// `{"$by": "placed_at"}`; in the checked form `{"$by": {"$field": "placed_at", "$as": "timestamp"}}`
    pub(super) fn ordered_by(&mut self, raw: &RawValue) -> Option<OrderedBy> {
        let members = match self.open(raw)? {
            Opened::String(text) if text.starts_with('$') => {
                let hint = format!("Fields of elements are named without $: {{\"$by\": \"{}\"}}.", &text[1..]);
                return self.fail(ErrorKind::Shape, format!("{text} is no field of an element"), hint);
            }
            Opened::String(text) => return self.path(&text).map(OrderedBy::Name),
            Opened::Object(members) if !members.is_empty() => self.unique(members)?,
            other => return self.wrong_operand(Operator::By, &other, BY_HINT),
        };
        let (mut path, mut read_as, mut zone, mut is_stable) = (None, None, None, None);
        for (key, raw) in members {
            self.at(&key, |parser| match Operator::parse(&key) {
                Some(Operator::Field) => {
                    let text = parser.string(Operator::Field, raw, BY_HINT)?;
                    path = Some(parser.path(&text)?);
                    Some(())
                }
                Some(Operator::As) => {
                    read_as = Some(parser.property_type(raw)?);
                    Some(())
                }
                Some(Operator::Zone) => {
                    zone = Some(parser.zone_name(raw)?);
                    Some(())
                }
                Some(Operator::Stable) => {
                    is_stable = Some(parser.boolean(Operator::Stable, raw)?);
                    Some(())
                }
                _ => parser.fail(ErrorKind::Shape, format!("$by takes a field, and \"{key}\" is none"), BY_HINT),
            })?;
        }
        match path {
            Some(path) => Some(OrderedBy::Field { path, read_as, zone, is_stable }),
            None => self.fail(ErrorKind::Shape, "$by lacks $field", BY_HINT),
        }
    }

    /// Checks that a test beside `$by` takes elements in order.
    pub(super) fn check_order(&mut self, tests: &[Test]) {
        if tests.iter().any(|test| matches!(test, Test::By(_))) && !tests.iter().any(Test::is_ordered) {
            self.at(Operator::By.name(), |parser| {
                parser.fail::<()>(
                    ErrorKind::Shape,
                    "$by orders nothing here",
                    "It is for $first, $last and $sequence beside it.",
                )
            });
        }
    }
}
