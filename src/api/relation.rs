//! Relations: tables whose rows belong to the contacts of an audience.

use crate::api::audience::must_own_table_of;
use crate::api::columns::listed_columns;
use crate::api::name::must_be_legible;
use crate::api::property::Users;
use crate::api::segment::write::with_dependents;
use crate::catalog::access::{self, must_own, must_own_or_be_granted};
use crate::catalog::audience::{Audience, RelatedRows};
use crate::catalog::columns::{self, CatalogColumn, contact_key, find_column};
use crate::catalog::segment::Definition;
use crate::catalog::{freshness, scope, source};
use crate::counting::recount;
use crate::evaluate::condition;
use crate::live::{self, definition_locks};
use crate::pg::error::{Failure, required};
use crate::pg::{query, security, snapshot};
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use pgrx::{Array, PgSqlErrorCode, pg_sys};
use segments_core::nearest::did_you_mean;
use segments_core::path::Path;
use std::collections::BTreeMap;

/// Attaches a table whose rows belong to the contacts of an audience.
#[allow(clippy::too_many_arguments, reason = "these are the parameters of the SQL function")]
#[pg_extern(sql = false)]
fn attach_relation(
    name: Option<&str>,
    relation: Option<pg_sys::Oid>,
    contact_column: Option<&str>,
    audience: Option<&str>,
    columns: Option<Array<'_, String>>,
    properties_column: Option<&str>,
    time_column: Option<&str>,
    scope: Option<&str>,
) {
    let (name, relation) = (required("name", name), required("relation", relation));
    let (contact_column, audience) = (required("contact_column", contact_column), required("audience", audience));
    check_name(name);
    access::require_write(audience);
    source::must_declare(audience);
    // This waits for transactions that create a segment with such a path, and later ones wait for this.
    freshness::hold_definitions(audience);
    let before = snapshot::latest(|| Audience::unrestricted(audience)).unwrap_or_else(|failure| failure.raise());
    must_own(before.relation.oid);
    let before = definition_locks::hold_writers_of_source(&before.name);
    let quoted = must_own_or_be_granted(relation, before.relation.owner);
    let listed = columns.map(listed_columns);
    let catalog = columns::read(relation);
    let find = |column: &str| find_column(&catalog, column, &quoted);
    must_refer_to(relation, find(contact_column), &before, &quoted);
    properties_column.map(find).into_iter().for_each(must_be_jsonb);
    time_column.map(find).into_iter().for_each(must_be_time);
    listed.iter().flatten().for_each(|column| {
        find(column);
    });
    if before.related(name).is_none() {
        must_be_free(&before, name);
    }
    access::write(
        STORE,
        &[
            audience.into(),
            name.into(),
            relation.into(),
            contact_column.into(),
            properties_column.map(str::to_owned).into(),
            time_column.map(str::to_owned).into(),
            listed.into(),
            scope.map(str::to_owned).into(),
        ],
    );
    let after = snapshot::latest(|| Audience::unrestricted(audience)).unwrap_or_else(|failure| failure.raise());
    match after.related(name).map(|related| &related.rows) {
        Some(Ok(related)) => {
            scope::row_scope(&related.rows).unwrap_or_else(|errors| condition::raise_first(errors));
            notice_missing_index(related);
        }
        Some(Err(why)) => crate::pg::error::internal(why).raise(),
        None => crate::pg::error::internal("relation was not stored").raise(),
    }
    live::freshness::relation_attached(&before, name);
    if before.related(name).is_some() {
        recount_users(&after, name);
    }
}

/// Raises 22023 for a name that no relation can have.
fn check_name(name: &str) {
    must_be_legible(name, "the name of a relation", "Choose another name.");
    let mistake = if name.starts_with('$') {
        Some(("cannot start with $", "Names that start with $ are operators."))
    } else if name.contains('.') {
        Some(("cannot have a dot", "What follows a dot in a condition is a field of the rows."))
    } else {
        None
    };
    if let Some((rule, why)) = mistake {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("the name of a relation {rule}"))
            .detail(why)
            .hint("Choose another name, such as orders.")
            .raise()
    }
}

