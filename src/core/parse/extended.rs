//! Reads Extended JSON, which MongoDB's tools and drivers write.

use super::{Members, Parser, describe, excerpt, takes};
use crate::ast::{AsWritten, Extended, Literal, Operand, is_number, is_wrapper};
use crate::decimal::Decimal;
use crate::error::{ErrorKind, Refusal};
use crate::json::{self, Opened};
use crate::operator::Operator;
use crate::pattern::Pattern;
use crate::value::Value;
use serde_json::value::RawValue;

const PATTERN_HINT: &str = "Write {\"$regularExpression\": {\"pattern\": \"^a\", \"options\": \"i\"}}, or {\"$regex\": \"^a\", \"$options\": \"i\"}.";

impl Parser {
    /// Reads the text under `$oid`, `$numberLong` and their like.
    pub(super) fn extended(&mut self, wrapper: Operator, raw: &RawValue) -> Option<Extended> {
        let name = wrapper.name();
        let text = match self.open(raw)? {
            Opened::String(text) => text,
            other => {
                let hint = match other {
                    Opened::Number(_) => format!("Write {{\"{name}\": \"{0}\"}}, or {0} itself.", raw.get()),
                    _ if is_number(wrapper) => format!("Write {{\"{name}\": \"5\"}}, or 5 itself."),
                    _ => format!("Write {{\"{name}\": \"…\"}}, or the string itself."),
                };
                return self.wrong_operand(wrapper, &other, &hint);
            }
        };
        let extended = Extended::read(wrapper, &text);
        if extended.is_none() {
            let hint = match text.trim_start_matches('-') {
                "NaN" | "Infinity" => "No number of JSON is infinite, and none is NaN.".to_owned(),
                _ => format!(
                    "Write the digits of the number in quotes, or the number itself without {}.",
                    wrapper.name()
                ),
            };
            return self.fail(ErrorKind::Shape, takes(wrapper, excerpt(raw)), hint);
        }
        extended
    }

    /// Opens a value, which may be a number, also under an operator of Extended JSON.
    pub(super) fn number<'t>(&mut self, raw: &'t RawValue) -> Option<Result<AsWritten<Decimal>, Opened<'t>>> {
        let written: Operand = match self.open(raw)? {
            Opened::Number(number) => Value::Number(number?),
            Opened::Object(members) if wrapper_of(&members).is_some_and(is_number) => {
                self.opened_operand(Opened::Object(members))?
            }
            other => return Some(Err(other)),
        };
        match written.plain().clone() {
            Value::Number(value) => Some(Ok(AsWritten { value, written })),
            _ => None,
        }
    }

    /// Reads `true`, `false`, 0 or 1.
    pub(super) fn truth(&mut self, operator: Operator, raw: &RawValue) -> Option<AsWritten<bool>> {
        let name = operator.name();
        let hint = format!("Write {{\"{name}\": true}} or {{\"{name}\": false}}.");
        match self.number(raw)? {
            Ok(AsWritten { value, written }) => match value.to_i64() {
                Some(number @ (0 | 1)) => Some(AsWritten { value: number == 1, written }),
                _ => self.fail(ErrorKind::Shape, takes(operator, value), hint),
            },
            Err(Opened::Bool(wanted)) => Some(wanted.into()),
            Err(other) => self.wrong_operand(operator, &other, &hint),
        }
    }

    /// Reads an entry of `$in`, `$nin` or `$all`, which may be a pattern.
    pub(super) fn entry(&mut self, raw: &RawValue) -> Option<Operand> {
        match self.open(raw)? {
            Opened::Object(members) if is_regular_expression(&members) => {
                let pattern = self.regular_expression(members)?;
                Some(Value::Literal(Literal::Pattern(pattern)))
            }
            other => self.opened_operand(other),
        }
    }

    /// Reads `{"$regularExpression": {…}}`.
    pub(super) fn regular_expression(&mut self, members: Members<'_>) -> Option<Pattern> {
        let (key, raw) = members.into_iter().next()?;
        self.at(key, |parser| parser.pattern_and_options(raw))
    }

    /// Reads the operand of `$regularExpression`.
    pub(super) fn pattern_and_options(&mut self, raw: &RawValue) -> Option<Pattern> {
        let members = match self.open(raw)? {
            Opened::Object(members) => self.unique(members)?,
            other => return self.wrong_operand(Operator::RegularExpression, &other, PATTERN_HINT),
        };
        let [source, options] = self.texts(members, ["pattern", "options"], |parser, key, found| {
            let message = match key {
                "pattern" | "options" => {
                    format!("the {key} of $regularExpression must be a string, not {}", describe(found))
                }
                _ => format!("$regularExpression takes pattern and options, not \"{key}\""),
            };
            parser.fail(ErrorKind::Shape, message, PATTERN_HINT)
        })?;
        self.at("options", |parser| parser.check_options(options.as_deref(), "imsx"))?;
        let Some(source) = source else {
            return self.fail(ErrorKind::Shape, "$regularExpression has no pattern", PATTERN_HINT);
        };
        self.compile(&source, options.as_deref())
    }

    pub(super) fn compile(&mut self, source: &str, options: Option<&str>) -> Option<Pattern> {
        match Pattern::compile(source, options) {
            Ok(pattern) => self.count_pattern(pattern.bytes()).map(|()| pattern),
            Err(Refusal { kind, message, hint }) => self.fail(kind, message, hint),
        }
    }
}

/// The operator of Extended JSON that an object has alone.
pub(super) fn wrapper_of(members: &Members<'_>) -> Option<Operator> {
    match members.as_slice() {
        [(key, _)] => Operator::parse(key).filter(|operator| is_wrapper(*operator)),
        _ => None,
    }
}

pub(super) fn is_regular_expression(members: &Members<'_>) -> bool {
    matches!(members.as_slice(), [(key, _)] if key == Operator::RegularExpression.name())
}

/// Whether a value is `{"$regularExpression": …}`.
pub(super) fn has_regular_expression(raw: &RawValue) -> bool {
    matches!(json::open(raw), Ok(Opened::Object(members)) if is_regular_expression(&members))
}
