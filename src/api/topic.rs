//! Topics and subscriptions.

use crate::api::contact::unknown_contact;
use crate::api::name;
use crate::api::segment::any_topic::with_new_topic;
use crate::catalog::audience::Audience;
use crate::catalog::environment::AudienceEnvironment;
use crate::catalog::segment::argument;
use crate::catalog::{access, contact_sql, source, subscription};
use crate::pg::error::{Failure, required};
use crate::pg::{query, returning};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use pgrx::{AnyElement, PgSqlErrorCode};
use segments_core::check::Environment;
use segments_core::date::NamedZone;
use segments_core::expr::Expr;
use segments_core::sql::{self, Topics};
use uuid::Uuid;

/// Adds a topic that contacts can be subscribed to.
#[pg_extern(sql = false)]
fn create_topic(
    name: Option<&str>,
    slug: Option<&str>,
    description: Option<&str>,
    audience: Option<&str>,
) -> Option<AnyElement> {
    let (name, audience) = (required("name", name), required("audience", audience));
    let slug = slug.map_or_else(|| slug_of(name), str::to_owned);
    for (what, text) in [("name", name), ("slug", &slug)] {
        let hint = "Choose another name, or give a slug: create_topic('…', slug => '…').";
        name::must_be_legible(text, &format!("the {what} of a topic"), hint);
    }
    access::require_write(audience);
    source::must_declare(audience);
    let id = Uuid::now_v7();
    with_new_topic(audience, || {
        let added = access::write(
            "INSERT INTO segments.topic_config (id, audience, slug, name, description) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
            &[argument(id), audience.into(), slug.as_str().into(), name.into(), description.map(str::to_owned).into()],
        );
        if added == 0 {
            Failure::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
                format!("topic \"{slug}\" already exists in audience \"{audience}\""),
            )
            .detail("Slugs are unique in an audience.")
            .hint("Choose another name, or give a slug: create_topic('…', slug => '…').")
            .raise()
        }
    });
    returning::value(
        "SELECT t FROM segments.topic t WHERE t.id = $1 AND t.audience = $2",
        &[argument(id), audience.into()],
    )
}

/// Subscribes a contact to a topic.
#[pg_extern(sql = false)]
fn subscribe_contact(contact_id: Option<&str>, topic: Option<&str>, audience: Option<&str>) {
    let contact_id = required("contact_id", contact_id);
    let (topic, audience) = (required("topic", topic), required("audience", audience));
    let (audience, topic) = resolve(topic, audience);
    let topics = mapped(&audience);
    let (table, is_contact) = (audience.relation.quoted(), is_contact_of(&audience, contact_id));
    let exists = format!("SELECT true FROM {table} WHERE {is_contact}");
    if query::first(&exists, &[], |row| row.get::<bool>(1)).is_none() {
        unknown_contact(&audience, contact_id).raise()
    }
    let id = format!("{}.{}", quote_identifier(&audience.table.name), quote_identifier(&audience.id.name));
    query::write(
        &format!(
            "INSERT INTO {subscriptions} ({contact}, {topic_column})
             SELECT {id}, {topic_value} FROM {table} WHERE {is_contact}
                AND NOT EXISTS (SELECT 1 FROM {subscriptions} WHERE {is_held} AND {is_topic})
                 ON CONFLICT DO NOTHING",
            contact = quote_identifier(&topics.contact_column),
            topic_column = quote_identifier(&topics.topic_column.name),
            subscriptions = subscription::table(topics),
            is_held = subscription::is_of(topics, &id),
            is_topic = is_topic(&audience, topics),
            topic_value = contact_sql::literal(&topic, &sql::type_name(&topics.topic_column, &audience.style())),
        ),
        &[topic.as_str().into()],
    );
}

/// Unsubscribes a contact from a topic.
#[pg_extern(sql = false)]
fn unsubscribe_contact(contact_id: Option<&str>, topic: Option<&str>, audience: Option<&str>) {
    let contact_id = required("contact_id", contact_id);
    let (topic, audience) = (required("topic", topic), required("audience", audience));
    let (audience, topic) = resolve(topic, audience);
    let topics = mapped(&audience);
    let (table, is_contact) = (audience.relation.quoted(), is_contact_of(&audience, contact_id));
    let id = quote_identifier(&audience.id.name);
    query::write(
        &format!(
            "DELETE FROM {subscriptions} WHERE {is_topic} AND {is_theirs}",
            subscriptions = subscription::table(topics),
            is_topic = is_topic(&audience, topics),
            is_theirs = subscription::is_of(topics, &format!("(SELECT {id} FROM {table} WHERE {is_contact})")),
        ),
        &[topic.into()],
    );
}

/// A condition that a row of the table is the contact with that id, and belongs to the audience.
fn is_contact_of(audience: &Audience, contact_id: &str) -> String {
    let is_of_audience = contact_sql::executable_sql(audience, &Expr::Const(true));
    format!("{} AND ({is_of_audience})", contact_sql::is_contact(audience, contact_id))
}

/// A condition that a subscription is to the topic in the query's argument.
fn is_topic(audience: &Audience, topics: &Topics) -> String {
    format!("{}::pg_catalog.text OPERATOR(pg_catalog.=) $1", subscription::topic(audience, topics))
}

/// The audience, and the topic as its table of subscriptions stores it.
fn resolve(topic: &str, audience: &str) -> (Audience, String) {
    let audience = Audience::load(audience);
    let found = AudienceEnvironment::new(&audience, NamedZone::utc()).topic(topic);
    let topic = found.unwrap_or_else(|refusal| {
        Failure::new(crate::pg::error::sqlstate(refusal.kind), refusal.message)
            .detail(format!("The audience is \"{}\".", audience.name))
            .hint(refusal.hint)
            .raise()
    });
    (audience, topic)
}

fn mapped(audience: &Audience) -> &Topics {
    audience.table.topics.as_ref().unwrap_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("audience \"{}\" has no table of subscriptions", audience.name),
        )
        .detail("Subscriptions are stored in a table of yours.")
        .hint("Name that table with attach_topics().")
        .raise()
    })
}

/// The slug of a name: lower-case words joined by hyphens.
fn slug_of(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}
