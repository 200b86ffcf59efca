//! The queries of changed subscriptions, on one audience's tables.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::column::ColumnRef;
use crate::catalog::{contact_sql, subscription};
use crate::live::eligibility::LiveSegment;
use crate::pg::query;
use crate::pg::trigger::Event;
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
        let id = quote_identifier(&audience.id.name);
        let subscriptions = quote_qualified_identifier(&relation.name.schema, &relation.name.name);
        let id_column = audience.id.clone();
        let equals = format!("OPERATOR({}.=)", quote_identifier(&topics.operators));
        // By the contacts' ids as they were given: what is equal to an id may be written otherwise.
        let is_asked = match id_column.is_enum {
            true => format!("{} OPERATOR(pg_catalog.=) {ASKED}.contact", id_column.as_text(&format!("s.{contact}"))),
            false => format!("s.{contact} {equals} {ASKED}.contact::{}", id_column.type_name),
        };
        let held = audience.reading(&format!(
            "SELECT {ASKED}.contact,
                    pg_catalog.array_agg({topic_text}::pg_catalog.text) FILTER (WHERE s.{topic} IS NOT NULL),
                    pg_catalog.array_agg({PLACE})
               FROM pg_catalog.unnest($1) {ASKED}(contact) JOIN {subscriptions} s ON {is_asked} GROUP BY 1",
            topic_text = sql::value(&topics.topic_column, &Style { alias: Some("s".to_owned()), ..audience.style() }),
        ));
        Some(Sql {
            contacts: audience.relation.quoted(),
            equals,
            held_by_row: subscription::held_by(topics, &format!("{}.{id}", quote_identifier(ROW))),
            id,
            id_column,
            subscriptions,
            contact_column: contact,
            topic_read,
            mark: audience.reading(""),
            held,
        })
    }

    /// The contacts that a statement's transition tables name, row by row, and whether it took the subscription or gave
    /// it. They are not grouped: their own type may take for one what the ids' type tells apart.
    fn changed(&self, event: Event) -> String {
        let contact = &self.contact_column;
        let rows = |table: &str, taken: u8, given: u8| {
            format!(
                "SELECT r.{contact} AS contact, {taken} AS taken, {given} AS given FROM {table} r
                  WHERE r.{contact} IS NOT NULL"
            )
        };
        let (taken, given) = (rows("segments_old", 1, 0), rows("segments_new", 0, 1));
        match event {
            Event::Insert => given,
            Event::Delete => taken,
            _ => format!("{taken} UNION ALL {given}"),
        }
    }

    /// Locks the contacts, in one order; whether any of them is not there.
    pub fn lock(&self, event: Event) -> String {
        let Sql { mark, contacts, id, equals, .. } = self;
        let changed = self.changed(event);
        // Those that are locked are counted, so that they are read to their end.
        format!(
            "{mark}WITH changed AS MATERIALIZED ({changed}),
                  locked AS MATERIALIZED (
                      SELECT c.{id} AS id FROM {contacts} c
                       WHERE c.{id} {equals} ANY (SELECT changed.contact FROM changed)
                       ORDER BY c.{id} FOR NO KEY UPDATE OF c)
             SELECT EXISTS (SELECT FROM changed
                             WHERE NOT EXISTS (SELECT FROM locked WHERE changed.contact {equals} locked.id)),
                    (SELECT pg_catalog.count(*) FROM locked)"
        )
    }

    /// The contacts that are there, by their own ids, what was changed of each, and the places of its subscriptions.
    pub fn touched(&self, event: Event) -> String {
        let Sql { mark, contacts, id, subscriptions, contact_column, equals, .. } = self;
        let changed = self.changed(event);
        let id_text = self.id_column.as_text("t.id");
        format!(
            "{mark}SELECT {id_text}, t.taken, t.given,
                    ARRAY(SELECT {PLACE} FROM {subscriptions} s WHERE s.{contact_column} {equals} t.id)
               FROM (SELECT c.{id} AS id, pg_catalog.sum(changed.taken)::pg_catalog.int8 AS taken,
                            pg_catalog.sum(changed.given)::pg_catalog.int8 AS given
                       FROM ({changed}) changed JOIN {contacts} c ON changed.contact {equals} c.{id}
                      GROUP BY c.{id}) t"
        )
    }

    /// For each segment, by how many it has more of the contacts `$1` as members than it would with the subscriptions
    /// that `$2` held, of `$3`.
    pub fn differences(&self, audience: &Audience, segments: &[&LiveSegment]) -> String {
        let sums: Vec<String> = segments.iter().map(|segment| Self::growth(audience, segment)).collect();
        format!("{}SELECT ARRAY[{}]::pg_catalog.int8[] FROM {}", self.mark, sums.join(",\n"), self.before_and_after())
    }

    /// The same, id by id.
    pub fn contact_by_contact(&self, terms: &str) -> String {
        let id_text = self.id_column.as_text(&format!("{}.{}", quote_identifier(ROW), self.id));
        format!("SELECT {id_text}, {terms} FROM {} GROUP BY 1", self.before_and_after())
    }

    /// How many contacts are members and were none before, less those of whom the opposite is true.
    pub fn growth(audience: &Audience, segment: &LiveSegment) -> String {
        let holds = |held: &str| contact_sql::sql_on_row(audience, &segment.checked, ROW, held);
        format!(
            "COALESCE(pg_catalog.sum(CASE WHEN {} THEN 1 ELSE 0 END OPERATOR(pg_catalog.-) CASE WHEN {} THEN 1 ELSE 0 END), 0)",
            holds("\"segments.after\".topics"),
            holds("\"segments.before\".topics")
        )
    }

    fn before_and_after(&self) -> String {
        let Sql { contacts, id, held_by_row, topic_read, .. } = self;
        let row = quote_identifier(ROW);
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

/// What conditions call the row, whatever its table is called: that may be the name of something else in the query.
const ROW: &str = "segments.row";
/// A contact that is asked about, quoted.
const ASKED: &str = "\"segments.asked\"";
/// Where a subscription is stored: an update moves it.
const PLACE: &str = "s.tableoid::pg_catalog.text OPERATOR(pg_catalog.||) s.ctid::pg_catalog.text";

fn column_type(relation: Oid, column: &str) -> Option<String> {
    query::first(
        "SELECT n.nspname::text, t.typname::text
           FROM pg_attribute a
           JOIN pg_type t ON t.oid = a.atttypid
           JOIN pg_namespace n ON n.oid = t.typnamespace
          WHERE a.attrelid = $1 AND a.attname::text = $2",
        &[relation.into(), column.into()],
        |row| quote_qualified_identifier(&row.get::<String>(1), &row.get::<String>(2)),
    )
}
