//! Contacts are found by ids of many types, and every function shows an id as the same text.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;

/// A type, and ids of it as functions show them.
struct Ids {
    type_name: &'static str,
    ids: [&'static str; 3],
    /// The second id, as a caller may write it
    other: &'static str,
}

const TYPES: [Ids; 8] = [
    Ids { type_name: "int", ids: ["1", "2", "3"], other: " 2" },
    Ids { type_name: "text", ids: ["B", "a", "c"], other: "a" },
    Ids { type_name: "char(4)", ids: ["B", "a", "c"], other: "a   " },
    Ids { type_name: "citext", ids: ["a", "B", "c"], other: "b" },
    Ids { type_name: "lettered", ids: ["a", "B", "c"], other: "b" },
    Ids { type_name: "mood", ids: ["sad", "ok", "happy"], other: "ok" },
    Ids { type_name: "inet", ids: ["10.0.0.0/8", "10.0.0.1", "10.0.0.2"], other: "10.0.0.1/32" },
    Ids { type_name: "date", ids: ["2024-01-01", "2024-02-01", "2024-03-01"], other: "1 Feb 2024" },
];

/// The columns have names that queries of the extension might use themselves.
fn attach(type_name: &str) {
    for sql in [
        &format!("CREATE TABLE s (id {type_name} PRIMARY KEY, c text, created timestamptz NOT NULL DEFAULT now())"),
        &format!("CREATE TABLE r (s {type_name}, c text)"),
        "SELECT attach_audience('people', 's', created_column => 'created')",
        "SELECT attach_topics('people', 'r', 's', 'c')",
        "SELECT create_topic('News', audience => 'people')",
        "SELECT create_segment('All', '{}', audience => 'people')",
        "SELECT create_segment('Readers', '{\"$topic\": \"news\"}', audience => 'people')",
        "SELECT set_freshness('people', 'live')",
        "SELECT watch_segment(id) FROM segments.segment WHERE audience = 'people'",
    ] {
        query::write(&sql.to_owned(), &[]);
    }
}

/// The ids on pages of one contact each.
const PAGES: &str = "
WITH RECURSIVE page(contact) AS (
    SELECT search_contacts('{}', 'people', 1)
    UNION ALL
    SELECT (SELECT search_contacts('{}', 'people', 1, page.contact ->> 'cursor')) FROM page WHERE page.contact IS NOT NULL)
SELECT string_agg(rtrim(contact ->> 'id'), ' ') FROM page";

fn answer(sql: &str) -> String {
    query::first(&sql.to_owned(), &[], |row| row.nullable::<String>(1)).flatten().unwrap_or_default()
}

impl Ids {
    fn is_here(&self) -> bool {
        let sql = "SELECT (to_regtype($1) IS NOT NULL)::text";
        query::first(Made(sql), &[self.type_name.into()], |row| row.get::<String>(1)).as_deref() == Some("true")
    }

    fn compare(&self) {
        let Ids { type_name, ids, other } = self;
        attach(type_name);
        for id in ids {
            query::write(&format!("INSERT INTO s VALUES ('{id}', 'x')"), &[]);
            query::write(&format!("INSERT INTO r VALUES ('{id}', 'news')"), &[]);
        }
        // With the settings of another session.
        query::write(Made("SET LOCAL DateStyle = 'German'"), &[]);
        query::write(
            Made(
                "SELECT update_segment(id, '{\"conditions\": {\"c\": \"y\"}}') FROM segments.segment WHERE name = 'All'",
            ),
            &[],
        );
        query::write(&format!("SELECT unsubscribe_contact('{other}', 'news', 'people')"), &[]);
        query::write(Made("SET LOCAL DateStyle = 'ISO'"), &[]);

        let sorted = |ids: &[&str]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.join(" ")
        };
        let changed = "SELECT string_agg(DISTINCT contact_id, ' ' ORDER BY contact_id) FROM segments.change_record";
        assert_eq!(answer(changed), sorted(ids), "{type_name}: changes");
        assert_eq!(answer(PAGES), ids.iter().rev().copied().collect::<Vec<_>>().join(" "), "{type_name}: pages");
        let is_in =
            format!("SELECT in_segment('{other}'::text, id)::text FROM segments.segment WHERE name = 'Readers'");
        assert_eq!(answer(&is_in), "false", "{type_name}: {other}");
        let of = format!("SELECT string_agg(s.name, ' ') FROM contact_segments('{}'::text, 'people') s", ids[0]);
        assert_eq!(answer(&of), "Readers", "{type_name}");
        assert_eq!(
            answer("SELECT string_agg(contact_count::text, ' ' ORDER BY name) FROM segments.segment"),
            "0 2",
            "{type_name}"
        );
    }
}

#[pgrx::pg_schema]
mod tests {
    use super::{PAGES, TYPES, answer};
    use crate::pg::query;
    use crate::pg::spi::QueryText::Made;
    use pgrx::prelude::*;

    #[pg_test]
    fn ids_of_many_types() {
        if query::first(Made("SELECT true FROM pg_available_extensions WHERE name = 'citext'"), &[], |_| ()).is_some() {
            query::write(Made("CREATE EXTENSION citext"), &[]);
            query::write(Made("CREATE DOMAIN lettered AS citext"), &[]);
        }
        query::write(Made("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"), &[]);
        for ids in TYPES.iter().filter(|ids| ids.is_here()) {
            ids.compare();
            query::write(Made("SELECT detach_audience('people', true)"), &[]);
            query::write(Made("DROP TABLE s, r"), &[]);
            query::write(Made("DELETE FROM segments.change_record"), &[]);
        }
    }

    #[pg_test]
    fn ids_of_a_domain_over_an_enum() {
        query::write(Made("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"), &[]);
        query::write(Made("CREATE DOMAIN feeling AS mood"), &[]);
        query::write(Made("CREATE TABLE people (id feeling PRIMARY KEY)"), &[]);
        query::write(Made("INSERT INTO people VALUES ('happy'), ('sad'), ('ok')"), &[]);
        query::write(Made("SELECT attach_audience('people', 'people')"), &[]);
        query::write(Made("SELECT create_segment('Happy', '{\"id\": \"happy\"}', audience => 'people')"), &[]);
        assert_eq!(answer(PAGES), "happy ok sad");
        let members =
            "SELECT string_agg(p.id::text, ' ') FROM people p, segments.segment s WHERE in_segment(p.id::text, s.id)";
        assert_eq!(answer(members), "happy");
    }

    #[pg_test(error = "column \"contact\" of public.subscribed does not hold ids of contacts")]
    fn a_domain_over_an_enum_does_not_refer_to_contacts() {
        query::write(Made("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"), &[]);
        query::write(Made("CREATE DOMAIN feeling AS mood"), &[]);
        query::write(Made("CREATE TABLE people (id feeling PRIMARY KEY)"), &[]);
        query::write(Made("CREATE TABLE subscribed (contact feeling, topic text)"), &[]);
        query::write(Made("SELECT attach_audience('people', 'people')"), &[]);
        query::write(Made("SELECT attach_topics('people', 'subscribed', 'contact', 'topic')"), &[]);
    }
}
