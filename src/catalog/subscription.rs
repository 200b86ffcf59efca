//! Subscriptions in queries that also read the contacts' table, which may have any name.

use crate::catalog::audience::Audience;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};
use segments_core::sql::{self, Style, Topics};

/// What a subscription is called there, unquoted.
const ALIAS: &str = "segments.subscription";
/// And a topic that there is, quoted.
const KNOWN: &str = "\"segments.known\"";

/// The table of subscriptions, as `FROM` and `INTO` have it.
pub fn table(topics: &Topics) -> String {
    let relation = quote_qualified_identifier(&topics.relation.schema, &topics.relation.name);
    format!("{relation} AS {}", quote_identifier(ALIAS))
}

/// That a subscription is that of the contact whose id is the term.
pub fn is_of(topics: &Topics, id: &str) -> String {
    let (contact, schema) = (column(&topics.contact_column), quote_identifier(&topics.operators));
    format!("{contact} OPERATOR({schema}.=) {id}")
}

/// The topic that a subscription names, as a value of a built-in type.
pub fn topic(audience: &Audience, topics: &Topics) -> String {
    sql::value(&topics.topic_column, &Style { alias: Some(ALIAS.to_owned()), ..audience.style() })
}

/// The topics of the contact whose id is the term, an array of the column's own type.
pub fn held_by(topics: &Topics, id: &str) -> String {
    let topic = column(&topics.topic_column.name);
    format!("ARRAY(SELECT {topic} FROM {} WHERE {})", table(topics), is_of(topics, id))
}

/// A query of one row, those topics as its column `topics`; NULL where there are none. It has a FROM of its own, without
/// which Citus plans no sub-query that is LATERAL.
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
        audience = quote_literal(&audience.name),
        topic = topic(audience, topics),
        is_of = is_of(topics, &contact),
    )
}

fn column(name: &str) -> String {
    format!("{}.{}", quote_identifier(ALIAS), quote_identifier(name))
}
