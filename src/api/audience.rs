//! Audiences: attaching tables.

use crate::api::columns::listed_columns;
use crate::api::grant;
use crate::api::name::must_be_legible;
use crate::catalog::access::{self, Scope, TableOwner, find_table_owner, must_own, not_owner, table_owner};
use crate::catalog::audience::Audience;
use crate::catalog::columns::{self, CatalogColumn, find_column};
use crate::catalog::{freshness as freshness_of, scope, source, time_zone};
use crate::evaluate::condition;
use crate::live::freshness;
use crate::pg::error::{Failure, required};
use crate::pg::{query, snapshot};
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use pgrx::{Array, PgSqlErrorCode, pg_sys};

mod create;
mod detach;
pub mod topics;
mod unique;
mod update;

/// Attaches a table as an audience.
#[allow(clippy::too_many_arguments, reason = "these are the parameters of the SQL function")]
#[pg_extern(sql = false)]
fn attach_audience(
    name: Option<&str>,
    relation: Option<pg_sys::Oid>,
    id_column: Option<&str>,
    properties_column: Option<&str>,
    columns: Option<Array<'_, String>>,
    created_column: Option<&str>,
    scope: Option<&str>,
    time_zone: Option<&str>,
    based_on: Option<&str>,
) {
    let name = required("name", name);
    let relation = match (relation, based_on) {
        (Some(relation), None) => relation,
        (None, Some(base)) => {
            let given = [
                ("id_column", id_column.is_some()),
                ("properties_column", properties_column.is_some()),
                ("columns", columns.is_some()),
                ("created_column", created_column.is_some()),
                ("time_zone", time_zone.is_some()),
            ];
            if let Some((parameter, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                belongs_to_base(parameter, base)
            }
            return attach(name, ContactsIn::TableOf(base), scope);
        }
        (Some(_), Some(base)) => belongs_to_base("relation", base),
        (None, None) => {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "an audience needs a table, or one that it is based on")
                .detail("Neither relation nor based_on was given.")
                .hint("Name the table: attach_audience('customers', 'crm.customers'). Or name another audience: attach_audience('tenant 42', based_on => 'customers', scope => '{\"org_id\": 42}').")
                .raise()
        }
    };
    let listed = columns.map(listed_columns);
    let columns = NamedColumns {
        id: id_column.map(str::to_owned),
        properties: properties_column.map(str::to_owned),
        created: created_column.map(str::to_owned),
        listed,
    };
    attach(name, ContactsIn::Table { relation, columns, time_zone }, scope);
}

/// Raises 22023 for a parameter that an audience takes from the one that it is based on.
fn belongs_to_base(parameter: &str, base: &str) -> ! {
    Failure::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{parameter} cannot be given together with based_on"),
    )
    .detail(format!(
        "Table, time zone, properties, topics and relations are those of audience \"{base}\"; only scope and segments are its own."
    ))
    .hint(format!("Leave {parameter} out, or leave based_on out."))
    .raise()
}

/// Where the contacts of a new audience are.
enum ContactsIn<'a> {
    Table {
        relation: pg_sys::Oid,
        columns: NamedColumns,
        time_zone: Option<&'a str>,
    },
    /// In the table of this audience
    TableOf(&'a str),
}

/// The columns that the caller of attach_audience() names.
struct NamedColumns {
    id: Option<String>,
    properties: Option<String>,
    created: Option<String>,
    listed: Option<Vec<String>>,
}

fn attach(name: &str, contacts: ContactsIn<'_>, filter: Option<&str>) {
    must_be_legible(name, "the name of an audience", "Choose another name.");
    access::require(Scope::WriteSegments, name);
    match contacts {
        ContactsIn::Table { relation, columns, time_zone } => attach_table(name, relation, columns, filter, time_zone),
        ContactsIn::TableOf(base) => attach_based(name, base, filter),
    }
}

fn attach_table(
    name: &str,
    relation: pg_sys::Oid,
    columns: NamedColumns,
    filter: Option<&str>,
    time_zone: Option<&str>,
) {
    let quoted = must_own(relation);
    let catalog = columns::read(relation);
    let find = |column: &str| find_column(&catalog, column, &quoted);
    let id = match &columns.id {
        Some(column) => find(column),
        None => primary_key(relation, &catalog, &quoted),
    };
    must_be_plain(id, "identify contacts");
    let properties = columns.properties.as_deref().map(find);
    if let Some(column) = properties.filter(|column| !column.is_jsonb()) {
        Failure::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, format!("column \"{}\" is of type {}, not jsonb", column.name, column.type_name))
            .detail("Custom properties are the keys of a jsonb column.")
            .hint("Name a jsonb column, or leave properties_column out: a json property can still be used by its dotted paths.")
            .raise()
    }
    let created = columns.created.as_deref().map(find);
    created.into_iter().for_each(|column| must_be_plain(column, "order contacts"));
    columns.listed.iter().flatten().for_each(|column| {
        find(column);
    });
    time_zone.into_iter().for_each(time_zone::must_exist);
    let replaces = may_replace(name);
    let mut were_live = Vec::new();
    if replaces {
        // The audiences that are based on it are locked after it, and none is based on the table that it had.
        freshness_of::hold_alone(name);
        were_live = source::audiences(name).into_iter().filter(|audience| freshness::stop_keeping(audience)).collect();
        grant::take_back_counts(name, relation);
    }
    add(name, None, filter, replaces);
    access::write(
        INSERT_TABLE,
        &[
            name.into(),
            relation.into(),
            id.name.as_str().into(),
            properties.map(|column| column.name.clone()).into(),
            created.map(|column| column.name.clone()).into(),
            columns.listed.into(),
            time_zone.map(str::to_owned).into(),
        ],
    );
    for audience in were_live {
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("audience \"{audience}\" is not live any more"))
            .detail("Its table may have changed since its triggers last counted.")
            .hint(format!("Switch it over again: SELECT set_freshness({}, 'live').", quote_literal(&audience)))
            .warning();
    }
    match filter {
        Some(_) => must_have_valid_filter(name),
        None => must_fit_kept_filter(name),
    }
    unique::warn(name, id.number, &quoted);
}

