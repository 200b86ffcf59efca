//! Reads `$dateFromString`, which form builders write inside `$expr`: there it stands for the date that its text says.

use super::{Parser, describe};
use crate::ast::DateFromString;
use crate::date::{DateLiteral, Written};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::value::Value;
use serde_json::value::RawValue;

pub(super) const NAME: &str = "$dateFromString";
const HINT: &str = "Write the date itself: {\"$date\": \"2024-01-31\"}.";

impl Parser {
    pub(super) fn date_from_string(&mut self, raw: &RawValue) -> Option<DateFromString> {
        let members = match self.open(raw)? {
            Opened::Object(members) => self.unique(members)?,
            other => {
                let message = format!("{NAME} takes an object, not {}", describe(&other));
                return self.fail(ErrorKind::Shape, message, HINT);
            }
        };
        let [text, format] = self.texts(members, ["dateString", "format"], |parser, _, _| {
            parser.fail(ErrorKind::Unsupported, format!("{NAME} takes two strings, dateString and format"), HINT)
        })?;
        let Some(text) = text else {
            return self.fail(ErrorKind::Shape, format!("{NAME} has no dateString"), HINT);
        };
        let date = match DateLiteral::date(&Value::String(text.clone())) {
            Ok(date) => date,
            Err(message) => return self.fail(ErrorKind::Shape, message, HINT),
        };
        match &format {
            Some(format) if !reads_alike(format, &date) => {
                self.fail(ErrorKind::Unsupported, format!("{NAME} does not read the format \"{format}\""), HINT)
            }
            _ => Some(DateFromString { text, format, date: Value::Literal(date.into()) }),
        }
    }
}

/// Whether this format of MongoDB reads the text of a date as the same date.
fn reads_alike(format: &str, date: &DateLiteral) -> bool {
    const CLOCKS: [&str; 6] = [" %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%L", "T%H:%M:%S.%L"];
    let Some(clock) = format.strip_prefix("%Y-%m-%d") else { return false };
    match date {
        DateLiteral::Text(_, Written::Day(_)) => clock.is_empty(),
        DateLiteral::Text(_, Written::Local(_)) => CLOCKS.contains(&clock),
        DateLiteral::Text(_, Written::Instant(_)) => {
            ["%z", "Z"].iter().any(|offset| clock.strip_suffix(offset).is_some_and(|clock| CLOCKS.contains(&clock)))
        }
        _ => false,
    }
}
