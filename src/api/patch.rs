//! The argument `changes` of the functions that change what is stored: a JSON object that has the keys to change.

use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;
use segments_core::nearest::did_you_mean;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The kind of thing that a function changes, in the words of its errors.
pub struct Changeable {
    /// With its article
    pub noun: &'static str,
    /// The call, up to the changes
    pub call: &'static str,
    /// An example of changes
    pub example: &'static str,
    pub keys: &'static [&'static str],
}

/// The keys to change, with the JSON texts of the new values. As text, a condition keeps all digits of its numbers.
pub type Patch = BTreeMap<String, Box<RawValue>>;

impl Changeable {
    /// Reads a JSON object. Raises 22023 for any other text.
    pub fn read(&self, json: &str) -> Patch {
        serde_json::from_str(json).unwrap_or_else(|_| {
            invalid("changes must be an object")
                .detail("Only the keys that it has are changed.")
                .hint(format!("Write {}, '{}').", self.call, self.example))
                .raise()
        })
    }

    /// Raises 22023, because the value of a key is no string.
    pub fn must_be_string(&self, key: &str, json: &str) -> ! {
        let kind = match json.as_bytes().first() {
            Some(b'n') => "null",
            Some(b't' | b'f') => "a boolean",
            Some(b'[') => "an array",
            Some(b'{') => "an object",
            _ => "a number",
        };
        invalid(&format!("{key} must be a string, not {kind}"))
            .detail(format!("At /{key}"))
            .hint(format!("Write {}, '{{\"{key}\": \"…\"}}').", self.call))
            .raise()
    }

    /// Raises 22023 for a key that cannot be changed.
    pub fn has_no(&self, key: &str) -> ! {
        let meant = did_you_mean(key, self.keys);
        invalid(&format!("{} has no \"{key}\" that could be changed", self.noun))
            .detail(format!("At /{key}"))
            .hint(meant.unwrap_or_else(|| match self.keys {
                [only] => format!("The only key is {only}."),
                keys => format!("Keys are {}.", keys.join(", ")),
            }))
            .raise()
    }
}

fn invalid(message: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}