fn attach_based(name: &str, base: &str, filter: Option<&str>) {
    access::must_have_audience(base);
    // Until the transaction ends, it has the table that is looked at here.
    access::hold_attached(base);
    let loaded = snapshot::latest(|| Audience::unrestricted(base)).unwrap_or_else(|failure| failure.raise());
    if loaded.source != base {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("audience \"{base}\" is itself based on \"{}\"", loaded.source),
        )
        .detail("The filters of two audiences are not combined.")
        .hint(format!("Base it on {}, with a filter that says everything: scope => …", quote_literal(&loaded.source)))
        .raise()
    }
    must_own(loaded.relation.oid);
    add(name, Some(base), filter, false);
    must_have_valid_filter(name);
    if let Some(filter) = &loaded.filter {
        Failure::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!("audience \"{name}\" does not have the filter of audience \"{base}\""),
        )
        .detail(format!("That filter is {filter}. Only the filter of \"{name}\" says which rows are its contacts."))
        .hint("If it should hold here too, detach the audience and attach it with a scope => … that includes it.")
        .notice();
    }
}

/// Stores an audience. Raises 42710 if there is one of that name that may not be replaced.
fn add(name: &str, based_on: Option<&str>, filter: Option<&str>, replaces: bool) {
    let arguments =
        [name.into(), based_on.map(str::to_owned).into(), filter.map(str::to_owned).into(), replaces.into()];
    if access::write(INSERT, &arguments) == 0 {
        already_exists(name)
    }
}

/// Raises if the filter of a new audience makes no sense. It can only use properties that exist.
fn must_have_valid_filter(name: &str) {
    let audience = Audience::unrestricted(name).unwrap_or_else(|failure| failure.raise());
    if let Err(errors) = scope::restriction(&audience) {
        condition::raise_first(errors)
    }
}

/// Raises if the filter that an audience keeps makes no sense over the table that it is attached to again.
fn must_fit_kept_filter(name: &str) {
    let mut audience = Audience::unrestricted(name).unwrap_or_else(|failure| failure.raise());
    if let Err(failure) = audience.restrict() {
        failure.hint("It keeps its filter. Give it another: scope => …, where '{}' is everyone.").raise()
    }
}

fn already_exists(name: &str) -> ! {
    Failure::new(PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT, format!("audience \"{name}\" already exists"))
        .detail("Names of audiences are unique in a database.")
        .hint("Choose another name, or detach that one with detach_audience().")
        .raise()
}

// An audience that is attached again keeps its filter: without it, roles would count contacts that they could not before.
const INSERT: &str = "
INSERT INTO segments.audience_config AS a (name, based_on, scope) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET scope = coalesce(excluded.scope, a.scope)
 WHERE $4";

const INSERT_TABLE: &str = "
INSERT INTO segments.table_config AS t
       (audience, relation, relation_name, id_column, properties_column, created_column, columns, time_zone)
VALUES ($1, $2, segments.quoted_name($2), $3::name, $4::name, $5::name, $6::name[], coalesce($7, 'UTC'))
    ON CONFLICT (audience) DO UPDATE
   SET relation = excluded.relation, relation_name = excluded.relation_name, id_column = excluded.id_column,
       properties_column = excluded.properties_column, created_column = excluded.created_column,
       columns = excluded.columns, time_zone = coalesce($7, t.time_zone)";

/// Whether the audience of that name has a table of its own that is broken, and the caller may replace it.
fn may_replace(name: &str) -> bool {
    source::of(name).is_some_and(|source| source == name)
        && find_table_owner(name).is_some_and(|owner| owner != TableOwner::Another)
        && Audience::try_load(name).map_or(true, |audience| !audience.lost.is_empty())
}

/// Raises 42804 if the column's values are arrays, ranges or rows.
fn must_be_plain(column: &CatalogColumn, purpose: &str) {
    if !column.is_plain {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of type {} cannot {purpose}", column.name, column.type_name),
        )
        .detail("Its values are arrays, ranges or rows.")
        .hint("Name another column.")
        .raise()
    }
}

fn primary_key<'c>(relation: pg_sys::Oid, catalog: &'c [CatalogColumn], table: &str) -> &'c CatalogColumn {
    let key = query::write_rows(PRIMARY_KEY, &[relation.into()], |row| row.get::<Vec<i16>>(1)).into_iter().next();
    match key.as_deref() {
        Some([number]) => catalog.iter().find(|column| column.number == *number),
        _ => None,
    }
    .unwrap_or_else(|| {
        let detail = match key {
            Some(_) => "Its primary key has several columns.",
            None => "It has no primary key.",
        };
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("cannot tell which column of {table} identifies contacts"),
        )
        .detail(detail)
        .hint("Name a column that is unique: attach_audience(…, id_column => '…').")
        .raise()
    })
}

const PRIMARY_KEY: &str = "
SELECT k.conkey FROM pg_constraint k
 WHERE k.conrelid = $1 AND k.contype = 'p'";

/// Raises 42704 if the caller can see no audience of that name, and 42501 if the caller does not own its table. If the
/// table is gone, it has no owner.
pub fn must_own_table_of(audience: &str, verb: &str) {
    if table_owner(audience) == TableOwner::Another {
        not_owner(audience).hint(format!("Ask its owner to {verb} it.")).raise()
    }
}
