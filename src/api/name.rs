//! The names that users give to audiences, properties, topics and segments.

use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;

/// How many characters a name has; so it is in `docs/reference.md`.
const MOST_CHARACTERS: usize = 100;

/// Whether a name is neither empty nor too long.
pub fn has_length(name: &str) -> bool {
    (1..=MOST_CHARACTERS).contains(&name.chars().count())
}

/// Raises 22023 where a name is empty or too long; `what` says what it is the name of.
pub fn must_have_length(name: &str, what: &str, hint: &str) {
    if !has_length(name) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{what} has 1 to {MOST_CHARACTERS} characters"),
        )
        .detail(format!("This one has {}.", name.chars().count()))
        .hint(hint)
        .raise()
    }
}
