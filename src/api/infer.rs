//! `infer_properties`: the custom properties that occur in a sample of the contacts.

use crate::api::property;
use crate::api::sample::sampled;
use crate::catalog::access;
use crate::catalog::audience::{Audience, RelatedRows};
use crate::catalog::contact_sql::executable_sql;
use crate::catalog::source;
use crate::catalog::visible::{self, Reads};
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::{query, returning};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use segments_core::expr::Expr;
use segments_core::infer::{EpochNumbers, ValueKind, property_type};
use segments_core::path::Path;
use segments_core::types::PropertyType;

/// The custom properties that occur in a sample of the contacts.
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
        source::must_declare(&audience.name);
    }
    let mut found = infer(&audience, sample);
    for relation in &audience.relations {
        let Ok(RelatedRows { rows, .. }) = &relation.rows else { continue };
        let below = |name: &str| relation.property_name(&Path::parse(name));
        // Whoever may read the contacts need not be allowed to read the rows.
        if visible::may_select(rows, &Reads::of(rows, &Expr::Const(true)).with_properties(rows)) {
            found.extend(infer(rows, sample).into_iter().map(|found| Inferred { name: below(&found.name), ..found }));
        }
    }
    if declare {
        audience = property::hold(&audience.name, found.iter().map(|found| found.name.as_str()));
    }
    let is_declared = |found: &Inferred| {
        let path = Path::parse(&found.name);
        match audience.related(path.first()).map(|relation| &relation.rows) {
            Some(Ok(related)) => related.rows.property_at(&Path::from_keys(path.rest().to_vec())).is_some(),
            Some(Err(_)) => false,
            None => audience.property_at(&path).is_some(),
        }
    };
    let mut declared: Vec<bool> = found.iter().map(is_declared).collect();
    if declare {
        for (found, declared) in found.iter().zip(&mut declared) {
            // Nulls say nothing about the type.
            if !*declared
                && found.distinct_values > 0
                && property::is_possible_name(&found.name)
                && obstacle(&mut audience, &found.name, found.property_type).is_none()
            {
                property::declare(&audience, &found.name, found.property_type, None);
                *declared = true;
            }
        }
    }
    returning::rows(
        call,
        "SELECT f.name, f.type, round(f.present::numeric, 4), f.distinct_values, f.examples::jsonb, f.declared
           FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4),
                           unnest($5), unnest($6))
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

/// Why a property, of contacts or of the rows of a relation, cannot be declared.
fn obstacle(audience: &mut Audience, name: &str, property_type: PropertyType) -> Option<Failure> {
    let path = Path::parse(name);
    match audience.related(path.first()) {
        Some(relation) => property::related::obstacle(audience, relation, &path, property_type),
        None => property::obstacle(audience, name, property_type),
    }
}

struct Inferred {
    /// The name as conditions write it
    name: String,
    property_type: PropertyType,
    /// The share of the sampled contacts, or rows, that have the key
    present: f64,
    distinct_values: i64,
    /// The most frequent values, as the JSON text of an array
    examples: String,
}

/// How many properties of the contacts, and of the rows of each relation, are returned at most.
const MOST: usize = 1000;
/// How many example values each property gets.
const EXAMPLES: usize = 3;

/// The properties in a sample, the most frequent first.
fn infer(audience: &Audience, sample: i32) -> Vec<Inferred> {
    let Some(properties) = &audience.table.properties else { return Vec::new() };
    let sql = query_for(
        &quote_identifier(&properties.name),
        &audience.relation.quoted(),
        &sampled(audience, sample),
        &executable_sql(audience, &Expr::Const(true)),
        &format!("{}.property_timestamp", quote_identifier(&audience.extension_schema)),
    );
    let most = MOST as i64 + 1;
    let kinds = query::rows(&sql, &[i64::from(sample).into(), most.into()], |row| KindOfKey {
        keys: [Some(row.get::<String>(1)), row.nullable::<String>(2)].into_iter().flatten().collect(),
        present: row.get(3),
        of_elements: row.get(4),
        kind: row.get(5),
        times: row.get(6),
        distinct_values: row.get(7),
        examples: row.get::<Vec<i64>>(8).into_iter().zip(row.get::<Vec<String>>(9)).collect(),
    });
    // No property name can stand for an empty key.
    let by_name =
        kinds.chunk_by(|one, other| one.keys == other.keys).filter(|kinds| !kinds[0].keys.contains(&String::new()));
    let mut found: Vec<Inferred> = by_name.map(Inferred::of).collect();
    if found.len() > MOST {
        found.truncate(MOST);
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("the contacts have more than {MOST} properties"))
            .detail("The list has those that most contacts have.")
            .hint("Keys that are ids or dates are better kept as the values of an array.")
            .notice();
    }
    found
}

/// The values of one key with the same JSON kind, or their elements with the same kind.
struct KindOfKey {
    keys: Vec<String>,
    present: f64,
    of_elements: bool,
    kind: String,
    times: i64,
    distinct_values: i64,
    /// The most frequent values, with their ranks among the values of all kinds
    examples: Vec<(i64, String)>,
}

impl Inferred {
    /// Infers a property from the kinds of a key's values, the most frequent first, followed by the kinds of elements.
    fn of(kinds: &[KindOfKey]) -> Self {
        let values = || kinds.iter().filter(|kind| !kind.of_elements && kind.kind != "null");
        let named = |kind: &KindOfKey| ValueKind::named(&kind.kind);
        let counted: Vec<_> = values().map(|kind| (named(kind), kind.times)).collect();
        let elements: Vec<_> = kinds.iter().filter(|kind| kind.of_elements).map(named).collect();
        let mut examples: Vec<&(i64, String)> = values().flat_map(|kind| &kind.examples).collect();
        examples.sort_by_key(|(place, _)| *place);
        let examples: Vec<&str> = examples.into_iter().take(EXAMPLES).map(|(_, value)| value.as_str()).collect();
        Inferred {
            name: Path::from_keys(kinds[0].keys.clone()).text().to_owned(),
            property_type: property_type(&counted, &elements),
            present: kinds[0].present,
            distinct_values: values().map(|kind| kind.distinct_values).sum(),
            examples: format!("[{}]", examples.join(", ")),
        }
    }
}

