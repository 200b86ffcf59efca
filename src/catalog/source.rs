//! Sources: the audiences that others are based on. A source declares the table, the zone, the properties and the topics;
//! an audience that is based on it has only a filter and segments of its own.
//!
//! Thousands of audiences may be based on one source. So what is true of a source is read once, not for each of them.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::pg::error::Failure;
use crate::pg::query::{self, Row};
use crate::pg::{security, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_literal;
use segments_core::expr::Expr;

/// The name of an audience, and its filter.
pub type Filter = (String, Option<String>);

/// The names of the audiences of a source, whether or not the caller may see them: the source itself, then those that are
/// based on it. They are the latest that are committed or made by this transaction.
pub fn audiences(source: &str) -> Vec<String> {
    read(ALL, source, |row| row.get(1))
}

/// The names of the live audiences of a source.
pub fn live_audiences(source: &str) -> Vec<String> {
    read(LIVE, source, |row| row.get(1))
}

/// The audiences that are based on a source, with their filters.
pub fn based_on(source: &str) -> Vec<Filter> {
    read(BASED, source, |row| (row.get(1), row.nullable(2)))
}

fn read<T>(sql: &'static str, source: &str, read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    security::as_role(access::extension_owner(), || snapshot::latest(|| query::rows(sql, &[source.into()], read)))
}

/// The audiences that are based on the audience and have filters that name one of these fields, each loaded without its
/// filter.
pub fn filtering_by(audience: &Audience, fields: Vec<String>) -> Vec<Audience> {
    let filters = security::as_role(access::extension_owner(), || {
        let arguments = [audience.name.as_str().into(), fields.into()];
        snapshot::latest(|| query::rows(FILTERING, &arguments, |row| (row.get(1), row.nullable(2))))
    });
    filters.into_iter().map(|filter| audience.with_filter(filter)).collect()
}

/// The filters of a source's audiences that contain a text, each with the name of its audience.
pub fn filters_containing(source: &str, text: &str) -> Vec<(String, String)> {
    security::as_role(access::extension_owner(), || {
        let arguments = [source.into(), text.into()];
        snapshot::latest(|| query::rows(CONTAINING, &arguments, |row| (row.get(1), row.get(2))))
    })
}

/// The source of an audience; `None` if there is no such audience.
pub fn of(audience: &str) -> Option<String> {
    read("SELECT a.source FROM segments.audience_config a WHERE a.name = $1", audience, |row| row.get(1)).pop()
}

/// Raises 42809 if an audience is based on another, which declares what the caller is about to change.
pub fn must_declare(audience: &str) {
    let source = query::first(SOURCE, &[audience.into()], |row| row.nullable::<String>(1)).flatten();
    if let Some(source) = source {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("audience \"{audience}\" is based on \"{source}\""),
        )
        .detail("Its table, time zone, properties, topics and relations are those of that audience.")
        .hint(format!("Name that audience: {}.", quote_literal(&source)))
        .raise()
    }
}

impl Audience {
    /// Another audience of the same source, without its filter, as [`Audience::unrestricted`] loads it.
    pub fn with_filter(&self, (name, filter): Filter) -> Self {
        let restriction = Expr::Const(true);
        Audience { name, filter, restriction, changes_at: None, ..self.clone() }
    }
}

const SOURCE: &str = "SELECT a.based_on FROM segments.audience_config a WHERE a.name = $1";

const ALL: &str = "
SELECT a.name FROM segments.audience_config a
 WHERE a.name = $1 OR a.based_on = $1 ORDER BY a.based_on NULLS FIRST, a.name";

const LIVE: &str = "
SELECT a.name FROM segments.audience_config a
 WHERE a.source = $1 AND a.freshness = 'live' ORDER BY a.based_on NULLS FIRST, a.name";

const BASED: &str = "
SELECT a.name, a.scope::text FROM segments.audience_config a WHERE a.based_on = $1 ORDER BY a.name";

const CONTAINING: &str = "
SELECT a.name, a.scope::text FROM segments.audience_config a
 WHERE a.source = $1 AND strpos(a.scope::text, $2) > 0 ORDER BY a.name";

const FILTERING: &str = "
SELECT a.name, a.scope::text FROM segments.audience_config a
 WHERE a.based_on = $1 AND segments.fields_of(a.scope) && $2 ORDER BY a.name";
