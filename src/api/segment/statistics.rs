//! `segment_statistics`: how the values of properties are distributed among a segment's members and in its audience.

use crate::api::index::unknown_property;
use crate::api::segment::read::checked;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::{joined_field_sql, joined_sql};
use crate::catalog::segment::{Definition, id_of};
use crate::catalog::visible;
use crate::pg::call::Call;
use crate::pg::error::{Failure, internal, required};
use crate::pg::{returning, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use segments_core::expr::{Checked, Expr};
use segments_core::path::Path;
use segments_core::sql::Joined;
use segments_core::types::{PropertyType, ScalarType};

/// How many properties can be described at once. A query of Postgres has at most 1,664 columns; the others say who is a
/// member.
const MOST: usize = 1600;

/// For each property: which share of the members and of the audience have it, and their most frequent values or the
/// quantiles of their values. The contacts are read once, with the caller's rights. Without `properties`, those that the
/// caller may not SELECT are left out; one that is named raises 42501.
#[pg_extern(sql = false)]
fn segment_statistics(segment: Option<pgrx::Uuid>, properties: Option<Vec<Option<String>>>, call: Call) {
    let definition = Definition::load(id_of(required("segment", segment)));
    let audience = Audience::load(&definition.audience);
    let condition = checked(&audience, &definition);
    let names = properties.map(|names| names.into_iter().map(|name| required("properties", name)).collect::<Vec<_>>());
    let all = || audience.property_names().filter(|name| *name != audience.id.name).collect();
    let asked = names.clone().unwrap_or_else(all).into_iter().map(|name| Property::named(&audience, &name));
    let readable = visible::readable_columns(&audience);
    let may_read = |property: &Property| property.column.as_ref().is_none_or(|column| readable.contains(column));
    let (properties, hidden): (Vec<Property>, Vec<Property>) = asked.partition(may_read);
    if let (Some(_), Some(property)) = (names, hidden.first()) {
        not_readable(&audience, property).raise()
    }
    if properties.len() > MOST {
        Failure::new(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("at most {MOST} properties can be described at once"),
        )
        .detail(format!("There were {}.", properties.len()))
        .hint("Name fewer of them: segment_statistics(…, properties => '{…}').")
        .raise()
    }
    let sql = format!("WITH counted AS MATERIALIZED ({}), {}", counted(&audience, &condition, &properties), STATISTICS);
    let types: Vec<String> = properties.iter().map(|property| property.property_type.to_string()).collect();
    let is_ordered: Vec<bool> =
        properties.iter().map(|property| Listing::of(property.property_type).is_ordered).collect();
    let names: Vec<String> = properties.into_iter().map(|property| property.name).collect();
    snapshot::of_statement(|| returning::rows(call, &sql, &[names.into(), types.into(), is_ordered.into()]));
}

const STATISTICS: &str = include_str!("../../../sql/queries/statistics.sql");

/// The error for a property that a caller names without the right to SELECT its column.
fn not_readable(audience: &Audience, property: &Property) -> Failure {
    let (name, column) = (&property.name, property.column.as_deref().unwrap_or_default());
    let relation = audience.relation.quoted();
    Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("permission denied for property \"{name}\""))
        .detail(format!("You may not SELECT column \"{column}\" of {relation}."))
        .hint(format!(
            "Leave it out, or ask the table's owner to GRANT SELECT ({}) ON {relation} to you.",
            quote_identifier(column)
        ))
}

struct Property {
    name: String,
    property_type: PropertyType,
    /// SQL for the stored value, as jsonb
    value: String,
    /// The column that has it
    column: Option<String>,
}

impl Property {
    /// The property with that name. Raises 42703 if there is none.
    fn named(audience: &Audience, name: &str) -> Self {
        let path = Path::parse(name);
        let Some(property_type) = audience.property_at(&path) else { unknown_property(audience, name).raise() };
        let native = audience.table.column(path.first()).map(|column| &column.name);
        let column = native.or(audience.table.properties.as_ref().map(|column| &column.name)).cloned();
        Property { name: name.to_owned(), property_type, value: joined_field_sql(audience, &path), column }
    }
}

/// How the values of a type are listed.
struct Listing {
    /// The kinds of JSON values that are listed: values of the type, or elements of its arrays
    kinds: &'static str,
    /// As which dates stored values are read, as an SQL literal; NULL if they are not
    dates: &'static str,
    /// Whether values have an order that quantiles make sense of
    is_ordered: bool,
}