/// Raises 42804 if a column cannot say whose row it is.
fn must_refer_to(relation: pg_sys::Oid, contact: &CatalogColumn, audience: &Audience, table: &str) {
    let id = &audience.id;
    if contact_key(relation, contact, audience.relation.oid, id).is_none() {
        let or_text = if id.has_plain_text() { ", or make it text" } else { "" };
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of {table} does not hold ids of contacts", contact.name),
        )
        .detail(format!(
            "It is of type {}, the ids are of type {}. No \"=\" between these types tells ids apart as their own type does.",
            contact.type_name, id.type_name
        ))
        .hint(format!(
            "Name the column that refers to \"{}\", and give it the same type and collation{or_text}. If several columns refer to it, attach a view that makes one of them.",
            id.name
        ))
        .raise()
    }
}

/// Raises 42804 if a column is not jsonb.
fn must_be_jsonb(column: &CatalogColumn) {
    if !column.is_jsonb() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" is of type {}, not jsonb", column.name, column.type_name),
        )
        .detail("The properties of rows are the keys of a jsonb column.")
        .hint("Name a jsonb column, or leave properties_column out.")
        .raise()
    }
}

/// Raises 42804 if rows cannot be ordered by a column.
fn must_be_time(column: &CatalogColumn) {
    if !column.is_time() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of type {} cannot order rows", column.name, column.type_name),
        )
        .detail("The time of a row is of type date, timestamp or timestamptz.")
        .hint("Name another column, or leave time_column out.")
        .raise()
    }
}

/// Raises 42710 if the audience has a property of that name, or something uses it as one.
fn must_be_free(audience: &Audience, name: &str) {
    let taken = |what: String| Failure::new(PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT, what);
    const RENAME: &str = "Choose another name for the relation.";
    let columns = audience.table.columns.iter().map(|column| &column.name);
    if columns.chain(audience.unusable.iter().map(|(column, _)| column)).any(|column| column == name) {
        taken(format!("the table of audience \"{}\" has a column \"{name}\"", audience.name))
            .detail("Conditions could not tell the relation from it.")
            .hint(RENAME)
            .raise()
    }
    if let Some(declared) = declared_below(audience, name) {
        taken(format!("property \"{declared}\" of audience \"{}\" is declared", audience.name))
            .detail(format!("Its name begins with \"{name}\", and conditions could not tell the two apart."))
            .hint("Choose another name for the relation, or drop the property first with drop_property().")
            .raise()
    }
    let users = Users::find(audience, &path_of(name), |used| used.first() == name);
    if !users.are_none() {
        taken(format!("segments use \"{name}\" as a property"))
            .detail(users.listed())
            .hint("Choose another name for the relation, or change or delete the segments first.")
            .raise()
    }
    let arguments = [audience.name.as_str().into(), vec![name.to_owned()].into()];
    let filters = security::as_role(access::extension_owner(), || {
        snapshot::latest(|| query::rows(FILTERS, &arguments, |row| row.get::<String>(1)))
    });
    if let Some(filtered) = filters.into_iter().next() {
        let shown =
            if access::has_audience(&filtered) { format!("\"{filtered}\"") } else { "that you do not see".to_owned() };
        taken(format!("the filter of audience {shown} uses \"{name}\" as a property"))
            .detail("Conditions could not tell the relation from it.")
            .hint(RENAME)
            .raise()
    }
}

/// The name of a declared property that begins with the name.
fn declared_below(audience: &Audience, name: &str) -> Option<String> {
    let declared = query::rows(DECLARED, &[audience.name.as_str().into()], |row| row.get::<String>(1));
    declared.into_iter().find(|declared| Path::parse(declared).first() == name)
}

fn path_of(name: &str) -> Path {
    Path::from_keys(vec![name.to_owned()])
}

/// Raises a NOTICE if no index finds the rows of one contact.
fn notice_missing_index(related: &RelatedRows) {
    if let Some(ddl) = related.missing_index() {
        let (table, column) = (related.rows.relation.quoted(), &related.rows.id.name);
        Failure::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!("no index of {table} begins with column \"{column}\""),
        )
        .detail("Whatever is asked of one contact reads the whole table.")
        .hint(format!("{ddl};"))
        .notice();
    }
}

