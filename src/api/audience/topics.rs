//! Attaching the table of subscriptions.

use crate::api::grant;
use crate::catalog::access::{self, must_own};
use crate::catalog::audience::Audience;
use crate::catalog::columns::{self, CatalogColumn, find_column, refers_to};
use crate::catalog::source;
use crate::live::{definition_locks, freshness};
use crate::pg::error::{Failure, required};
use pgrx::prelude::*;
use pgrx::{PgSqlErrorCode, pg_sys};

/// Attaches the table of subscriptions of an audience.
#[pg_extern(sql = false)]
fn attach_topics(
    audience: Option<&str>,
    relation: Option<pg_sys::Oid>,
    contact_column: Option<&str>,
    topic_column: Option<&str>,
) {
    let (audience, relation) = (required("audience", audience), required("relation", relation));
    let contact_column = required("contact_column", contact_column);
    let topic_column = required("topic_column", topic_column);
    access::require_write(audience);
    source::must_declare(audience);
    let quoted = must_own(relation);
    let catalog = columns::read(relation);
    let contact = find_column(&catalog, contact_column, &quoted);
    let topic = find_column(&catalog, topic_column, &quoted);
    let before = Audience::load(audience);
    must_own(before.relation.oid);
    must_refer_to(relation, contact, &before, &quoted);
    must_hold_topics(topic);
    let before = definition_locks::hold_writers_of_source(&before.name);
    map_topics(audience, relation, [contact_column, topic_column]);
    grant::extend(audience, relation);
    freshness::topics_attached(&before);
}

/// Raises 42804 if a column cannot be compared with the ids of contacts.
fn must_refer_to(relation: pg_sys::Oid, contact: &CatalogColumn, audience: &Audience, table: &str) {
    let id = &audience.id;
    if !refers_to(relation, contact, audience.relation.oid, id) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of {table} does not hold ids of contacts", contact.name),
        )
        .detail(format!(
            "It is of type {}, the ids are of type {}. No \"=\" between these types tells ids apart as their own type does.",
            contact.type_name, id.type_name
        ))
        .hint(format!("Name the column that refers to \"{}\", and give it the same type and collation.", id.name))
        .raise()
    }
}

/// Raises 42804 if a column holds neither slugs nor ids of topics.
fn must_hold_topics(topic: &CatalogColumn) {
    if topic.to_topic().is_none() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of type {} cannot hold topics", topic.name, topic.type_name),
        )
        .detail("A subscription names its topic by slug (text) or by id (uuid).")
        .hint("Name another column.")
        .raise()
    }
}

/// Stores the table of subscriptions, and its columns with the contact and the topic.
pub fn map_topics(audience: &str, relation: pg_sys::Oid, columns: [&str; 2]) {
    access::write(
        "UPDATE segments.table_config t
            SET topics_relation = $2, topics_relation_name = segments.quoted_name($2),
                topics_contact_column = $3::name, topics_topic_column = $4::name
          WHERE t.audience = $1",
        &[audience.into(), relation.into(), columns[0].into(), columns[1].into()],
    );
}