/// The kind of a number, as SQL: `number`, or that of the dates that it may be.
fn kind_of_number(number: &str) -> String {
    let kinds = EpochNumbers::ALL.map(|EpochNumbers { least, end, day, days, times }| {
        format!(
            "WHEN {number} OPERATOR(pg_catalog.>=) {least} AND {number} OPERATOR(pg_catalog.<) {end}
                    THEN CASE WHEN {number} OPERATOR(pg_catalog.%) {day} OPERATOR(pg_catalog.=) 0 THEN '{days}' ELSE '{times}' END"
        )
    });
    format!("CASE {} ELSE 'number' END", kinds.join(" "))
}

/// The query returns a row for each key, or key of a nested object, and each kind of its values or of their elements.
/// Each step groups the result of the step before, so the time is proportional to the number of values, whatever the
/// keys are.
fn query_for(properties: &str, table: &str, sampled: &str, scope: &str, property_timestamp: &str) -> String {
    let is_object = |value: &str| format!("pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.=) 'object'");
    let members = |value: &str| format!("pg_catalog.jsonb_each(CASE WHEN {} THEN {value} END)", is_object(value));
    // A string counts as a date if conditions read it as one and it has the common format.
    let kind = |value: &str| {
        format!(
            r#"CASE WHEN pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.=) 'number' THEN {of_number}
                WHEN pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.<>) 'string' THEN pg_catalog.jsonb_typeof({value})
                WHEN {value} OPERATOR(pg_catalog.#>>) '{{}}' OPERATOR(pg_catalog.!~) '^\d{{4}}-\d\d-\d\d($|[Tt ]\d\d:\d\d)' THEN 'string'
                WHEN {property_timestamp}(pg_catalog.jsonb_build_object('', {value}), '') IS NULL THEN 'string'
                WHEN pg_catalog.length({value} OPERATOR(pg_catalog.#>>) '{{}}') OPERATOR(pg_catalog.=) 10 THEN 'date'
                ELSE 'timestamp' END"#,
            of_number = kind_of_number(&format!("({value})::pg_catalog.numeric")),
        )
    };
    format!(
        r#"
WITH contact AS MATERIALIZED (
    SELECT {properties} AS properties FROM {table} {sampled} WHERE {scope} LIMIT $1),
top AS MATERIALIZED (
    SELECT e.key, e.value, pg_catalog.count(*) AS times FROM contact c, {of_contact} e GROUP BY e.key, e.value),
field AS (
    SELECT t.key, NULL::pg_catalog.text AS below, t.value, t.times FROM top t
    UNION ALL
    SELECT t.key, b.key, b.value, pg_catalog.sum(t.times) FROM top t, {of_value} b GROUP BY t.key, b.key, b.value),
value AS MATERIALIZED (
    SELECT f.*, {kind_of_value} AS kind,
           pg_catalog.row_number() OVER (PARTITION BY f.key, f.below ORDER BY f.times DESC, f.value) AS place
      FROM field f),
fact AS (
    SELECT v.key, v.below, false AS of_elements, v.kind, v.times, v.place, v.value FROM value v
    UNION ALL
    SELECT v.key, v.below, true, {kind_of_element}, v.times, NULL, NULL
      FROM value v, pg_catalog.jsonb_array_elements(CASE WHEN v.kind OPERATOR(pg_catalog.=) 'array' THEN v.value END) i(value)),
kind AS (
    SELECT f.key, f.below, f.of_elements, f.kind, pg_catalog.sum(f.times)::pg_catalog.int8 AS times, pg_catalog.count(*) AS distinct_values,
           -- One of them may be null.
           pg_catalog.array_agg(f.place ORDER BY f.place) FILTER (WHERE f.place OPERATOR(pg_catalog.<=) {examples}) AS places,
           pg_catalog.array_agg(f.value::pg_catalog.text ORDER BY f.place) FILTER (WHERE f.place OPERATOR(pg_catalog.<=) {examples}) AS examples
      FROM fact f GROUP BY f.key, f.below, f.of_elements, f.kind),
present AS (
    SELECT k.*, pg_catalog.sum(k.times) FILTER (WHERE NOT k.of_elements) OVER (PARTITION BY k.key, k.below) AS contacts FROM kind k),
ranked AS (
    SELECT p.*, pg_catalog.dense_rank() OVER (ORDER BY p.contacts DESC, p.key, p.below NULLS FIRST) AS rank FROM present p)
SELECT r.key, r.below, r.contacts::pg_catalog.float8 OPERATOR(pg_catalog./) (SELECT pg_catalog.count(*) FROM contact),
       r.of_elements, r.kind, r.times, r.distinct_values, COALESCE(r.places, '{{}}'), COALESCE(r.examples, '{{}}')
  FROM ranked r WHERE r.rank OPERATOR(pg_catalog.<=) $2
 ORDER BY r.rank, r.of_elements, r.times DESC, r.kind"#,
        examples = EXAMPLES + 1,
        of_contact = members("c.properties"),
        of_value = members("t.value"),
        kind_of_value = kind("f.value"),
        kind_of_element = kind("i.value"),
    )
}
