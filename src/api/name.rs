//! The names that users give to audiences, properties, topics and segments.

use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;

/// How many characters a name has; so it is in `docs/reference.md`.
const MOST_CHARACTERS: usize = 100;

/// Whether a name is neither empty nor too long, and is not made of blanks.
pub fn is_legible(name: &str) -> bool {
    (1..=MOST_CHARACTERS).contains(&name.chars().count()) && !name.trim().is_empty()
}

/// Raises 22023 where a name is empty, too long or made of blanks; `what` says what it is the name of.
pub fn must_be_legible(name: &str, what: &str, hint: &str) {
    if is_legible(name) {
        return;
    }
    let length = name.chars().count();
    let (rule, found) = if (1..=MOST_CHARACTERS).contains(&length) {
        ("must not be blank".to_owned(), "nothing but blanks".to_owned())
    } else {
        (format!("has 1 to {MOST_CHARACTERS} characters"), length.to_string())
    };
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("{what} {rule}"))
        .detail(format!("This one has {found}."))
        .hint(hint)
        .raise()
}
