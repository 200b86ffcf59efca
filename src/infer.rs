//! `infer_properties`: which custom properties a sample of the contacts has.

use crate::access;
use crate::audience::{Audience, RelationKind};
use crate::contact::executable_sql;
use crate::error::{Failure, required};
use crate::pg::call::Call;
use crate::pg::returning;
use crate::property;
use crate::query;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use segments_core::expr::Expr;
use segments_core::types::{PropertyType, ScalarType};

/// The custom properties of a sample of the contacts.
#[pg_extern(sql = false)]
fn infer_properties(audience: Option<&str>, sample: Option<i32>, declare: Option<bool>, call: Call) {
    let (audience, sample, declare) =
        (required("audience", audience), required("sample", sample), required("declare", declare));
    if sample < 1 {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "sample must be 1 or more")
            .detail(format!("It was {sample}."))
            .hint("Leave it out for a sample of 10000 contacts.")
            .raise()
    }
    let mut audience = Audience::load(audience);
    if declare {
        access::require_write(&audience.name);
    }
    let found = infer(&audience, sample);
    if declare {
        audience = property::hold(&audience.name, found.iter().map(|found| found.name.as_str()));
    }
    let is_declared = |found: &Inferred| audience.property(&found.name).is_some();
    let mut declared: Vec<bool> = found.iter().map(is_declared).collect();
    if declare {
        for (found, declared) in found.iter().zip(&mut declared) {
            // Where there are only nulls, the type is anyone's guess.
            if !*declared
                && found.distinct_values > 0
                && property::is_possible_name(&found.name)
                && property::obstacle(&mut audience, &found.name, found.property_type).is_none()
            {
                property::declare(&audience, &found.name, found.property_type, None);
                *declared = true;
            }
        }
    }
    returning::rows(
        call,
        "SELECT f.name, f.type, pg_catalog.round(f.present::pg_catalog.numeric, 4), f.distinct_values, f.examples::pg_catalog.jsonb, f.declared
           FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4),
                           pg_catalog.unnest($5), pg_catalog.unnest($6))
                f(name, type, present, distinct_values, examples, declared)",
        &[
            found.iter().map(|found| found.name.clone()).collect::<Vec<_>>().into(),
            found.iter().map(|found| found.property_type.to_string()).collect::<Vec<_>>().into(),
            found.iter().map(|found| found.present).collect::<Vec<_>>().into(),
            found.iter().map(|found| found.distinct_values).collect::<Vec<_>>().into(),
            found.iter().map(|found| found.examples.clone()).collect::<Vec<_>>().into(),
            declared.into(),
        ],
    );
}

struct Inferred {
    name: String,
    property_type: PropertyType,
    /// The share of the sampled contacts that have the key
    present: f64,
    distinct_values: i64,
    /// JSON text of an array: the most frequent values
    examples: String,
}

fn infer(audience: &Audience, sample: i32) -> Vec<Inferred> {
    let Some(properties) = &audience.table.properties else { return Vec::new() };
    let sql = query_for(
        &quote_identifier(&properties.name),
        &audience.relation.quoted(),
        &sampled(audience, sample),
        &executable_sql(audience, &Expr::Const(true)),
        &format!("{}.property_timestamp", quote_identifier(&audience.extension_schema)),
    );
    query::rows(&sql, &[i64::from(sample).into()], |row| Inferred {
        name: row.get(1),
        present: row.get(2),
        distinct_values: row.get(3),
        examples: row.get(4),
        property_type: type_of(&row.get::<Vec<String>>(5), row.nullable::<Vec<String>>(6).as_deref()),
    })
}

/// A sample from all over a large table, rather than from where it begins.
pub fn sampled(audience: &Audience, sample: i32) -> String {
    let rows = query::first(
        "SELECT c.reltuples::pg_catalog.float8 FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[audience.relation.oid.into()],
        |row| row.get::<f64>(1),
    );
    let rows = rows.unwrap_or(0.0);
    if audience.relation.kind != RelationKind::Table || rows <= 4.0 * f64::from(sample) {
        return String::new();
    }
    // Twice as much as needed, so that LIMIT seldom falls short where pages are unevenly filled.
    let percent = (200.0 * f64::from(sample) / rows).min(100.0);
    format!("TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)")
}

