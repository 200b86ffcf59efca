//! The changes that `update_segment()` makes.

use crate::api::name::must_be_legible;
use crate::api::patch::{Changeable, Patch};
use crate::catalog::segment::Definition;
use crate::evaluate::condition;
use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;

const SEGMENT: Changeable = Changeable {
    noun: "a segment",
    call: "update_segment(id",
    example: r#"{"name": "New name"}"#,
    keys: &["name", "description", "conditions", "time_zone"],
};

/// The keys to change, with their new values.
pub struct Changes(Patch);

impl Changes {
    /// Reads a JSON object. Raises 22023 for any other text.
    pub fn read(json: &str) -> Self {
        Changes(SEGMENT.read(json))
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
        ("time_zone", None) if json == "null" => segment.time_zone = None,
        ("time_zone", Some(zone)) => segment.time_zone = Some(zone),
        ("name" | "description" | "time_zone", None) => SEGMENT.must_be_string(key, json),
        (unknown, _) => SEGMENT.has_no(unknown),
    }
}

/// Returns the name. Raises 22023 if it is too short or too long.
pub fn checked_name(name: &str) -> &str {
    let hint = "Choose another name; the description may have up to 500 characters.";
    must_be_legible(name, "the name of a segment", hint);
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
