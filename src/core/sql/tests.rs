//! Conditions and the SQL that they are compiled to. Each rule has a table.

use super::*;
use crate::ast::Comparison;
use crate::decimal::Decimal;
use crate::expr::ValueTest;
use crate::path::Path;
use audience::{assert_sql, checked, contacts, qualified, readable};

pub(in crate::sql) mod audience;
mod rows;

#[track_caller]
fn assert_readable(rows: &[(&str, &str)]) {
    assert_sql(&contacts(), &readable(), rows);
}

#[test]
fn strings_are_compared_where_an_index_can_serve() {
    assert_readable(&[
        (r#"{"country": "US"}"#, "country = 'US'"),
        (r#"{"country": {"$ne": "US"}}"#, "country IS NULL OR country <> 'US'"),
        (r#"{"country": {"$in": ["US", "DE", null]}}"#, "country IS NULL OR country IN ('US', 'DE')"),
        (r#"{"country": {"$nin": ["US", "DE"]}}"#, "country IS NULL OR country NOT IN ('US', 'DE')"),
        (r#"{"country": {"$nin": ["US", null]}}"#, "country <> 'US'"),
        (r#"{"country": null}"#, "country IS NULL"),
        (r#"{"country": {"$exists": true}}"#, "country IS NOT NULL"),
        (r#"{"country": {"$empty": true}}"#, "country IS NULL OR country = ''"),
        (r#"{"country": {"$empty": false}}"#, "country <> ''"),
        (r#"{"country": {"$type": "string"}}"#, "country IS NOT NULL"),
        (r#"{"country": {"$type": "null"}}"#, "false"),
        (r#"{"country": {"$gte": "M"}}"#, r#"country COLLATE "C" >= 'M'"#),
        (r#"{"country": {"$not": {"$gte": "M"}}}"#, r#"country IS NULL OR country COLLATE "C" < 'M'"#),
        (r#"{"country": {"$startsWith": "U_"}}"#, r"country LIKE E'U\\_%'"),
        (r#"{"country": {"$not": {"$contains": "'"}}}"#, "country IS NULL OR country NOT LIKE '%''%'"),
        (r#"{"nickname": "Bo"}"#, r#"nickname COLLATE "C" = 'Bo'"#),
        (r#"{"city": {"$endsWith": "burg"}}"#, "city LIKE '%burg'"),
        (r#"{"code": "ab"}"#, "code = 'ab'"),
        (r#"{"code": {"$startsWith": "a"}}"#, "code::text LIKE 'a%'"),
        (r#"{"email": "A@b.c"}"#, "email = 'A@b.c'"),
        (r#"{"email": {"$startsWith": "A_"}}"#, r#"email::text COLLATE "default" ILIKE E'A\\_%'"#),
        (
            r#"{"email": {"$not": {"$contains": "x"}}}"#,
            r#"email IS NULL OR email::text COLLATE "default" NOT ILIKE '%x%'"#,
        ),
        (r#"{"login": "bo"}"#, "login = 'bo'::text"),
        (r#"{"Order": "7"}"#, r#""Order" = '7'"#),
    ]);
}

#[test]
fn uuids_and_enums_are_strings() {
    assert_readable(&[
        (r#"{"id": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}"#, "id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
        (r#"{"id": "7"}"#, "false"),
        (r#"{"id": {"$ne": "7"}}"#, "true"),
        (r#"{"id": {"$gt": "7"}}"#, r#"id::text COLLATE "C" > '7'"#),
        (r#"{"status": "active"}"#, "status = 'active'"),
        (r#"{"status": "it's over"}"#, "status = 'it''s over'"),
        (r#"{"status": {"$ne": "gone"}}"#, "true"),
        (r#"{"status": {"$lt": "b"}}"#, r#"status::text COLLATE "C" < 'b'"#),
    ]);
}

#[test]
fn a_bound_becomes_a_number_of_the_columns_type() {
    assert_readable(&[
        (r#"{"age": 18}"#, "age = 18"),
        (r#"{"age": {"$gte": 18, "$lt": 65}}"#, "age < 65 AND age >= 18"),
        (r#"{"age": {"$gte": 1.5}}"#, "age >= 2"),
        (r#"{"age": {"$lt": -1.5}}"#, "age <= -2"),
        (r#"{"age": 1.5}"#, "false"),
        (r#"{"age": {"$not": {"$lt": 3e9}}}"#, "age IS NULL"),
        (r#"{"rank": {"$lte": 40000}}"#, "rank IS NOT NULL"),
        (r#"{"visits": {"$gt": 9223372036854775807}}"#, "visits > 9223372036854775807"),
        (r#"{"visits": {"$gt": 9223372036854775807.5}}"#, "false"),
        (r#"{"balance": 1.50}"#, "balance = 1.5"),
        (r#"{"balance": {"$lt": 1e50}}"#, "balance < 1e50"),
        (r#"{"balance": {"$gt": 1}}"#, "balance > 1 AND balance < 'NaN'"),
        (r#"{"balance": {"$not": {"$gt": 1}}}"#, "balance IS NULL OR balance <= 1 OR balance >= 'NaN'"),
        (r#"{"score": 0.1}"#, "score = '0.1'::real"),
        (r#"{"score": 0.10000000149}"#, "false"),
        (r#"{"score": {"$lte": 0.10000000149}}"#, "score <= '0.1'::real"),
        (r#"{"weight": {"$in": [0.1, 70]}}"#, "weight IN (0.1, 70)"),
        (r#"{"weight": {"$lt": 1e999}}"#, "weight <= 1.7976931348623157e308"),
    ]);
}

#[test]
fn booleans_stand_for_themselves() {
    assert_readable(&[
        (r#"{"vip": true}"#, "vip"),
        (r#"{"vip": false}"#, "NOT vip"),
        (r#"{"vip": {"$ne": true}}"#, "vip IS NULL OR NOT vip"),
        (r#"{"vip": {"$in": [true, false]}}"#, "vip IS NOT NULL"),
        (r#"{"vip": {"$in": [false, false]}}"#, "NOT vip"),
    ]);
}

#[test]
fn days_and_points_in_time() {
    assert_readable(&[
        (r#"{"born": {"$lt": "2000-01-31"}}"#, "born < '2000-01-31'"),
        (r#"{"born": {"$period": "last month"}}"#, "born >= '2024-04-01' AND born <= '2024-04-30'"),
        (r#"{"born": {"$gt": {"$period": "last month"}}}"#, "born > '2024-04-30'"),
        (r#"{"born": {"$lt": {"$today": "0 days", "$startOf": "week"}}}"#, "born < '2024-05-13'"),
        (
            r#"{"seen_at": {"$period": "this quarter"}}"#,
            "seen_at >= '2024-04-01T00:00:00Z' AND seen_at < '2024-07-01T00:00:00Z'",
        ),
        (
            r#"{"seen_at": {"$ne": {"$period": "2 years ago"}}}"#,
            "seen_at IS NULL OR seen_at < '2022-01-01T00:00:00Z' OR seen_at >= '2023-01-01T00:00:00Z'",
        ),
        (r#"{"seen_at": {"$gte": "2024-01-01"}}"#, "seen_at >= '2024-01-01T00:00:00Z'"),
        (r#"{"seen_at": {"$gt": "2024-01-01"}}"#, "seen_at >= '2024-01-02T00:00:00Z'"),
        (r#"{"seen_at": {"$gt": "2024-01-01T10:00:00+02:00"}}"#, "seen_at > '2024-01-01T08:00:00Z'"),
        (r#"{"seen_at": "2024-01-01"}"#, "seen_at >= '2024-01-01T00:00:00Z' AND seen_at < '2024-01-02T00:00:00Z'"),
        (
            r#"{"seen_at": {"$ne": "2024-01-01"}}"#,
            "seen_at IS NULL OR seen_at < '2024-01-01T00:00:00Z' OR seen_at >= '2024-01-02T00:00:00Z'",
        ),
        (r#"{"left_at": {"$lt": "2024-01-01"}}"#, "left_at < '2024-01-01T00:00:00'"),
    ]);
}

#[test]
fn arrays_are_searched_as_gin_does() {
    assert_readable(&[
        (r#"{"tags": "vip"}"#, "tags @> ARRAY['vip']::text[]"),
        (r#"{"tags": {"$ne": "vip"}}"#, "tags IS NULL OR NOT tags @> ARRAY['vip']::text[]"),
        (r#"{"tags": {"$in": ["a", "b"]}}"#, "tags && ARRAY['a', 'b']::text[]"),
        (r#"{"tags": {"$all": ["a", "b"]}}"#, "tags @> ARRAY['a']::text[] AND tags @> ARRAY['b']::text[]"),
        (
            r#"{"tags": ["a", null]}"#,
            "tags @> ARRAY['a']::text[] AND ARRAY(SELECT element FROM unnest(tags) AS element) = ARRAY['a', NULL]::text[]",
        ),
        (r#"{"tags": []}"#, "cardinality(tags) = 0"),
        (r#"{"tags.0": "a"}"#, "(ARRAY(SELECT element FROM unnest(tags) AS element))[1] = 'a'"),
        (r#"{"lucky.2": {"$gt": 7}}"#, "(ARRAY(SELECT element FROM unnest(lucky) AS element))[3] > 7"),
        (
            r#"{"lucky.2": {"$ne": 7}}"#,
            "(ARRAY(SELECT element FROM unnest(lucky) AS element))[3] IS NULL OR (ARRAY(SELECT element FROM unnest(lucky) AS element))[3] <> 7",
        ),
        (r#"{"tags.1": {"$exists": false}}"#, "tags IS NULL OR cardinality(tags) <= 1"),
        (r#"{"tags.2147483647": null}"#, "true"),
        (r#"{"tags": {"$size": 2}}"#, "cardinality(tags) = 2"),
        (
            r#"{"tags": {"$count": {"$gte": 2, "$lt": 5, "$ne": 3}}}"#,
            "cardinality(tags) < 5 AND cardinality(tags) <> 3 AND cardinality(tags) >= 2",
        ),
        (r#"{"tags": {"$count": 0}}"#, "tags IS NULL OR cardinality(tags) = 0"),
        (r#"{"tags": {"$count": {"$in": [0, 2]}}}"#, "tags IS NULL OR cardinality(tags) IN (0, 2)"),
        (r#"{"tags": {"$not": {"$count": {"$gte": 2}}}}"#, "tags IS NULL OR cardinality(tags) < 2"),
        (r#"{"tags": {"$count": {"$not": {"$gt": 99999999999}}}}"#, "true"),
        (r#"{"tags": {"$empty": true}}"#, "tags IS NULL OR cardinality(tags) = 0"),
        (r#"{"lucky": {"$in": [7, 7.5]}}"#, "lucky @> ARRAY[7]::integer[]"),
        (r#"{"lucky": {"$gt": 7}}"#, "EXISTS (SELECT 1 FROM unnest(lucky) AS element WHERE element > 7)"),
        (
            r#"{"tags": {"$not": {"$lt": "m"}}}"#,
            r#"tags IS NULL OR NOT EXISTS (SELECT 1 FROM unnest(tags) AS element WHERE element COLLATE "C" < 'm')"#,
        ),
        (r#"{"tags": null}"#, "tags IS NULL OR EXISTS (SELECT 1 FROM unnest(tags) AS element WHERE element IS NULL)"),
        (
            r#"{"tags": {"$nin": [null]}}"#,
            "tags IS NOT NULL AND NOT EXISTS (SELECT 1 FROM unnest(tags) AS element WHERE element IS NULL)",
        ),
        (r#"{"tags": {"$type": "null"}}"#, "EXISTS (SELECT 1 FROM unnest(tags) AS element WHERE element IS NULL)"),
        (
            r#"{"lucky": {"$elemMatch": {"$gt": 7, "$lt": 13}}}"#,
            "EXISTS (SELECT 1 FROM unnest(lucky) AS element WHERE element > 7 AND element < 13)",
        ),
        (
            r#"{"lucky": {"$elemMatch": {"$nin": [7, 13]}}}"#,
            "EXISTS (SELECT 1 FROM unnest(lucky) AS element WHERE element IS NULL OR element NOT IN (7, 13))",
        ),
        (r#"{"lucky": {"$elemMatch": {"$exists": true}}}"#, "cardinality(lucky) <> 0"),
        (r#"{"roles": {"$in": ["a", "b"]}}"#, "roles::text[] && ARRAY['a', 'b']::text[]"),
    ]);
}

#[test]
fn elements_compare_as_their_type_does_beside_a_pattern() {
    assert_readable(&[
        (
            r#"{"aliases": {"$elemMatch": {"$eq": "c", "$regex": "^C"}}}"#,
            r#"EXISTS (SELECT 1 FROM unnest(aliases) AS element WHERE element = 'c' AND jsonb_build_object('value', element::text) @~ '{"value": {"$regex": "^C"}}')"#,
        ),
        (
            r#"{"aliases": {"$elemMatch": {"$ne": "c", "$not": {"$regex": "^C"}}}}"#,
            r#"EXISTS (SELECT 1 FROM unnest(aliases) AS element WHERE (element IS NULL OR element <> 'c') AND (element IS NULL OR NOT jsonb_build_object('value', element::text) @~ '{"value": {"$regex": "^C"}}'))"#,
        ),
    ]);
}

#[test]
fn custom_properties_go_through_one_test_of_the_document() {
    assert_readable(&[
        (r#"{"colour": "red"}"#, r#"properties @~ '{"colour": {"$as": "string", "$eq": "red"}}'"#),
        (
            r#"{"colour": "red", "size": {"$gt": 4}, "country": "US"}"#,
            r#"country = 'US' AND properties @~ '{"size": {"$as": "number", "$gt": 4}, "colour": {"$as": "string", "$eq": "red"}}'"#,
        ),
        (
            r#"{"$or": [{"colour": "red"}, {"country": "US"}, {"size": {"$ne": 4}}]}"#,
            r#"country = 'US' OR properties @~ '{"$or": [{"colour": {"$as": "string", "$eq": "red"}}, {"size": {"$as": "number", "$ne": 4}}]}'"#,
        ),
        (
            r#"{"$nor": [{"colour": "red"}, {"country": "US"}]}"#,
            r#"(country IS NULL OR country <> 'US') AND properties @~ '{"colour": {"$as": "string", "$ne": "red"}}'"#,
        ),
        (r#"{"cart.items": "it's"}"#, r#"properties @~ '{"cart.items": {"$eq": "it''s"}}'"#),
        (r#"{"cart": {"$regex": "a\\."}}"#, r#"properties @~ E'{"cart": {"$as": "json", "$regex": "a\\\\."}}'"#),
    ]);
}

#[test]
fn a_row_without_properties_has_none() {
    let mut table = contacts();
    table.properties = Some(PropertiesColumn { name: "properties".into(), not_null: false });
    assert_sql(
        &table,
        &readable(),
        &[
            (r#"{"colour": "red"}"#, r#"properties @~ '{"colour": {"$as": "string", "$eq": "red"}}'"#),
            (
                r#"{"colour": {"$ne": "red"}}"#,
                r#"properties IS NULL OR properties @~ '{"colour": {"$as": "string", "$ne": "red"}}'"#,
            ),
        ],
    );
    table.properties = None;
    assert_sql(
        &table,
        &readable(),
        &[(r#"{"colour": "red"}"#, "false"), (r#"{"colour": {"$ne": "red"}, "vip": true}"#, "vip")],
    );
}

#[test]
fn what_sql_cannot_say_is_put_to_an_object_built_from_the_row() {
    assert_readable(&[
        (
            r#"{"country": {"$regex": "^U"}, "city": {"$contains": "x", "$options": "i"}, "code": {"$regex": "a"}}"#,
            r#"jsonb_build_object('city', city, 'code', code::text, 'country', country) @~ '{"city": {"$as": "string", "$options": "i", "$contains": "x"}, "code": {"$as": "string", "$regex": "a"}, "country": {"$as": "string", "$regex": "^U"}}'"#,
        ),
        (
            r#"{"extra": {"$filter": {"a": 1}, "$count": {"$gte": 2}}}"#,
            r#"jsonb_build_object('extra', extra) @~ '{"extra": {"$as": "json", "$count": {"$gte": 2}, "$filter": {"a": {"$eq": 1}}}}'"#,
        ),
        (
            r#"{"extra": {"$every": {"a": 1}}}"#,
            r#"jsonb_build_object('extra', extra) @~ '{"extra": {"$as": "json", "$every": {"a": {"$eq": 1}}}}'"#,
        ),
        (r#"{"extra.a.b": 1}"#, r#"jsonb_build_object('extra', extra) @~ '{"extra.a.b": {"$eq": 1}}'"#),
        (r#"{"extra": {"$exists": false}}"#, "extra IS NULL"),
        // A JSON null is present, but the null that jsonb_build_object makes of NULL is not.
        (
            r#"{"extra": {"$not": {"$type": "null"}}}"#,
            r#"extra IS NULL OR jsonb_build_object('extra', extra) @~ '{"extra": {"$as": "json", "$not": {"$type": ["null"]}}}'"#,
        ),
    ]);
}

#[test]
fn typed_indexes_serve() {
    assert_readable(&[
        (r#"{"cart.total": {"$gte": 5}}"#, "property_number(properties, 'cart.total') >= 5"),
        (r#"{"spent": {"$gte": 100}}"#, "property_number(properties, 'spent') >= 100"),
        (r#"{"spent": {"$in": [1, 2.5]}}"#, "property_number(properties, 'spent') IN (1, 2.5)"),
        (r#"{"plan": "pro"}"#, r#"property_text(properties, 'plan') COLLATE "C" = 'pro'"#),
        (r#"{"plan": {"$startsWith": "pro"}}"#, r#"property_text(properties, 'plan') COLLATE "C" LIKE 'pro%'"#),
        (r#"{"trial": false}"#, "NOT property_boolean(properties, 'trial')"),
        (r#"{"trial": {"$in": [true, false]}}"#, "property_boolean(properties, 'trial') IS NOT NULL"),
        (
            r#"{"$or": [{"spent": {"$gt": 9}}, {"plan": "pro"}]}"#,
            r#"property_number(properties, 'spent') > 9 OR property_text(properties, 'plan') COLLATE "C" = 'pro'"#,
        ),
        (
            r#"{"spent": {"$gt": 9, "$lt": 99}, "colour": "red"}"#,
            r#"property_number(properties, 'spent') > 9 AND property_number(properties, 'spent') < 99 AND properties @~ '{"colour": {"$as": "string", "$eq": "red"}}'"#,
        ),
        // An index does not have rows without the property.
        (r#"{"spent": {"$ne": 9}}"#, r#"properties @~ '{"spent": {"$as": "number", "$ne": 9}}'"#),
        (r#"{"spent": null}"#, r#"properties @~ '{"spent": {"$as": "number", "$eq": null}}'"#),
    ]);
}

#[test]
fn an_index_of_days_or_instants_is_narrower_or_exact() {
    assert_readable(&[
        (r#"{"renews": {"$lt": "2024-02-01"}}"#, "property_date(properties, 'renews') < '2024-02-01'"),
        (r#"{"renews": "2024-02-01"}"#, "property_date(properties, 'renews') = '2024-02-01'"),
        (
            r#"{"paid_at": {"$gt": "2024-02-01"}}"#,
            "property_timestamp(properties, 'paid_at') >= '2024-02-02T00:00:00Z'",
        ),
        (
            r#"{"paid_at": {"$gt": "2024-02-01T10:00:00Z"}}"#,
            "property_timestamp(properties, 'paid_at') > '2024-02-01T10:00:00Z'",
        ),
        // A contact that paid on that day at an unknown hour satisfies this, too.
        (
            r#"{"paid_at": {"$gte": "2024-02-01T10:00:00Z"}}"#,
            r#"property_timestamp(properties, 'paid_at') >= '2024-02-01T00:00:00Z' AND properties @~ '{"paid_at": {"$as": "timestamp", "$gte": {"$date": "2024-02-01T10:00:00Z"}}}'"#,
        ),
    ]);
}

#[test]
fn subscriptions_are_looked_up() {
    assert_readable(&[
        (
            r#"{"$topic": "weekly"}"#,
            "EXISTS (SELECT 1 FROM contact_topics AS subscription WHERE subscription.contact_id = contacts.id AND subscription.topic = 'weekly')",
        ),
        (
            r#"{"$topic": {"$nin": ["weekly", "daily"]}}"#,
            "NOT EXISTS (SELECT 1 FROM contact_topics AS subscription WHERE subscription.contact_id = contacts.id AND subscription.topic IN ('weekly', 'daily'))",
        ),
        (
            r#"{"$or": [{"$topic": "weekly"}, {"vip": true}, {"$topic": "daily"}]}"#,
            "vip OR EXISTS (SELECT 1 FROM contact_topics AS subscription WHERE subscription.contact_id = contacts.id AND subscription.topic IN ('weekly', 'daily'))",
        ),
    ]);
}

#[test]
fn subscriptions_at_hand_are_not_looked_up() {
    let mut table = contacts();
    if let Some(topics) = &mut table.topics {
        topics.held = Some("before.topics".into());
    }
    let rows = [(
        r#"{"$topic": {"$in": ["weekly", "daily"]}}"#,
        "EXISTS (SELECT 1 FROM unnest(before.topics) AS subscription(topic) WHERE subscription.topic IN ('weekly', 'daily'))",
    )];
    assert_sql(&table, &readable(), &rows);
}

#[test]
fn constants() {
    assert_readable(&[("{}", "true"), (r#"{"vip": {"$in": []}}"#, "false")]);
}

#[test]
fn columns_tell_what_holds_for_everyone_or_nobody() {
    for (condition, expected) in [
        ("{}", Some(true)),
        (r#"{"age": {"$gt": 99999999999}}"#, Some(false)),
        (r#"{"age": {"$lt": 99999999999}}"#, None),
        (r#"{"age": {"$not": {"$gt": 99999999999}}}"#, Some(true)),
        (r#"{"$or": [{"age": 1.5}, {"status": "gone"}]}"#, Some(false)),
        (r#"{"$or": [{"age": 1.5}, {"colour": "red"}]}"#, None),
        (r#"{"age": {"$exists": true}}"#, None),
        (r#"{"id": {"$exists": true}}"#, Some(true)),
        (r#"{"colour": "red"}"#, None),
    ] {
        assert_eq!(constant(&checked(condition), &contacts()), expected, "{condition}");
    }
}

#[test]
fn qualified_sql_does_not_depend_on_the_search_path() {
    let style = Style { alias: Some("c".into()), extension_schema: "my ext".into(), ..qualified() };
    assert_sql(
        &contacts(),
        &style,
        &[
            (r#"{"country": "US"}"#, r#""c"."country" OPERATOR(pg_catalog.=) 'US'::pg_catalog.text"#),
            (
                r#"{"country": {"$nin": ["US", "DE"]}}"#,
                r#""c"."country" IS NULL OR "c"."country" OPERATOR(pg_catalog.<>) ALL (ARRAY['US', 'DE']::pg_catalog.text[])"#,
            ),
            (
                r#"{"country": {"$gt": "M"}}"#,
                r#""c"."country" COLLATE pg_catalog."C" OPERATOR(pg_catalog.>) 'M'::pg_catalog.text"#,
            ),
            (r#"{"email": "a@b.c"}"#, r#""c"."email" OPERATOR("public".=) 'a@b.c'::"public".citext"#),
            (r#"{"status": "active"}"#, r#""c"."status" OPERATOR(pg_catalog.=) 'active'::"public"."Status""#),
            (r#"{"age": -5}"#, r#""c"."age" OPERATOR(pg_catalog.=) '-5'::pg_catalog.int4"#),
            (
                r#"{"colour": "red"}"#,
                r#""c"."properties" OPERATOR("my ext".@~) '{"colour": {"$as": "string", "$eq": "red"}}'::"my ext".segment_condition"#,
            ),
            (
                r#"{"spent": 5}"#,
                r#""my ext".property_number("c"."properties", 'spent'::pg_catalog.text) OPERATOR(pg_catalog.=) '5'::pg_catalog.numeric"#,
            ),
            (
                r#"{"$topic": "weekly"}"#,
                r#"EXISTS (SELECT 1 FROM "public"."contact_topics" AS "subscription" WHERE "subscription"."contact_id" OPERATOR(pg_catalog.=) "c"."id" AND "subscription"."topic" OPERATOR(pg_catalog.=) 'weekly'::pg_catalog.text)"#,
            ),
        ],
    );
    let hidden = Style { names: Names::Readable { search_path: vec![] }, ..style };
    assert_sql(
        &contacts(),
        &hidden,
        &[(
            r#"{"colour": "red", "email": "a"}"#,
            r#"c.email OPERATOR(public.=) 'a'::public.citext AND c.properties OPERATOR("my ext".@~) '{"colour": {"$as": "string", "$eq": "red"}}'"#,
        )],
    );
}

#[test]
fn more_than_one_condition_may_hold_is_split() {
    let test = |name: &str, number: usize| {
        let compare = ValueTest::Compare(Comparison::Gt, Value::Number(Decimal::from(number as i64)));
        Expr::Test(Atom::Field(FieldTest { path: Path::parse(name), read_as: None, test: compare }))
    };
    let any = Expr::or((0..crate::limits::NODES + 1).map(|number| test("size", number)));
    let sql = where_clause(&any, &contacts(), &readable());
    assert_eq!(sql.matches("properties @~ ").count(), 2);

    let mut table = contacts();
    let json = |number: usize| NativeColumn {
        name: format!("j{number}"),
        not_null: false,
        kind: ColumnKind::Jsonb,
        has_precision: false,
    };
    table.columns = (0..60).map(json).collect();
    let all = Expr::and((0..60).map(|number| test(&format!("j{number}.a"), 0)));
    let sql = where_clause(&all, &table, &readable());
    assert_eq!(sql.matches("jsonb_build_object(").count(), 2);
    assert_eq!(sql.matches(" AND ").count(), 1);
}

#[test]
fn what_is_used_is_told_once() {
    let table = contacts();
    let names = |condition: &str| -> (Vec<String>, bool, bool) {
        let checked = checked(condition);
        let used = used(&checked, &table);
        let names = used.columns.iter().map(|column| column.name.clone()).collect();
        (names, used.properties.is_some(), used.topics.is_some())
    };
    assert_eq!(
        names(r#"{"age": {"$gt": 1, "$lt": 9}, "vip": true}"#),
        (vec!["age".into(), "vip".into()], false, false)
    );
    assert_eq!(names(r#"{"$or": [{"colour": "red"}, {"$topic": "weekly"}]}"#), (vec![], true, true));
}

#[test]
fn remainders_and_text_without_case() {
    assert_readable(&[
        (r#"{"age": {"$mod": [4, -1]}}"#, "mod(age, 4) = -1"),
        (r#"{"age": {"$not": {"$mod": [4, 1]}}}"#, "age IS NULL OR mod(age, 4) <> 1"),
        (r#"{"balance": {"$mod": [-4, 1]}}"#, "mod(trunc(balance), -4) = 1"),
        (r#"{"lucky": {"$mod": [7, 0]}}"#, "EXISTS (SELECT 1 FROM unnest(lucky) AS element WHERE mod(element, 7) = 0)"),
        (
            r#"{"country": {"$eq": "us", "$options": "i"}}"#,
            r#"jsonb_build_object('country', country) @~ '{"country": {"$as": "string", "$in": ["us"], "$options": "i"}}'"#,
        ),
        (
            r#"{"spent": {"$mod": [4, 1]}, "plan": {"$nin": ["Pro", null], "$options": "i"}}"#,
            r#"properties @~ '{"$nor": [{"plan": {"$as": "string", "$in": [null]}}], "plan": {"$as": "string", "$nin": ["Pro"], "$options": "i"}, "spent": {"$as": "number", "$mod": [4, 1]}}'"#,
        ),
    ]);
}

#[test]
fn buckets_are_of_the_id() {
    assert_readable(&[
        (r#"{"$bucket": {"of": 10, "in": [3], "salt": "it's"}}"#, "bucket_of(id, 'it''s', 10) = 3"),
        (r#"{"$bucket": {"of": 10, "in": [3, 1, 3], "salt": "x"}}"#, "bucket_of(id, 'x', 10) IN (1, 3)"),
        (r#"{"$not": {"$bucket": {"of": 10, "in": [3, 1], "salt": "x"}}}"#, "bucket_of(id, 'x', 10) NOT IN (1, 3)"),
        (r#"{"$bucket": {"of": 2, "in": [1, 0], "salt": "x"}}"#, "true"),
    ]);
    assert_sql(
        &contacts(),
        &qualified(),
        &[(
            r#"{"$bucket": {"of": 10, "in": [3, 1], "salt": "x"}}"#,
            r#""public".bucket_of("id", 'x'::pg_catalog.text, '10'::pg_catalog.int4) OPERATOR(pg_catalog.=) ANY (ARRAY['1', '3']::pg_catalog.int4[])"#,
        )],
    );
    assert_eq!(used(&checked(r#"{"$bucket": {"of": 10, "in": [3], "salt": "x"}}"#), &contacts()).columns[0].name, "id");
}

#[test]
fn fields_are_compared_as_columns_where_they_are() {
    assert_readable(&[
        (r#"{"$expr": {"$gt": ["$age", "$visits"]}}"#, "age > visits"),
        (
            r#"{"$expr": {"$ne": ["$age", "$spent"]}}"#,
            "age IS NULL OR property_number(properties, 'spent') IS NULL OR age <> property_number(properties, 'spent')",
        ),
        (r#"{"$expr": {"$eq": ["$country", "$city"]}}"#, r#"country COLLATE "C" = city::text"#),
        (r#"{"$expr": {"$eq": ["$email", "$email"]}}"#, r#"email COLLATE "C" = email"#),
        (r#"{"$expr": {"$gte": ["$age", 18]}}"#, "age >= 18"),
        (r#"{"$expr": {"$gt": ["$spent", 5]}}"#, "property_number(properties, 'spent') > 5"),
        (
            r#"{"$expr": {"$gt": ["$spent", "$size"]}, "colour": "red"}"#,
            r#"properties @~ '{"$expr": {"$gt": [{"$as": "number", "$field": "spent"}, {"$as": "number", "$field": "size"}]}, "colour": {"$as": "string", "$eq": "red"}}'"#,
        ),
        (
            r#"{"$expr": {"$lt": ["$born", "$renews"]}}"#,
            r#"jsonb_build_object('born', CASE WHEN born IS NOT NULL THEN LEAST(GREATEST(born, '0001-01-01'), '9999-12-31') END, 'renews', properties -> 'renews') @~ '{"$expr": {"$lt": [{"$as": "date", "$field": "born"}, {"$as": "date", "$field": "renews"}]}}'"#,
        ),
    ]);
    assert_sql(
        &contacts(),
        &qualified(),
        &[
            (
                r#"{"$expr": {"$lt": ["$seen_at", "$left_at"]}}"#,
                r#""seen_at" OPERATOR(pg_catalog.<) pg_catalog.timezone('UTC'::pg_catalog.text, "left_at") AND "seen_at" OPERATOR(pg_catalog.<) '9999-12-31T23:59:59.999999Z'::pg_catalog.timestamptz AND pg_catalog.timezone('UTC'::pg_catalog.text, "left_at") OPERATOR(pg_catalog.>) '0001-01-01T00:00:00Z'::pg_catalog.timestamptz"#,
            ),
            (
                r#"{"$expr": {"$eq": ["$extra.a", "$cart.b"]}}"#,
                r#"pg_catalog.jsonb_build_object('extra'::pg_catalog.text, "extra", 'cart'::pg_catalog.text, "properties" OPERATOR(pg_catalog.->) 'cart'::pg_catalog.text) OPERATOR("public".@~) '{"$expr": {"$eq": ["$extra.a", "$cart.b"]}}'::"public".segment_condition"#,
            ),
        ],
    );
}