impl Listing {
    fn of(property_type: PropertyType) -> Self {
        let (kinds, dates, is_ordered) = match property_type.element() {
            Some(ScalarType::String) => ("{string}", "NULL", false),
            Some(ScalarType::Boolean) => ("{boolean}", "NULL", false),
            Some(ScalarType::Number) => ("{number}", "NULL", true),
            Some(ScalarType::Date) => ("{string}", "'date'", true),
            Some(ScalarType::Timestamp) => ("{string}", "'timestamp'", true),
            Some(ScalarType::DateSeconds | ScalarType::TimestampSeconds) => ("{number}", "NULL", true),
            None => ("{string,number,boolean,array,object}", "NULL", false),
        };
        Listing { kinds, dates, is_ordered }
    }
}

/// The query that reads the contacts. It counts, for each property by its number and each value, the members and all
/// contacts that have the value. Rows with `per_contact` add up to the contacts that have the property at all. Number 0
/// stands for the contacts themselves.
fn counted(audience: &Audience, condition: &Checked, properties: &[Property]) -> String {
    let Joined { joins, conditions } = joined_sql(audience, &[condition.clone(), Expr::Const(true)]);
    let [is_member, is_contact] = &conditions[..] else { internal("a condition was not compiled").raise() };
    let mut columns = vec![format!("({is_member}) AS is_member")];
    let (mut scalars, mut arrays) = (Vec::new(), Vec::new());
    for (number, property) in (1..).zip(properties) {
        columns.push(format!("{} AS p{number}", property.value));
        let Listing { kinds, dates, .. } = Listing::of(property.property_type);
        let row = format!("({number}, c.p{number}, '{kinds}'::pg_catalog.text[], {dates}::pg_catalog.text)");
        if matches!(property.property_type, PropertyType::Array(_)) { arrays.push(row) } else { scalars.push(row) }
    }
    let mut reads = vec!["SELECT 0, NULL::pg_catalog.jsonb, true".to_owned()];
    if !scalars.is_empty() {
        reads.push(format!(
            "SELECT p.number, v.value, true FROM (VALUES {}) p(number, value, kinds, dates)
              CROSS JOIN LATERAL (SELECT {}) v(value)
              WHERE pg_catalog.jsonb_typeof(v.value) OPERATOR(pg_catalog.=) ANY (p.kinds)",
            scalars.join(", "),
            read_value(audience, "p.value"),
        ));
    }
    if !arrays.is_empty() {
        reads.push(format!(
            "SELECT p.number, v.value, v.per_contact FROM (VALUES {}) p(number, value, kinds, dates)
              CROSS JOIN LATERAL (
                    SELECT NULL::pg_catalog.jsonb, true
                     UNION ALL
                    SELECT DISTINCT r.value, false
                      FROM pg_catalog.jsonb_array_elements(
                            CASE WHEN pg_catalog.jsonb_typeof(p.value) OPERATOR(pg_catalog.=) 'array' THEN p.value END) e(value)
                     CROSS JOIN LATERAL (SELECT {}) r(value)
                     WHERE pg_catalog.jsonb_typeof(r.value) OPERATOR(pg_catalog.=) ANY (p.kinds)) v(value, per_contact)
              WHERE pg_catalog.jsonb_typeof(p.value) OPERATOR(pg_catalog.=) 'array'",
            arrays.join(", "),
            read_value(audience, "e.value"),
        ));
    }
    // OFFSET 0 keeps the planner from evaluating the condition again for each property.
    format!(
        "SELECT v.number, v.value, v.per_contact, pg_catalog.count(*) FILTER (WHERE c.is_member) AS members,
                pg_catalog.count(*) AS contacts
           FROM (SELECT {} FROM {}{joins} WHERE {is_contact} OFFSET 0) c
          CROSS JOIN LATERAL ({}) v(number, value, per_contact)
          GROUP BY v.number, v.value, v.per_contact",
        columns.join(", "),
        audience.relation.quoted(),
        reads.join(" UNION ALL "),
    )
}

/// SQL for a stored value as it is listed. Dates are written in one form, in UTC and without fractions of a second, so
/// that their texts have the order of the dates. What is no date becomes NULL.
fn read_value(audience: &Audience, value: &str) -> String {
    let schema = quote_identifier(&audience.extension_schema);
    format!(
        "CASE WHEN p.dates OPERATOR(pg_catalog.=) 'date' THEN pg_catalog.to_jsonb({schema}.property_date(pg_catalog.jsonb_build_object('', {value}), ''))
              WHEN p.dates OPERATOR(pg_catalog.=) 'timestamp' THEN pg_catalog.to_jsonb(pg_catalog.to_char(pg_catalog.timezone('UTC',
                  {schema}.property_timestamp(pg_catalog.jsonb_build_object('', {value}), '')), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))
              ELSE {value} END"
    )
}
