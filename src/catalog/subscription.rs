//! SQL for subscriptions, in queries that also read the contacts' table, whose name may be anything.

use crate::catalog::audience::Audience;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};
use segments_core::sql::{self, Style, Topics};

/// The alias of a subscription in these queries, unquoted.
const ALIAS: &str = "segments.subscription";
/// The alias of a known topic, quoted.
const KNOWN: &str = "\"segments.known\"";

/// The table of subscriptions with its alias, for `FROM` and `INTO`.
pub fn table(topics: &Topics) -> String {
    let relation = quote_qualified_identifier(&topics.relation.schema, &topics.relation.name);
    format!("{relation} AS {}", quote_identifier(ALIAS))
}

/// A condition that a subscription belongs to the contact whose id is the term.
pub fn is_of(topics: &Topics, id: &str) -> String {
    let (contact, schema) = (column(&topics.contact_column), quote_identifier(&topics.operators));
    format!("{contact} OPERATOR({schema}.=) {id}")
}

/// The topic of a subscription, as a value of a built-in type.
pub fn topic(audience: &Audience, topics: &Topics) -> String {
    sql::value(&topics.topic_column, &Style { alias: Some(ALIAS.to_owned()), ..audience.style() })
}

/// A query that returns the topics of the contact whose id is the term, as one row with the column `topics`: an array of the
/// column's own type, NULL if there are none. It has its own FROM, because Citus plans no LATERAL subquery without one.
pub fn row_of_held(topics: &Topics, id: &str) -> String {
    let topic = column(&topics.topic_column.name);
    format!("SELECT pg_catalog.array_agg({topic}) AS topics FROM {} WHERE {}", table(topics), is_of(topics, id))
}

/// The slugs of the topics that the row's contact is subscribed to, as jsonb.
pub fn slugs(audience: &Audience) -> String {
    let Some(topics) = &audience.table.topics else { return "'[]'::pg_catalog.jsonb".to_owned() };
    let contact = format!("{}.{}", quote_identifier(&audience.table.name), quote_identifier(&topics.id_column));
    format!(
        "(SELECT COALESCE(pg_catalog.jsonb_agg({KNOWN}.slug ORDER BY {KNOWN}.slug), '[]')
            FROM {table}
            JOIN segments.topic_config {KNOWN}
              ON {KNOWN}.audience OPERATOR(pg_catalog.=) {audience}
             AND {topic}::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[{KNOWN}.slug, {KNOWN}.id::pg_catalog.text])
           WHERE {is_of})",
        table = table(topics),
        audience = quote_literal(&audience.source),
        topic = topic(audience, topics),
        is_of = is_of(topics, &contact),
    )
}

fn column(name: &str) -> String {
    format!("{}.{}", quote_identifier(ALIAS), quote_identifier(name))
}
