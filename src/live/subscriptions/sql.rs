//! The queries of changed subscriptions, on one audience's tables.

use crate::audience::{Audience, ColumnRef, Subscriptions};
use crate::contact;
use crate::live::kept::LiveSegment;
use crate::pg::trigger::Event;
use crate::query;
use crate::topic::subscription;
use pgrx::pg_sys::Oid;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use segments_core::sql::{self, ColumnKind, Style};

/// The tables and columns that the queries name, and the one query that is the same for every statement.
pub struct Sql {
    contacts: String,
    /// The column that identifies contacts, quoted
    id: String,
    /// And its type
    id_column: ColumnRef,
    subscriptions: String,
    contact_column: String,
    /// The operator that compares it with ids
    equals: String,
    /// What the row's contact is subscribed to
    held_by_row: String,
    /// `b.topic`, a text, in the type of that column
    topic_read: String,
    /// The name by which conditions call the row, quoted
    row: String,
    /// How the texts of queries begin
    mark: String,
    /// What the contacts `$1` are subscribed to, and the places of these subscriptions
    pub held: String,
}

impl Sql {
    /// `None` where the audience has no subscriptions.
    pub fn new(audience: &Audience) -> Option<Self> {
        let Subscriptions::In(relation) = &audience.topics else { return None };
        let topics = audience.table.topics.as_ref()?;
        let topic_type = column_type(relation.oid, &topics.topic_column.name)?;
        let topic_read = match topics.topic_column.kind {
            // A cast may be the type's owner's.
            ColumnKind::Enum { .. } => format!(
                "(SELECT l FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::{topic_type})) l
                   WHERE {} OPERATOR(pg_catalog.=) b.topic)",
                sql::label("l")
            ),
            _ => format!("b.topic::{topic_type}"),
        };
        let (contact, topic) = (quote_identifier(&topics.contact_column), quote_identifier(&topics.topic_column.name));
        let (id, row) = (quote_identifier(&audience.id.name), quote_identifier(&audience.table.name));
        let subscriptions = quote_qualified_identifier(&relation.name.schema, &relation.name.name);
        let id_column = audience.id.clone();
        let held = audience.reading(&format!(
            "SELECT {contact_text},
                    pg_catalog.array_agg({topic_text}::pg_catalog.text) FILTER (WHERE s.{topic} IS NOT NULL),
                    pg_catalog.array_agg({PLACE})
               FROM {subscriptions} s
              WHERE {is_asked} GROUP BY 1",
            topic_text = sql::value(&topics.topic_column, &Style { alias: Some("s".to_owned()), ..audience.style() }),
            contact_text = id_column.as_text(&format!("s.{contact}::{}", id_column.type_name)),
            is_asked = id_column.is_any(&format!("s.{contact}"), "$1"),
        ));
        Some(Sql {
            contacts: audience.relation.quoted(),
            equals: format!("OPERATOR({}.=)", quote_identifier(&topics.operators)),
            held_by_row: subscription::held_by(topics, &format!("{row}.{id}")),
            id,
            id_column,
            subscriptions,
            contact_column: contact,
            topic_read,
            row,
            mark: audience.reading(""),
            held,
        })
    }

    /// The contacts that a statement's transition tables name, and how many subscriptions it took and gave, in one part
    /// of `$1`, numbered `$2`.
    fn changed(&self, event: Event) -> String {
        let contact = &self.contact_column;
        let taken = format!("SELECT o.{contact} AS contact, 1 AS taken, 0 AS given FROM segments_old o");
        let given = format!("SELECT n.{contact} AS contact, 0 AS taken, 1 AS given FROM segments_new n");
        let rows = match event {
            Event::Insert => given,
            Event::Delete => taken,
            _ => format!("{taken} UNION ALL {given}"),
        };
        let contact_text = self.id_column.as_text("r.contact");
        format!(
            "SELECT r.contact, pg_catalog.sum(r.taken)::pg_catalog.int8 AS taken, pg_catalog.sum(r.given)::pg_catalog.int8 AS given
               FROM ({rows}) r
              WHERE r.contact IS NOT NULL
                AND (pg_catalog.hashtext({contact_text}) OPERATOR(pg_catalog.&) 2147483647)
                    OPERATOR(pg_catalog.%) $1 OPERATOR(pg_catalog.=) $2
              GROUP BY r.contact"
        )
    }

    /// Locks the contacts, in one order; whether any of them is not there.
    pub fn lock(&self, event: Event) -> String {
        let Sql { mark, contacts, id, equals, .. } = self;
        let changed = self.changed(event);
        // Both are counted, so that both are read to their end.
        format!(
            "{mark}WITH changed AS MATERIALIZED ({changed}),
                  locked AS MATERIALIZED (
                      SELECT c.{id} FROM {contacts} c
                       WHERE c.{id} {equals} ANY (SELECT changed.contact FROM changed)
                       ORDER BY c.{id} FOR NO KEY UPDATE OF c)
             SELECT (SELECT pg_catalog.count(*) FROM changed) OPERATOR(pg_catalog.>)
                    (SELECT pg_catalog.count(*) FROM locked)"
        )
    }

    /// The contacts that are there, what was changed of each, and the places of its subscriptions.
    pub fn touched(&self, event: Event) -> String {
        let Sql { mark, contacts, id, subscriptions, contact_column, equals, .. } = self;
        let changed = self.changed(event);
        let id_text = self.id_column.as_text(&format!("c.{id}"));
        format!(
            "{mark}SELECT {id_text}, changed.taken, changed.given,
                    ARRAY(SELECT {PLACE} FROM {subscriptions} s WHERE s.{contact_column} {equals} c.{id})
               FROM ({changed}) changed JOIN {contacts} c ON c.{id} {equals} changed.contact"
        )
    }

    /// For each segment, by how many it has more of the contacts `$1` as members than it would with the subscriptions
    /// that `$2` held, of `$3`.
    pub fn differences(&self, audience: &Audience, segments: &[&LiveSegment]) -> String {
        let sum =
            |segment: &&LiveSegment| format!("COALESCE(pg_catalog.sum({}), 0)", Self::difference(audience, segment));
        let sums: Vec<String> = segments.iter().map(sum).collect();
        format!("{}SELECT ARRAY[{}]::pg_catalog.int8[] FROM {}", self.mark, sums.join(",\n"), self.before_and_after())
    }

    /// The same, contact by contact.
    pub fn contact_by_contact(&self, terms: &str) -> String {
        let id_text = self.id_column.as_text(&format!("{}.{}", self.row, self.id));
        format!("SELECT {id_text}, {terms} FROM {}", self.before_and_after())
    }

    /// 1 where the contact is a member and was none before, −1 where it is the other way round.
    pub fn difference(audience: &Audience, segment: &LiveSegment) -> String {
        let holds = |held: &str| contact::sql_with_topics(audience, &segment.checked, held);
        format!(
            "CASE WHEN {} THEN 1 ELSE 0 END OPERATOR(pg_catalog.-) CASE WHEN {} THEN 1 ELSE 0 END",
            holds("\"segments.after\".topics"),
            holds("\"segments.before\".topics")
        )
    }

    fn before_and_after(&self) -> String {
        let Sql { contacts, id, held_by_row, topic_read, row, .. } = self;
        let is_changed = self.id_column.is(&format!("{row}.{id}"), "\"segments.changed\".contact");
        format!(
            "pg_catalog.unnest($1) \"segments.changed\"(contact)
               JOIN {contacts} {row} ON {is_changed}
              CROSS JOIN LATERAL (SELECT {held_by_row} AS topics) \"segments.after\"
               LEFT JOIN (
                    SELECT b.contact, pg_catalog.array_agg({topic_read}) AS topics
                      FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) b(contact, topic)
                     GROUP BY b.contact) \"segments.before\"
                 ON \"segments.before\".contact OPERATOR(pg_catalog.=) \"segments.changed\".contact"
        )
    }
}

/// Where a subscription is stored: an update moves it.
const PLACE: &str = "s.tableoid::pg_catalog.text OPERATOR(pg_catalog.||) s.ctid::pg_catalog.text";

fn column_type(relation: Oid, column: &str) -> Option<String> {
    query::first(
        "SELECT n.nspname::pg_catalog.text, t.typname::pg_catalog.text
           FROM pg_catalog.pg_attribute a
           JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
          WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
        &[relation.into(), column.into()],
        |row| quote_qualified_identifier(&row.get::<String>(1), &row.get::<String>(2)),
    )
}
