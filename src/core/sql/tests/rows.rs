//! Tests on rows of relations.

use super::audience::{assert_sql, checked_on, contacts, qualified, readable};
use crate::expr::{Atom, DocumentTest, Expr, RowsAsked, RowsTest};
use crate::sql::*;

/// The contacts of the other tests, with orders and events.
pub(super) fn shop() -> ContactTable {
    let column = |name: &str, kind| NativeColumn {
        name: name.into(),
        not_null: name == "id",
        kind,
        has_precision: name == "price",
    };
    let text = || ColumnKind::Text { deterministic: true };
    let rows = |name: &str, columns| ContactTable {
        schema: "public".into(),
        name: name.into(),
        id: "contact_id".into(),
        properties: Some(PropertiesColumn { name: "data".into(), not_null: false }),
        columns,
        ..ContactTable::default()
    };
    let public = |name: &str| QualifiedName { schema: "public".into(), name: name.into() };
    let orders = RelationTable {
        name: "orders".into(),
        relation: public("orders"),
        rows: rows(
            "orders",
            vec![
                column("id", ColumnKind::BigInt),
                column("contact_id", ColumnKind::Uuid),
                column("placed_at", ColumnKind::TimestampTz),
                column("total", ColumnKind::Numeric),
                column("price", ColumnKind::Numeric),
                column("units", ColumnKind::Integer),
                column("weight", ColumnKind::Double),
                column("status", text()),
                column("kind", text()),
                column("code", ColumnKind::Citext { schema: "public".into() }),
                column("due", ColumnKind::Date),
            ],
        ),
        contact: ContactKey::Equals { operators: "pg_catalog".into() },
        contact_type: None,
        time: Some("placed_at".into()),
        key: vec!["id".into()],
        scope: Expr::Const(true),
    };
    let events = RelationTable {
        name: "events".into(),
        relation: public("event_log"),
        rows: rows(
            "event_log",
            vec![column("contact_id", text()), column("at", ColumnKind::Timestamp), column("name", text())],
        ),
        contact: ContactKey::AsText,
        contact_type: None,
        time: Some("at".into()),
        key: vec![],
        scope: Expr::Const(true),
    };
    ContactTable { relations: vec![orders, events], ..contacts() }
}

#[track_caller]
fn assert_readable(rows: &[(&str, &str)]) {
    assert_sql(&shop(), &readable(), rows);
}

