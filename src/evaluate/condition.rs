//! Reading conditions: the text of a `segment_condition`, and its checked form for documents.

use crate::pg::error::Failure;
use crate::pg::{interrupt, zone};
use pgrx::PgSqlErrorCode;
use segments_core::ast::Condition;
use segments_core::check::{Declaration, DocumentOnly, Environment, check};
use segments_core::date::{Instant, NamedZone};
use segments_core::error::{Error, Refusal};
use segments_core::expr::{Checked, Expr};
use segments_core::parse::parse_interruptibly;
use segments_core::path::Path;
use segments_core::sql::{self, ContactTable};

/// The canonical text of a condition. Raises if the text is not a valid condition.
pub fn canonical(text: &str) -> String {
    read(text).to_string()
}

/// Parses a condition. Raises if the text is not a valid condition.
pub fn read(text: &str) -> Condition {
    let condition = parse_interruptibly(text, interrupt::check).unwrap_or_else(|error| Failure::from(error).raise());
    match check(&condition, &Anywhere) {
        Ok(_) => condition,
        Err(errors) => raise_first(errors),
    }
}

/// The checked form of a stored condition for evaluation with documents alone.
///
/// # Errors
/// The condition needs more than a document, such as topics or the current time.
pub fn check_for_documents(text: &[u8]) -> Result<Checked, Vec<Error>> {
    check(&stored(text), &AnyDocument)
}

/// The checked form of a condition for evaluation with documents alone; `None` if the text is not such a condition.
pub fn check_for_documents_if_sound(text: &str) -> Option<Checked> {
    check(&parse_interruptibly(text, interrupt::check).ok()?, &AnyDocument).ok()
}

/// Parses the text of a stored `segment_condition`, which was checked when it was stored.
pub fn stored(text: &[u8]) -> Condition {
    let text = std::str::from_utf8(text).unwrap_or_default();
    parse_interruptibly(text, interrupt::check).unwrap_or_else(|error| Failure::from(error).raise())
}

/// Raises a NOTICE if every contact that the table can have satisfies the condition, or none.
pub fn notice_constant(checked: &Checked, table: &ContactTable) {
    match sql::constant(checked, table) {
        Some(true) => Failure::new(PgSqlErrorCode::ERRCODE_WARNING, "condition holds for everyone")
            .detail("Every contact of the audience satisfies it.")
            .hint("An empty condition, {}, means everyone.")
            .notice(),
        Some(false) => Failure::new(PgSqlErrorCode::ERRCODE_WARNING, "condition holds for nobody")
            .detail("No contact of the audience can satisfy it.")
            .hint("validate_conditions() says more, where it knows which part nobody satisfies.")
            .notice(),
        None => {}
    }
}

/// Raises the first of the mistakes.
pub fn raise_first(errors: Vec<Error>) -> ! {
    match errors.into_iter().next() {
        Some(error) => Failure::from(error).raise(),
        None => crate::pg::error::internal("condition was refused without an error").raise(),
    }
}

/// Raises that a condition needs more than a document, without quoting the condition.
pub fn raise_without_detail() -> ! {
    Failure::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "condition needs more than a document")
        .hint(
            "Conditions with $topic, $segment, $bucket, $now, $today or $period can be used in segments, not with @~.",
        )
        .raise()
}

/// The environment of a condition that is evaluated with a document alone. It knows the time zones of Postgres.
struct AnyDocument;

impl Environment for AnyDocument {
    fn property(&self, name: &Path) -> Declaration {
        DocumentOnly.property(name)
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        zone::named(name)
    }
}

/// A scope in which every name exists. A condition that is wrong in this scope is wrong in every scope.
struct Anywhere;

impl Environment for Anywhere {
    fn property(&self, _: &Path) -> Declaration {
        Declaration::Undeclared
    }

    fn property_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn topic(&self, reference: &str) -> Result<String, Refusal> {
        Ok(reference.to_owned())
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn segment(&self, _: &str) -> Result<Checked, Refusal> {
        Ok(Expr::Const(true))
    }

    fn knows_types(&self) -> bool {
        false
    }

    fn bucket(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        zone::named(name)
    }

    fn now(&self) -> Option<Instant> {
        Some(Instant::from_micros_saturating(0))
    }
}
