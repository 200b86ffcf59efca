//! JSON text, opened one level at a time.
//!
//! `serde_json` checks the whole text once, without recursion, and then hands out each value as the text that
//! it is. So numbers stay exact, duplicate keys are seen, and depth is the caller's to bound.

use crate::decimal::Decimal;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value whose members and elements are still text.
pub enum Opened<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; `None` where it is outside what [`Decimal`] holds
    Number(Option<Decimal>),
    /// A string
    String(String),
    /// An array's elements
    Array(Vec<&'t RawValue>),
    /// An object's members as they stand, duplicates included
    Object(Vec<(String, &'t RawValue)>),
}

/// Checks that the text is one JSON value.
///
/// # Errors
/// Where and why it is not.
pub fn check(text: &str) -> serde_json::Result<&RawValue> {
    serde_json::from_str(text)
}

/// Opens one level of a value.
///
/// # Errors
/// A string holds half of a surrogate pair: the only fault that [`check`] lets through.
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