#[test]
fn a_row_that_satisfies_a_condition_is_a_semi_join_and_none_an_anti_join() {
    assert_readable(&[
        (
            r#"{"orders": {"$some": {"total": {"$gt": 290}, "status": {"$ne": "open"}}}}"#,
            "EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.total > 290 AND orders.total < 'NaN' AND (orders.status IS NULL OR orders.status <> 'open'))",
        ),
        (
            r#"{"orders": {"$none": {"channel": "web"}}}"#,
            r#"NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.data @~ '{"channel": {"$as": "string", "$eq": "web"}}')"#,
        ),
        (
            r#"{"orders": {"$every": {"status": "paid"}}}"#,
            "NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND (orders.status IS NULL OR orders.status <> 'paid'))",
        ),
        (
            r#"{"orders": {"$filter": {"kind": "web"}, "$count": 0}}"#,
            "NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.kind = 'web')",
        ),
        (r#"{"orders": {"$empty": false}}"#, "EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id)"),
        (
            r#"{"events": {"$some": {"name": "opened"}}}"#,
            "EXISTS (SELECT 1 FROM event_log AS events WHERE events.contact_id = contacts.id::text AND events.name = 'opened')",
        ),
    ]);
}

#[test]
fn rows_taken_together_are_grouped() {
    assert_readable(&[
        (
            r#"{"orders": {"$filter": {"status": "paid"}, "$count": {"$gte": 3}, "$sum": {"units": {"$gt": 500}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.status = 'paid' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.units) > 500 AND count(*) >= 3)",
        ),
        (
            r#"{"orders": {"$count": {"$lt": 3}}}"#,
            "NOT EXISTS (SELECT 1 FROM (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(*) >= 3) AS orders WHERE orders.contact_id = contacts.id)",
        ),
        (
            r#"{"orders": {"$filter": {"status": "paid"}, "$count": {"$lt": 3}, "$sum": {"units": {"$ne": 5}}}}"#,
            "NOT EXISTS (SELECT 1 FROM (SELECT orders.contact_id FROM orders WHERE orders.status = 'paid' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.units) = 5 OR count(*) >= 3) AS orders WHERE orders.contact_id = contacts.id)",
        ),
        (
            r#"{"orders": {"$sum": {"total": {"$gt": 500}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.total <> 'NaN' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.total * 1e-12) > 0.0000000005 AND sum(orders.total * 1e-12) < 'NaN')",
        ),
        (
            r#"{"orders": {"$avg": {"price": {"$lt": 5}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.price <> 'NaN' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.price) < (5 * (count(orders.price))::numeric))",
        ),
        (
            r#"{"orders": {"$avg": {"total": {"$lt": 5}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.total <> 'NaN' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.total * 1e-12) < (0.000000000005 * (count(orders.total))::numeric))",
        ),
        (
            r#"{"orders": {"$sum": {"weight": {"$in": [0, 5]}}}}"#,
            "NOT EXISTS (SELECT 1 FROM (SELECT orders.contact_id FROM orders WHERE orders.weight <> 'NaN' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.weight::text::numeric) NOT IN (0, 5)) AS orders WHERE orders.contact_id = contacts.id)",
        ),
        (
            r#"{"orders": {"$avg": {"units": {"$gte": 2.5}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.units) >= (2.5 * (count(orders.units))::numeric))",
        ),
        (
            r#"{"$not": {"orders": {"$avg": {"units": {"$gte": 2.5}}}}}"#,
            "NOT EXISTS (SELECT 1 FROM (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(orders.units) >= (2.5 * (count(orders.units))::numeric)) AS orders WHERE orders.contact_id = contacts.id)",
        ),
        (
            r#"{"orders": {"$distinct": {"status": {"$gte": 2}}, "$max": {"status": {"$exists": true}}}}"#,
            r#"contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING max(orders.status COLLATE "C") IS NOT NULL AND count(DISTINCT orders.status COLLATE "C") >= 2)"#,
        ),
        (
            r#"{"orders": {"$distinct": {"code": {"$gte": 2}}}}"#,
            r#"contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(DISTINCT lower(orders.code::text COLLATE "default") COLLATE "C") >= 2)"#,
        ),
        (
            r#"{"orders": {"$distinct": {"due": 2}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(DISTINCT LEAST(GREATEST(orders.due, '0001-01-01'), '9999-12-31')) FILTER (WHERE orders.due IS NOT NULL) = 2)",
        ),
        (
            r#"{"orders": {"$sum": {"score": {"$gte": 2}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING sum(property_number(orders.data, 'score') * 1e-12) >= 0.000000000002)",
        ),
        (
            r#"{"orders": {"$max": {"seen": {"$gte": "2024-01-01"}}}}"#,
            r#"contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING jsonb_build_object('rows', jsonb_agg(jsonb_build_object('value', orders.data -> 'seen'))) @~ '{"rows": {"$max": {"value": {"$as": "timestamp", "$gte": {"$date": "2024-01-01"}}}}}')"#,
        ),
    ]);
}

#[test]
fn the_least_and_the_greatest_are_rows_that_are_there_or_not() {
    assert_readable(&[
        (
            r#"{"orders": {"$min": {"placed_at": {"$gte": "2024-05-01"}}}}"#,
            "EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.placed_at >= '2024-05-01T00:00:00Z') AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.placed_at < '2024-05-01T00:00:00Z')",
        ),
        (
            r#"{"orders": {"$max": {"total": {"$gt": 5}}}}"#,
            "EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.total > 5 AND orders.total < 'NaN')",
        ),
        (
            r#"{"orders": {"$max": {"code": "a"}}}"#,
            r#"EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.code = 'a') AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.code COLLATE "C" > 'a')"#,
        ),
        (
            r#"{"orders": {"$count": 2, "$min": {"units": {"$not": {"$lt": 5}}}}}"#,
            "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING (min(orders.units) IS NULL OR min(orders.units) >= 5) AND count(*) = 2)",
        ),
    ]);
}

#[test]
fn the_first_and_the_last_are_sorted() {
    assert_readable(&[
        (
            r#"{"orders": {"$last": {"kind": "web"}}}"#,
            "contacts.id IN (SELECT contact_id FROM (SELECT DISTINCT ON (orders.contact_id) orders.contact_id, (orders.kind = 'web') IS TRUE AS holds FROM orders WHERE orders.contact_id IS NOT NULL AND orders.placed_at IS NOT NULL ORDER BY orders.contact_id, LEAST(GREATEST(orders.placed_at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z') DESC, orders.id DESC) AS orders WHERE orders.holds)",
        ),
        (
            r#"{"events": {"$first": {"name": "opened"}}}"#,
            "contacts.id::text IN (SELECT contact_id FROM (SELECT DISTINCT ON (events.contact_id) events.contact_id, (events.name = 'opened') IS TRUE AS holds FROM event_log AS events WHERE events.contact_id IS NOT NULL AND events.at IS NOT NULL ORDER BY events.contact_id, LEAST(GREATEST(events.at, '0001-01-01T00:00:00'), '9999-12-31T23:59:59.999999'), 2 DESC) AS events WHERE events.holds)",
        ),
        (
            r#"{"orders": {"$by": "seen", "$last": {"kind": "web"}}}"#,
            r#"contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING jsonb_build_object('rows', jsonb_agg(jsonb_build_object('0', (orders.kind = 'web') IS TRUE, 'value', orders.data -> 'seen') ORDER BY orders.id)) @~ '{"rows": {"$by": {"$as": "timestamp", "$field": "value", "$stable": true}, "$last": {"0": {"$eq": true}}}}')"#,
        ),
    ]);
}

#[test]
fn sequences_are_read_in_order() {
    assert_readable(&[
        (
            r#"{"orders": {"$sequence": [{"kind": "web"}, {"kind": "shop", "$within": "7 days"}]}}"#,
            "contacts.id IN (SELECT contact_id FROM (SELECT orders.*, max((orders.at + '168 hours'::interval)) FILTER (WHERE orders.step0) OVER (PARTITION BY orders.contact_id ORDER BY orders.at, orders.key0 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until1 FROM (SELECT orders.contact_id, LEAST(GREATEST(orders.placed_at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z') AS at, orders.id AS key0, (orders.kind = 'web') IS TRUE AS step0, (orders.kind = 'shop') IS TRUE AS step1 FROM orders WHERE orders.contact_id IS NOT NULL AND orders.placed_at IS NOT NULL AND (orders.kind = 'web' OR orders.kind = 'shop')) AS orders) AS orders WHERE orders.step1 AND orders.at <= orders.until1)",
        ),
        (
            r#"{"events": {"$sequence": [{"name": "a"}, {"name": "b"}, {"$none": {"name": "c"}, "$within": "2 months"}]}}"#,
            "contacts.id::text IN (SELECT contact_id FROM (SELECT events.*, max(events.at) FILTER (WHERE events.step0) OVER (PARTITION BY events.contact_id ORDER BY events.at GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until1 FROM (SELECT events.*, min(events.at) FILTER (WHERE events.other1_0) OVER (PARTITION BY events.contact_id ORDER BY events.at DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next1_0 FROM (SELECT events.contact_id, LEAST(GREATEST(events.at, '0001-01-01T00:00:00'), '9999-12-31T23:59:59.999999') AS at, (events.name = 'a') IS TRUE AS step0, (events.name = 'b') IS TRUE AS step1, (events.name = 'c') IS TRUE AS other1_0 FROM event_log AS events WHERE events.contact_id IS NOT NULL AND events.at IS NOT NULL AND (events.name = 'a' OR events.name = 'b' OR events.name = 'c')) AS events) AS events) AS events WHERE events.step1 AND events.until1 IS NOT NULL AND (events.at + '2 months'::interval) < '2024-05-15T00:00:00' AND (events.next1_0 IS NULL OR events.next1_0 > (events.at + '2 months'::interval)))",
        ),
    ]);
}

#[test]
fn elsewhere_contacts_are_joined_with_their_rows() {
    assert_readable(&[
        (
            r#"{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 3}}}]}"#,
            "contacts.id IN (SELECT contact.id FROM contacts AS contact LEFT JOIN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(*) >= 3) AS orders ON orders.contact_id = contact.id WHERE contact.vip OR orders.contact_id IS NOT NULL)",
        ),
        (
            r#"{"$or": [{"vip": true}, {"orders": {"$some": {"kind": "web"}}}, {"orders": {"$filter": {"kind": "app"}, "$count": {"$lt": 3}}}], "country": "US"}"#,
            "contacts.id IN (SELECT contact.id FROM contacts AS contact LEFT JOIN (SELECT orders.contact_id, bool_or(orders.kind = 'web') AS test1, count(*) FILTER (WHERE orders.kind = 'app') >= 3 AS test2 FROM orders WHERE (orders.kind = 'web' OR orders.kind = 'app') AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING bool_or(orders.kind = 'web') OR count(*) FILTER (WHERE orders.kind = 'app') >= 3) AS orders ON orders.contact_id = contact.id WHERE (contact.vip OR orders.test1 OR orders.test2 IS NOT TRUE) AND contact.country = 'US')",
        ),
        (
            r#"{"$nor": [{"vip": true}, {"orders": {"$count": {"$gte": 3}}, "events": {"$last": {"name": "opened"}}}]}"#,
            "contacts.id IN (SELECT contact.id FROM contacts AS contact LEFT JOIN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(*) >= 3) AS orders ON orders.contact_id = contact.id LEFT JOIN (SELECT contact_id FROM (SELECT DISTINCT ON (events.contact_id) events.contact_id, (events.name = 'opened') IS TRUE AS holds FROM event_log AS events WHERE events.contact_id IS NOT NULL AND events.at IS NOT NULL ORDER BY events.contact_id, LEAST(GREATEST(events.at, '0001-01-01T00:00:00'), '9999-12-31T23:59:59.999999') DESC, 2 DESC) AS events WHERE events.holds GROUP BY contact_id) AS events ON events.contact_id = contact.id::text WHERE (contact.vip IS NULL OR NOT contact.vip) AND (events.contact_id IS NULL OR orders.contact_id IS NULL))",
        ),
    ]);
}

#[test]
fn elsewhere_the_least_is_one_row_without_another() {
    assert_readable(&[
        (
            r#"{"$or": [{"vip": true}, {"orders": {"$min": {"placed_at": {"$gte": "2024-05-01"}}}}]}"#,
            "contacts.id IN (SELECT contact.id FROM contacts AS contact LEFT JOIN (SELECT orders.contact_id FROM (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL AND orders.placed_at >= '2024-05-01T00:00:00Z' GROUP BY orders.contact_id) AS orders WHERE NOT EXISTS (SELECT 1 FROM orders AS other WHERE other.contact_id = orders.contact_id AND other.placed_at < '2024-05-01T00:00:00Z')) AS orders ON orders.contact_id = contact.id WHERE contact.vip OR orders.contact_id IS NOT NULL)",
        ),
        (
            r#"{"$not": {"orders": {"$max": {"units": 5}}}}"#,
            "NOT EXISTS (SELECT 1 FROM (SELECT orders.contact_id FROM (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL AND orders.units = 5 GROUP BY orders.contact_id) AS orders WHERE NOT EXISTS (SELECT 1 FROM orders AS other WHERE other.contact_id = orders.contact_id AND other.units > 5)) AS orders WHERE orders.contact_id = contacts.id)",
        ),
        // What shares a group with others is one of its aggregates.
        (
            r#"{"$or": [{"vip": true}, {"orders": {"$min": {"units": {"$gte": 5}}, "$count": 2}}]}"#,
            "contacts.id IN (SELECT contact.id FROM contacts AS contact LEFT JOIN (SELECT orders.contact_id, min(orders.units) >= 5 AS test1, count(*) = 2 AS test2 FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING min(orders.units) >= 5 OR count(*) = 2) AS orders ON orders.contact_id = contact.id WHERE contact.vip OR orders.test1 AND orders.test2)",
        ),
    ]);
}

/// The queries for counting, as the sub-queries in FROM and the condition.
fn ways_of(condition: &str) -> Vec<(String, String, bool)> {
    let ways = ways(&checked_on(&shop(), condition), &shop(), &readable());
    ways.into_iter().map(|way| (way.joined.joins, way.joined.conditions.join(" AND "), way.looks_up)).collect()
}

#[test]
fn rows_may_be_looked_up_for_those_who_satisfy_the_rest() {
    let all =
        ways_of(r#"{"country": "IS", "orders": {"$filter": {"status": "paid"}, "$sum": {"units": {"$gt": 500}}}}"#);
    assert_eq!(
        all[1],
        (
            " CROSS JOIN LATERAL (SELECT count(*) FROM orders WHERE orders.contact_id = contacts.id AND orders.status = 'paid' HAVING sum(orders.units) > 500) AS rows1".to_owned(),
            "contacts.country = 'IS'".to_owned(),
            true
        )
    );
    let all = ways_of(r#"{"country": "IS", "orders": {"$count": {"$lt": 3}}}"#);
    assert!(all[1].0.ends_with(" HAVING (count(*) >= 3) IS NOT TRUE) AS rows1"), "{all:?}");
    let all = ways_of(r#"{"country": "IS", "events": {"$not": {"$last": {"name": "opened"}}}}"#);
    let (joins, condition, looks_up) = all.last().unwrap();
    assert!(joins.starts_with(" LEFT JOIN LATERAL (SELECT 1 FROM (SELECT (events.name = "), "{joins}");
    assert!(joins.ends_with(" LIMIT 1) AS rows1 (rows1) ON true"), "{joins}");
    assert_eq!((condition.as_str(), *looks_up), ("contacts.country = 'IS' AND rows1.rows1 IS NULL", true));
    let all = ways_of(r#"{"country": "IS", "orders": {"$none": {"kind": "web"}}}"#);
    assert_eq!(
        all[1],
        (
            " LEFT JOIN LATERAL (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.kind = 'web' LIMIT 1) AS rows1 (rows1) ON true".to_owned(),
            "contacts.country = 'IS' AND rows1.rows1 IS NULL".to_owned(),
            true
        )
    );
    let all = ways_of(r#"{"$or": [{"country": "IS"}, {"orders": {"$count": {"$gte": 3}}}]}"#);
    assert_eq!(
        all[1].1,
        "contacts.country = 'IS' OR contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(*) >= 3)"
    );
    assert_eq!(
        all[2],
        (
            " LEFT JOIN LATERAL (SELECT count(*) FROM orders WHERE orders.contact_id = contacts.id HAVING count(*) >= 3) AS rows1 (rows1) ON true".to_owned(),
            "contacts.country = 'IS' OR rows1.rows1 IS NOT NULL".to_owned(),
            true
        )
    );
    assert_eq!(ways_of(r#"{"orders": {"$count": {"$gte": 3}}}"#).len(), 1);
    assert_eq!(ways_of(r#"{"country": "IS"}"#).len(), 1);
}

#[test]
fn the_last_row_may_be_compared_with_others() {
    let all = ways_of(r#"{"orders": {"$last": {"kind": "web"}}}"#);
    assert_eq!(
        all[1].1,
        "contacts.id IN (SELECT contact_id FROM orders WHERE orders.contact_id IS NOT NULL AND orders.placed_at IS NOT NULL AND orders.kind = 'web' AND NOT EXISTS (SELECT 1 FROM orders AS other WHERE other.contact_id = orders.contact_id AND other.placed_at IS NOT NULL AND (other.kind = 'web') IS NOT TRUE AND (LEAST(GREATEST(other.placed_at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z'), other.id) > (LEAST(GREATEST(orders.placed_at, '0001-01-01T00:00:00Z'), '9999-12-31T23:59:59.999999Z'), orders.id)))"
    );
    let all = ways_of(r#"{"events": {"$not": {"$first": {"name": "opened"}}}}"#);
    assert!(all[1].1.contains("'9999-12-31T23:59:59.999999') < LEAST(GREATEST(events.at, "), "{}", all[1].1);
}

#[test]
fn contacts_are_joined_under_a_name_that_no_relation_has() {
    let mut shop = shop();
    for name in ["contact", "contact2", "contacts", "joined_contact"] {
        shop.relations.push(RelationTable { name: name.into(), ..shop.relations[0].clone() });
    }
    let condition = r#"{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 3}}}]}"#;
    let sql = where_clause(&checked_on(&shop, condition), &shop, &readable());
    assert!(sql.starts_with("contacts.id IN (SELECT contact3.id FROM contacts AS contact3 LEFT JOIN "), "{sql}");
}

#[test]
fn many_tests_of_a_conjunction_are_not_a_join_each() {
    let all = |tests: &[String]| {
        let condition = format!(r#"{{"$and": [{}]}}"#, tests.join(", "));
        where_clause(&checked_on(&shop(), &condition), &shop(), &readable())
    };
    let some = |count| -> Vec<String> {
        (0..count).map(|number| format!(r#"{{"orders": {{"$some": {{"kind": "{number}"}}}}}}"#)).collect()
    };
    assert_eq!(all(&some(8)).matches("EXISTS (").count(), 8);
    let joined = all(&some(9));
    assert_eq!((joined.matches("EXISTS (").count(), joined.matches(" LEFT JOIN ").count()), (0, 1), "{joined}");
    let all_ways = |around: &str| ways_of(&around.replace('?', &some(9).join(", ")));
    assert_eq!(all_ways(r#"{"country": "IS", "$and": [?]}"#).len(), 1);
    assert_eq!(all_ways(r#"{"country": "IS", "$or": [?]}"#).len(), 1);
    let looked_up = checked_on(&shop(), &format!(r#"{{"$and": [{}]}}"#, some(9).join(", ")));
    let looked_up = where_clause_for_one(&looked_up, &shop(), &readable());
    assert_eq!(looked_up.matches(") IS TRUE)").count(), 9, "{looked_up}");
    // What is asked of the same rows is one sub-query.
    let counts: Vec<String> =
        (1..=9).map(|count| format!(r#"{{"orders": {{"$count": {{"$ne": {count}}}}}}}"#)).collect();
    assert!(!all(&counts).contains(" LEFT JOIN "));
}

/// A SELECT cannot have more than 1,664 columns.
#[test]
fn very_many_tests_are_columns_of_several_queries() {
    let tests: Vec<String> =
        (1..=1001).map(|count| format!(r#"{{"orders": {{"$count": {{"$gte": {count}}}}}}}"#)).collect();
    let condition = format!(r#"{{"$or": [{}, {{"vip": true}}]}}"#, tests.join(", "));
    let sql = where_clause(&checked_on(&shop(), &condition), &shop(), &readable());
    assert_eq!(sql.matches(" LEFT JOIN ").count(), 2);
    assert!(sql.contains(" AS rows2 ON rows2.contact_id = contact.id WHERE "), "{sql}");
    assert!(sql.contains("OR orders.test1000 OR rows2.contact_id IS NOT NULL OR contact.vip)"), "{sql}");
}

#[test]
fn rows_of_one_contact_are_looked_up() {
    for (condition, expected) in [
        (
            r#"{"$or": [{"vip": true}, {"events": {"$count": {"$lt": 3}}}]}"#,
            "vip OR NOT EXISTS (SELECT 1 FROM event_log AS events WHERE events.contact_id = contacts.id::text HAVING count(*) >= 3)",
        ),
        (
            r#"{"events": {"$first": {"name": "opened"}}}"#,
            "EXISTS (SELECT 1 FROM (SELECT (events.name = 'opened') IS TRUE AS holds, events.at AS at FROM event_log AS events WHERE events.contact_id = contacts.id::text AND events.at IS NOT NULL ORDER BY events.at, 1 DESC LIMIT 1) AS events WHERE CASE WHEN events.at > '0001-01-01T00:00:00' AND events.at < '9999-12-31T23:59:59.999999' THEN events.holds ELSE EXISTS (SELECT 1 FROM (SELECT DISTINCT ON (events.contact_id) events.contact_id, (events.name = 'opened') IS TRUE AS holds FROM event_log AS events WHERE events.contact_id = contacts.id::text AND events.at IS NOT NULL ORDER BY events.contact_id, LEAST(GREATEST(events.at, '0001-01-01T00:00:00'), '9999-12-31T23:59:59.999999'), 2 DESC) AS events WHERE events.holds) END)",
        ),
    ] {
        assert_eq!(
            where_clause_for_one(&checked_on(&shop(), condition), &shop(), &readable()),
            expected,
            "{condition}"
        );
    }
}

#[test]
fn rows_that_count_together_are_read_as_a_whole() {
    for (condition, expected) in [
        (r#"{"orders": {"$some": {"kind": "web"}}, "vip": true}"#, false),
        (r#"{"orders": {"$none": {"kind": "web"}}}"#, false),
        (r#"{"orders": {"$count": {"$gte": 1}}}"#, false),
        (r#"{"orders": {"$max": {"price": {"$gt": 5}}}}"#, false),
        (r#"{"orders": {"$count": {"$gte": 3}}}"#, true),
        (r#"{"orders": {"$last": {"kind": "web"}}}"#, true),
        (r#"{"$or": [{"vip": true}, {"orders": {"$some": {"kind": "web"}}}]}"#, true),
        (r#"{"vip": true}"#, false),
    ] {
        assert_eq!(reads_whole_relations(&checked_on(&shop(), condition), &shop()), expected, "{condition}");
    }
}

#[test]
fn conditions_of_one_query_share_what_contacts_are_joined_with() {
    let conditions = [r#"{"orders": {"$count": 3}}"#, r#"{"orders": {"$count": 0}}"#, r#"{"vip": true}"#];
    let conditions = conditions.map(|condition| checked_on(&shop(), condition));
    let Joined { joins, conditions } = joined(&conditions, &shop(), &readable());
    assert_eq!(
        joins,
        " LEFT JOIN (SELECT orders.contact_id, count(*) = 3 AS test1, true AS test2 FROM orders WHERE orders.contact_id IS NOT NULL GROUP BY orders.contact_id) AS orders ON orders.contact_id = contacts.id"
    );
    assert_eq!(conditions, ["orders.test1", "orders.test2 IS NOT TRUE", "contacts.vip"]);
}

#[test]
fn qualified_sql_of_rows_does_not_depend_on_the_search_path() {
    assert_sql(
        &shop(),
        &qualified(),
        &[
            (
                r#"{"orders": {"$avg": {"units": {"$gte": 2.5}}}}"#,
                r#""contacts"."id" OPERATOR(pg_catalog.=) ANY (SELECT "orders"."contact_id" FROM "public"."orders" WHERE "orders"."contact_id" IS NOT NULL GROUP BY "orders"."contact_id" HAVING pg_catalog.sum("orders"."units") OPERATOR(pg_catalog.>=) ('2.5'::pg_catalog.numeric OPERATOR(pg_catalog.*) (pg_catalog.count("orders"."units"))::pg_catalog.numeric))"#,
            ),
            (
                r#"{"$or": [{"vip": true}, {"orders": {"$some": {"kind": "web"}}}]}"#,
                r#""contacts"."id" OPERATOR(pg_catalog.=) ANY (SELECT "contact"."id" FROM "public"."contacts" AS "contact" LEFT JOIN (SELECT "orders"."contact_id" FROM "public"."orders" WHERE "orders"."kind" OPERATOR(pg_catalog.=) 'web'::pg_catalog.text AND "orders"."contact_id" IS NOT NULL GROUP BY "orders"."contact_id") AS "orders" ON "orders"."contact_id" OPERATOR(pg_catalog.=) "contact"."id" WHERE "contact"."vip" OR "orders"."contact_id" IS NOT NULL)"#,
            ),
        ],
    );
}

#[test]
fn a_scope_is_asked_of_each_row() {
    let mut table = shop();
    table.relations[0].scope = rows_condition(r#"{"kind": "web"}"#);
    assert_sql(
        &table,
        &readable(),
        &[
            (
                r#"{"orders": {"$count": 2}}"#,
                "contacts.id IN (SELECT orders.contact_id FROM orders WHERE orders.kind = 'web' AND orders.contact_id IS NOT NULL GROUP BY orders.contact_id HAVING count(*) = 2)",
            ),
            (
                r#"{"orders": {"$none": {"units": 2}}}"#,
                "NOT EXISTS (SELECT 1 FROM orders WHERE orders.contact_id = contacts.id AND orders.kind = 'web' AND orders.units = 2)",
            ),
        ],
    );
}

/// A condition on an order, taken from a test on orders.
fn rows_condition(condition: &str) -> Expr<DocumentTest> {
    match checked_on(&shop(), &format!(r#"{{"orders": {{"$some": {condition}}}}}"#)) {
        Expr::Test(Atom::Rows(RowsTest { asked: RowsAsked::Some(condition), .. })) => condition,
        other => panic!("{other:?}"),
    }
}
