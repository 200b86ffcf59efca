//! The changes that `update_segment()` makes.

use crate::api::name::must_have_length;
use crate::catalog::segment::Definition;
use crate::evaluate::condition;
use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;
use segments_core::nearest::did_you_mean;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The keys to change, with the JSON texts of the new values. As text, a condition keeps all digits of its numbers.
pub struct Changes(BTreeMap<String, Box<RawValue>>);

impl Changes {
    /// Reads a JSON object. Raises 22023 for any other text.
    pub fn read(json: &str) -> Self {
        Changes(serde_json::from_str(json).unwrap_or_else(|_| {
            invalid("changes must be an object")
                .detail("Only the keys that it has are changed.")
                .hint("Write update_segment(id, '{\"name\": \"New name\"}').")
                .raise()
        }))
    }

    /// Whether the key is changed.
    pub fn have(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The segment with all changes made. Raises 22023 if a change is not possible.
    pub fn made_to(&self, mut segment: Definition) -> Definition {
        for (key, json) in &self.0 {
            make(&mut segment, key, json.get());
        }
        segment
    }
}

fn make(segment: &mut Definition, key: &str, json: &str) {
    let text = serde_json::from_str::<String>(json).ok();
    match (key, text) {
        ("name", Some(name)) => segment.name = checked_name(&name).to_owned(),
        ("description", None) if json == "null" => segment.description = None,
        ("description", Some(description)) => segment.description = Some(checked_description(&description).to_owned()),
        ("conditions", text) => segment.conditions = condition::canonical(text.as_deref().unwrap_or(json)),
        ("time_zone", Some(zone)) => segment.time_zone = zone,
        ("name" | "description" | "time_zone", None) => {
            let kind = match json.as_bytes().first() {
                Some(b'n') => "null",
                Some(b't' | b'f') => "a boolean",
                Some(b'[') => "an array",
                Some(b'{') => "an object",
                _ => "a number",
            };
            invalid(&format!("{key} must be a string, not {kind}"))
                .detail(format!("At /{key}"))
                .hint(format!("Write update_segment(id, '{{\"{key}\": \"…\"}}')."))
                .raise()
        }
        (unknown, _) => {
            const KEYS: [&str; 4] = ["name", "description", "conditions", "time_zone"];
            let meant = did_you_mean(unknown, KEYS);
            invalid(&format!("a segment has no \"{unknown}\" that could be changed"))
                .detail(format!("At /{unknown}"))
                .hint(meant.unwrap_or_else(|| format!("Keys are {}.", KEYS.join(", "))))
                .raise()
        }
    }
}

fn invalid(message: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}

/// Returns the name. Raises 22023 if it is too short or too long.
pub fn checked_name(name: &str) -> &str {
    let hint = "Choose another name; the description may have up to 500 characters.";
    must_have_length(name, "the name of a segment", hint);
    name
}

/// Returns the description. Raises 22023 if it is too long.
pub fn checked_description(description: &str) -> &str {
    let length = description.chars().count();
    if length <= 500 {
        return description;
    }
    Failure::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "the description of a segment has up to 500 characters",
    )
    .detail(format!("This one has {length}."))
    .hint("Shorten it.")
    .raise()
}