/// Counts the segments again that read a relation, and those that refer to them.
fn recount_users(source: &Audience, name: &str) {
    let counted = |audience: &str| {
        security::as_role(access::extension_owner(), || snapshot::latest(|| Audience::try_load(audience))).ok()
    };
    for (audience, segments) in users(source, name) {
        if let Some(audience) = counted(&audience) {
            recount::recount(&audience, &segments);
        }
    }
}

/// The segments that read a relation, and those that refer to them, by audience.
fn users(source: &Audience, name: &str) -> BTreeMap<String, Vec<Definition>> {
    let reads = |segment: &Definition| {
        condition::stored(segment.conditions.as_bytes()).paths().into_iter().any(|path| path.first() == name)
    };
    let mut found: BTreeMap<String, Vec<Definition>> = BTreeMap::new();
    let naming = Definition::naming(&source.name, &[name]);
    let dependents = |segment: &Definition| security::as_role(access::extension_owner(), || with_dependents(segment));
    for segment in naming.iter().filter(|segment| reads(segment)).flat_map(dependents) {
        let known = found.entry(segment.audience.clone()).or_default();
        if known.iter().all(|known| known.id != segment.id) {
            known.push(segment);
        }
    }
    found
}

/// Detaches a relation. Its table stays.
#[pg_extern(sql = false)]
fn detach_relation(name: Option<&str>, audience: Option<&str>) {
    let (name, audience) = (required("name", name), required("audience", audience));
    access::require_write(audience);
    source::must_declare(audience);
    must_own_table_of(audience, "detach the relation from");
    // This waits for transactions that create a segment with the relation.
    freshness::hold_definitions(audience);
    let audience = definition_locks::hold_writers_of_source(audience);
    if audience.related(name).is_none() {
        unknown(&audience, name).raise()
    }
    let users = Users::find(&audience, &path_of(name), |used| used.first() == name);
    if !users.are_none() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("relation \"{name}\" is in use by segments"),
        )
        .detail(users.listed())
        .hint("Change or delete them first.")
        .raise()
    }
    let declared = query::rows(DECLARED, &[audience.name.as_str().into()], |row| row.get::<String>(1));
    let declared: Vec<String> = declared.into_iter().filter(|name_of| Path::parse(name_of).first() == name).collect();
    access::write(FORGET_PROPERTIES, &[audience.name.as_str().into(), declared.into()]);
    access::write(FORGET, &[audience.name.as_str().into(), name.into()]);
    live::freshness::drop_triggers_of(&audience, name);
}

/// The error for a relation that does not exist.
fn unknown(audience: &Audience, name: &str) -> Failure {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("relation \"{name}\" does not exist in audience \"{}\"", audience.name),
    );
    if name == "$topic" {
        return failure
            .detail("$topic is the table of subscriptions, which attach_topics() has attached.")
            .hint(format!("Attach another with attach_topics({}, …).", quote_literal(&audience.name)));
    }
    let meant = did_you_mean(name, audience.relations.iter().map(|related| &related.name));
    let hint = meant.unwrap_or_else(|| "segments.relation lists those that exist.".to_owned());
    failure.detail("A relation is a table whose rows belong to contacts, attached with attach_relation().").hint(hint)
}

const STORE: &str = "
INSERT INTO segments.relation_config
       (audience, name, relation, relation_name, contact_column, properties_column, time_column, columns, scope)
VALUES ($1, $2, $3, segments.quoted_name($3), $4::name, $5::name, $6::name, $7::name[], $8)
    ON CONFLICT (audience, name) DO UPDATE
   SET relation = excluded.relation, relation_name = excluded.relation_name, contact_column = excluded.contact_column,
       properties_column = excluded.properties_column, time_column = excluded.time_column,
       columns = excluded.columns, scope = excluded.scope";

const FORGET: &str = "DELETE FROM segments.relation_config r WHERE r.audience = $1 AND r.name = $2";

const FORGET_PROPERTIES: &str = "DELETE FROM segments.property_config p WHERE p.audience = $1 AND p.name = ANY ($2)";

const DECLARED: &str = "SELECT p.name FROM segments.property_config p WHERE p.audience = $1 ORDER BY p.name";

const FILTERS: &str = "
SELECT a.name FROM segments.audience_config a
 WHERE a.source = $1 AND segments.fields_of(a.scope) && $2 ORDER BY a.based_on NULLS FIRST, a.name";
