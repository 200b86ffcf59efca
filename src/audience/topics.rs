//! Telling which table says who is subscribed to what.

use super::Audience;
use super::attach::{find_column, must_own};
use super::columns::{self, CatalogColumn};
use crate::error::{Failure, required};
use crate::pg::subtransaction;
use crate::{access, live, query};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};

/// Tells which table says who is subscribed to what.
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
    let quoted = must_own(relation);
    let catalog = columns::read(relation);
    let contact = find_column(&catalog, contact_column, &quoted);
    let topic = find_column(&catalog, topic_column, &quoted);
    let before = Audience::load(audience);
    must_own(before.relation.oid);
    must_refer_to(contact, &before, &quoted);
    must_hold_topics(topic);
    let before = live::hold_writers(&before.name);
    map_topics(audience, relation, [contact_column, topic_column]);
    access::extend(audience, relation);
    live::topics_attached(&before);
}

/// Raises 42804 where a column cannot be compared with the ids of contacts.
fn must_refer_to(contact: &CatalogColumn, audience: &Audience, table: &str) {
    let id = &audience.id;
    let comparison = format!(
        "SELECT FROM {table} s, {} c WHERE s.{} OPERATOR({}.=) c.{} LIMIT 0",
        audience.relation.quoted(),
        quote_identifier(&contact.name),
        quote_identifier(id.operators_with(&contact.type_name)),
        quote_identifier(&id.name)
    );
    if subtransaction::attempt(|| query::first(&comparison, &[], |_| ())).is_err() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{}\" of {table} does not hold ids of contacts", contact.name),
        )
        .detail(format!("It is of type {}, the ids are of type {}.", contact.type_name, id.type_name))
        .hint(format!("Name the column that refers to \"{}\", and give it the same type.", id.name))
        .raise()
    }
}

/// Raises 42804 where a column holds neither slugs nor ids of topics.
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

/// Keeps which table has the subscriptions, and its columns with the contact and the topic.
pub fn map_topics(audience: &str, relation: pg_sys::Oid, columns: [&str; 2]) {
    access::write(
        "UPDATE segments.audience_config a
            SET topics_relation = $2, topics_relation_name = segments.quoted_name($2),
                topics_contact_column = $3::pg_catalog.name, topics_topic_column = $4::pg_catalog.name
          WHERE a.name OPERATOR(pg_catalog.=) $1",
        &[audience.into(), relation.into(), columns[0].into(), columns[1].into()],
    );
}
