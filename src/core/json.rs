//! JSON text, opened one level at a time.
//!
//! `serde_json` checks the whole text once, without recursion, and then returns each value as text. So numbers stay
//! exact, duplicate keys are seen, and the caller limits the depth.

use crate::decimal::Decimal;
use crate::value::{COPIED_LEVELS, Json, Value, key_order};
use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::value::RawValue;

impl Json {
    /// Reads a document as jsonb does: numbers are exact, and the last of several members with the same key counts.
    ///
    /// # Errors
    /// The text is not JSON, has a string that Postgres cannot store or a number that `numeric` cannot hold, or nests
    /// deeper than [`COPIED_LEVELS`].
    pub fn parse(text: &str) -> serde_json::Result<Json> {
        read(check(text)?, COPIED_LEVELS)
    }
}

fn read(raw: &RawValue, levels: usize) -> serde_json::Result<Json> {
    let storable = |text: String| match text.contains('\0') {
        true => Err(serde_json::Error::custom("\\u0000 cannot be converted to text")),
        false => Ok(text),
    };
    let below = |raw: &RawValue| match levels.checked_sub(1) {
        Some(levels) => read(raw, levels),
        None => Err(serde_json::Error::custom("nested too deep")),
    };
    Ok(match open(raw)? {
        Opened::Null => Value::Null,
        Opened::Bool(value) => Value::Bool(value),
        Opened::Number(Some(number)) => Value::Number(number),
        Opened::Number(None) => return Err(serde_json::Error::custom("number out of range")),
        Opened::String(text) => Value::String(storable(text)?),
        Opened::Array(items) => Value::Array(items.into_iter().map(below).collect::<serde_json::Result<_>>()?),
        Opened::Object(members) => {
            let read = members.into_iter().map(|(key, raw)| Ok((storable(key)?, below(raw)?)));
            let mut members = read.collect::<serde_json::Result<Vec<_>>>()?;
            members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
            // The sort is stable, so that the last of the members with the same key comes first after reversing, and is
            // kept.
            members.reverse();
            members.dedup_by(|(left, _), (right, _)| left == right);
            members.reverse();
            Value::Object(members)
        }
    })
}

/// A JSON value whose members and elements are still text.
pub enum Opened<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; `None` if [`Decimal`] cannot hold it
    Number(Option<Decimal>),
    /// A string
    String(String),
    /// An array's elements
    Array(Vec<&'t RawValue>),
    /// An object's members in their order, with duplicates
    Object(Vec<(String, &'t RawValue)>),
}

/// Checks that the text is one JSON value.
///
/// # Errors
/// Where and why the text is not JSON.
pub fn check(text: &str) -> serde_json::Result<&RawValue> {
    serde_json::from_str(text)
}

/// Opens one level of a value.
///
/// # Errors
/// A string has half of a surrogate pair. [`check`] finds all other faults.
pub fn open(raw: &RawValue) -> serde_json::Result<Opened<'_>> {
    let text = raw.get();
    Ok(match text.as_bytes()[0] {
        b'n' => Opened::Null,
        b't' => Opened::Bool(true),
        b'f' => Opened::Bool(false),
        b'"' => Opened::String(serde_json::from_str(text)?),
        b'[' => Opened::Array(serde_json::from_str(text)?),
        b'{' => Opened::Object(serde_json::Deserializer::from_str(text).deserialize_map(Members)?),
        _ => Opened::Number(Decimal::parse(text)),
    })
}

struct Members;

impl<'t> Visitor<'t> for Members {
    type Value = Vec<(String, &'t RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_read_as_jsonb_reads_them() {
        let document =
            Json::parse(r#" {"bb": 1, "a": [9007199254740993, null], "c": true, "bb": {"x": 2}, "bb": "é"} "#);
        assert_eq!(document.unwrap().to_string(), r#"{"a": [9007199254740993, null], "c": true, "bb": "é"}"#);
    }

    #[test]
    fn refuses_what_jsonb_refuses() {
        for text in ["", "{", "[1,]", "{} {}", "\"\\u0000\"", "{\"\\u0000\": 1}", "\"\\ud83d\"", "1e131072", "NaN"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&nested(COPIED_LEVELS)).is_ok());
        assert!(Json::parse(&nested(COPIED_LEVELS + 2)).is_err());
    }
}
