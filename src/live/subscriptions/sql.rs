//! The queries that evaluate changed subscriptions, for the tables of one audience.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::column::ColumnRef;
use crate::catalog::{contact_sql, subscription};
use crate::live::eligibility::LiveSegment;
use crate::pg::query;
use crate::pg::trigger::Event;
use pgrx::pg_sys::Oid;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use segments_core::sql::{self, ColumnKind, Style};

/// The names that the queries use, and the one query that is the same for every statement.
pub struct SubscriptionSql {
    contacts: String,
    /// The column that identifies contacts, quoted
    id: String,
    /// The same column with its type
    id_column: ColumnRef,
    subscriptions: String,
    contact_column: String,
    /// The operator that compares the subscription's contact with ids
    equals: String,
    /// The topics that the row's contact is subscribed to
    held_by_row: String,
    /// The text `b.topic` as a value of the topic column's type
    topic_read: String,
    /// The beginning of each query's text, the mark of [`guard`](crate::pg::guard)
    mark: String,
    /// The query for the subscriptions of the contacts `$1`, and where these are stored
    pub held: String,
}

impl SubscriptionSql {
    /// `None` if the audience has no subscriptions.
    pub fn new(audience: &Audience) -> Option<Self> {
        let Subscriptions::In(relation) = &audience.topics else { return None };
        let topics = audience.table.topics.as_ref()?;
        let topic_type = column_type(relation.oid, &topics.topic_column.name)?;
        let topic_read = match topics.topic_column.kind {
            // A cast could be code of the type's owner.
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
        // The result has the contacts' ids as they were given, because equal ids may have different texts.
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
        Some(SubscriptionSql {
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

    /// The contacts in the transition tables of a statement, row by row, and whether the subscription was removed or
    /// added. They are not grouped, because the type of the column may consider ids equal that the type of the
    /// contacts' ids distinguishes.
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

    /// The query that locks the contacts in one order, and returns whether one of them does not exist.
    pub fn lock(&self, event: Event) -> String {
        let SubscriptionSql { mark, contacts, id, equals, .. } = self;
        let changed = self.changed(event);
        // The locked contacts are counted, so that the executor reads and locks all of them.
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

    /// The query for the existing contacts, by their own ids: how many subscriptions of each were changed, and where
    /// its subscriptions are stored.
    pub fn touched(&self, event: Event) -> String {
        let SubscriptionSql { mark, contacts, id, subscriptions, contact_column, equals, .. } = self;
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

    /// The query for how each segment grows: how many of the contacts `$1` are members now minus how many were members
    /// with the earlier subscriptions, contacts `$2` to topics `$3`.
    pub fn differences(&self, audience: &Audience, segments: &[&LiveSegment]) -> String {
        let sums: Vec<String> = segments.iter().map(|segment| Self::growth(audience, segment)).collect();
        format!("{}SELECT ARRAY[{}]::pg_catalog.int8[] FROM {}", self.mark, sums.join(",\n"), self.before_and_after())
    }

    /// The same query for each id.
    pub fn contact_by_contact(&self, terms: &str) -> String {
        let id_text = self.id_column.as_text(&format!("{}.{}", quote_identifier(ROW), self.id));
        format!("SELECT {id_text}, {terms} FROM {} GROUP BY 1", self.before_and_after())
    }

    /// A sum over contacts: those who have become members minus those who have ceased to be members.
    pub fn growth(audience: &Audience, segment: &LiveSegment) -> String {
        let holds = |held: &str| contact_sql::sql_on_row(audience, &segment.checked, ROW, held);
        format!(
            "COALESCE(pg_catalog.sum(CASE WHEN {} THEN 1 ELSE 0 END OPERATOR(pg_catalog.-) CASE WHEN {} THEN 1 ELSE 0 END), 0)",
            holds("\"segments.after\".topics"),
            holds("\"segments.before\".topics")
        )
    }

    fn before_and_after(&self) -> String {
        let SubscriptionSql { contacts, id, held_by_row, topic_read, .. } = self;
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

/// The name that conditions use for the row. The table's own name could be the name of something else in the query.
const ROW: &str = "segments.row";
/// The name of a contact that the query is about, quoted.
const ASKED: &str = "\"segments.asked\"";
/// Where a subscription is stored. An update moves it.
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