/// One row for each key: name, share, distinct values, examples, kinds of values and of elements (from most frequent;
/// each kind that 99 % of the values are not is left out).
fn query_for(properties: &str, table: &str, sampled: &str, scope: &str, property_timestamp: &str) -> String {
    // A date is what conditions take for one, written as most dates are.
    let kind = |value: &str| {
        format!(
            r#"CASE WHEN pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.<>) 'string' THEN pg_catalog.jsonb_typeof({value})
                WHEN {value} OPERATOR(pg_catalog.#>>) '{{}}' OPERATOR(pg_catalog.!~) '^\d{{4}}-\d\d-\d\d($|[Tt ]\d\d:\d\d)' THEN 'string'
                WHEN {property_timestamp}(pg_catalog.jsonb_build_object('', {value}), '') IS NULL THEN 'string'
                WHEN pg_catalog.length({value} OPERATOR(pg_catalog.#>>) '{{}}') OPERATOR(pg_catalog.=) 10 THEN 'date'
                ELSE 'timestamp' END"#
        )
    };
    let (kind_of_value, kind_of_element) = (kind("e.value"), kind("i.value"));
    format!(
        r#"
WITH contact AS MATERIALIZED (
    SELECT {properties} AS properties FROM {table} {sampled} WHERE {scope} LIMIT $1),
total AS (SELECT pg_catalog.count(*) AS contacts FROM contact),
field AS MATERIALIZED (
    SELECT e.key, e.value, {kind_of_value} AS kind
      FROM contact, pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(contact.properties) OPERATOR(pg_catalog.=) 'object' THEN contact.properties END) e),
element AS (
    SELECT f.key, {kind_of_element} AS kind, pg_catalog.count(*) AS times
      FROM field f, pg_catalog.jsonb_array_elements(CASE WHEN f.kind OPERATOR(pg_catalog.=) 'array' THEN f.value END) i(value)
     GROUP BY 1, 2),
value AS (
    SELECT f.key, f.value, pg_catalog.count(*) AS times,
           pg_catalog.row_number() OVER (PARTITION BY f.key ORDER BY pg_catalog.count(*) DESC, f.value) AS place
      FROM field f WHERE f.kind OPERATOR(pg_catalog.<>) 'null' GROUP BY f.key, f.value),
kind AS (
    SELECT f.key, f.kind, pg_catalog.count(*) AS times,
           pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY f.key) AS all_times
      FROM field f WHERE f.kind OPERATOR(pg_catalog.<>) 'null' GROUP BY f.key, f.kind)
SELECT f.key, pg_catalog.count(*)::pg_catalog.float8 OPERATOR(pg_catalog./) (SELECT t.contacts FROM total t),
       (SELECT pg_catalog.count(*) FROM value v WHERE v.key OPERATOR(pg_catalog.=) f.key),
       COALESCE((SELECT pg_catalog.jsonb_agg(v.value ORDER BY v.place)::pg_catalog.text FROM value v
                  WHERE v.key OPERATOR(pg_catalog.=) f.key AND v.place OPERATOR(pg_catalog.<=) 3), '[]'),
       COALESCE((SELECT pg_catalog.array_agg(k.kind ORDER BY k.times DESC, k.kind) FROM kind k
                  WHERE k.key OPERATOR(pg_catalog.=) f.key
                    AND k.times::pg_catalog.numeric OPERATOR(pg_catalog.*) 100 OPERATOR(pg_catalog.>=) k.all_times), '{{}}'),
       (SELECT pg_catalog.array_agg(e.kind ORDER BY e.times DESC, e.kind) FROM element e WHERE e.key OPERATOR(pg_catalog.=) f.key)
  FROM field f GROUP BY f.key ORDER BY 2 DESC, 1"#
    )
}

/// The type that values of these kinds have; json where they have nothing in common.
fn type_of(kinds: &[String], elements: Option<&[String]>) -> PropertyType {
    let scalar = |kinds: &[String]| {
        let mut kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        kinds.sort_unstable();
        Some(match kinds.as_slice() {
            ["number"] => ScalarType::Number,
            ["boolean"] => ScalarType::Boolean,
            ["date"] => ScalarType::Date,
            ["timestamp"] | ["date", "timestamp"] => ScalarType::Timestamp,
            // A few dates among strings are strings that look like dates.
            kinds
                if kinds.contains(&"string")
                    && kinds.iter().all(|kind| ["string", "date", "timestamp"].contains(kind)) =>
            {
                ScalarType::String
            }
            _ => return None,
        })
    };
    match kinds {
        [array] if array == "array" => elements.and_then(scalar).map_or(PropertyType::Json, PropertyType::Array),
        kinds => scalar(kinds).map_or(PropertyType::Json, PropertyType::Scalar),
    }
}
