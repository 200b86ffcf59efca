//! Reads tests on the calendar: parts of dates, and anniversaries.

use super::predicate::{has_operators, is_date};
use super::{Parser, takes};
use crate::ast::{FieldPredicate, Operand, Predicate, Test};
use crate::date::DatePart;
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::limits;
use crate::operator::Operator;
use crate::value::Value;
use serde_json::value::RawValue;

use Operator::{Eq, Gt, Gte, In, Lt, Lte, Ne, Nin};

/// The operators that can test a part of a date.
const OF_PARTS: &[Operator] = &[Eq, Ne, Gt, Gte, Lt, Lte, In, Nin];
/// The operators that can test an anniversary.
const OF_ANNIVERSARIES: &[Operator] = &[Eq, Gt, Gte, Lt, Lte, In];

impl Parser {
    /// `{"$month": 5}`, `{"$hour": {"$gte": 9, "$lt": 17}}`
    pub(super) fn date_part(&mut self, part: DatePart, raw: &RawValue) -> Option<Test> {
        let operator = Operator::from(part);
        let asked = self.asked(operator, raw, OF_PARTS)?;
        let is_whole = |operand: &Operand| matches!(operand, Value::Number(number) if number.to_i64().is_some());
        let mut wrong = |place: &[String], operand: &Operand| {
            let operand = operand.plain();
            if is_whole(operand) {
                return Some(());
            }
            let found = match operand {
                Value::Number(number) => number.to_string(),
                other => other.describe().to_owned(),
            };
            place.iter().for_each(|step| self.place.enter(step));
            let hint = match part {
                DatePart::IsoDayOfWeek => "Days of the week are numbers: Monday is 1, Sunday is 7.".to_owned(),
                DatePart::Month => "Months are numbers: January is 1, December is 12.".to_owned(),
                _ => format!("Write {{\"{0}\": 5}} or {{\"{0}\": {{\"$gte\": 5, \"$lt\": 9}}}}.", operator.name()),
            };
            self.fail::<()>(ErrorKind::Shape, takes(operator, found), hint);
            place.iter().for_each(|_| self.place.leave());
            None
        };
        match &asked {
            FieldPredicate::Literal(operand) => wrong(&[], operand)?,
            FieldPredicate::Tests(predicate) => {
                for test in &predicate.tests {
                    let name = test.operator().name().to_owned();
                    match test {
                        Test::Eq(operand) | Test::Ne(operand) | Test::Compare(_, operand) => wrong(&[name], operand)?,
                        Test::In(operands) | Test::Nin(operands) => {
                            for (index, operand) in operands.iter().enumerate() {
                                wrong(&[name.clone(), index.to_string()], operand)?;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        Some(Test::Part(part, asked))
    }

    /// `{"$anniversary": {"$today": "0 days"}}`, `{"$anniversary": {"$gte": …, "$lte": …}}`
    pub(super) fn anniversary(&mut self, raw: &RawValue) -> Option<FieldPredicate> {
        self.asked(Operator::Anniversary, raw, OF_ANNIVERSARIES)
    }

    /// Reads a literal, or tests with operators of the list.
    fn asked(&mut self, outer: Operator, raw: &RawValue, allowed: &[Operator]) -> Option<FieldPredicate> {
        for _ in 0..limits::CALENDAR_NODES {
            self.count_node()?;
        }
        self.nested(|parser| parser.nested(|parser| parser.asked_inside(outer, raw, allowed)))
    }

    fn asked_inside(&mut self, outer: Operator, raw: &RawValue, allowed: &[Operator]) -> Option<FieldPredicate> {
        let members = match self.open(raw)? {
            Opened::Object(members) if has_operators(&members) && !is_date(&members) => self.unique(members)?,
            Opened::Object(members) if members.is_empty() => {
                return self.wrong_operand(outer, &Opened::Object(members), "Say what it is to be.");
            }
            literal => return self.opened_operand(literal).map(FieldPredicate::Literal),
        };
        let comment = Operator::Comment.name();
        if members.iter().all(|(key, _)| key == comment) {
            return self.fail(
                ErrorKind::Shape,
                format!("nothing is asked inside {}", outer.name()),
                "$comment means nothing: add a test, such as $eq.",
            );
        }
        let read = members.into_iter().map(|(key, raw)| {
            self.at(&key, |parser| match Operator::parse(&key) {
                Some(Operator::Comment) => parser.test(&key, raw, None),
                Some(operator) if allowed.contains(&operator) => parser.test(&key, raw, None),
                Some(operator) => parser.does_not_belong(outer, operator, allowed),
                None => parser.not_an_operator(&key),
            })
        });
        let tests: Vec<Test> = read.flatten().collect();
        Some(FieldPredicate::Tests(Predicate { read_as: None, zone: None, tests }))
    }

    fn does_not_belong<T>(&mut self, outer: Operator, operator: Operator, allowed: &[Operator]) -> Option<T> {
        let (outer, name) = (outer.name(), operator.name());
        let hint = match operator {
            Ne | Nin | Operator::Not => format!("Negate the whole: {{\"$not\": {{\"{outer}\": …}}}}."),
            _ => {
                let names: Vec<_> = allowed.iter().map(|operator| operator.name()).collect();
                format!("Operators that may stand here: {}.", names.join(", "))
            }
        };
        self.fail(ErrorKind::Unsupported, format!("operator {name} does not belong inside {outer}"), hint)
    }
}
