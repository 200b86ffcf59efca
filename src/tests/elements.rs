//! Arrays of types that have their own rules of comparison: the SQL and the evaluation of a row must agree.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::counting::pass;
use crate::pg::query;
use crate::pg::spi::QueryText::Made;
use uuid::Uuid;

/// Whether the audience's only contact satisfies the condition, by the SQL and by the evaluation of its row.
fn judge(audience: &Audience, conditions: &str) -> (bool, bool) {
    let definition = Definition {
        id: Uuid::nil(),
        audience: audience.name.clone(),
        name: String::new(),
        description: None,
        conditions: conditions.to_owned(),
        time_zone: None,
    };
    let checked = match scope::check_segment(audience, &definition) {
        Ok(checked) => checked.checked,
        Err(_) => panic!("{conditions} is refused"),
    };
    let sql = format!("SELECT EXISTS (SELECT FROM element WHERE {})", contact_sql::executable_sql(audience, &checked));
    let by_sql = query::first(&sql, &[], |row| row.get(1)).unwrap_or(false);
    let (passes, _) = pass::plan(audience, &[checked]);
    (by_sql, passes[0].run(&passes[0].sql(audience), None) == [1])
}

#[pgrx::pg_schema]
mod tests {
    use super::*;
    use pgrx::prelude::*;

    #[pg_test]
    fn elements_compare_as_their_type_does() {
        let has_citext = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext')";
        let has_citext = query::first(Made(has_citext), &[], |row| row.get(1)).unwrap_or(false);
        if has_citext {
            query::write(Made("CREATE EXTENSION IF NOT EXISTS citext"), &[]);
        }
        let tags = if has_citext { "citext[]" } else { "text[]" };
        query::write(Made("CREATE TYPE element_mood AS ENUM ('sad', 'ok')"), &[]);
        query::write(
            &format!(
                "CREATE TABLE element (id integer PRIMARY KEY, tags {tags}, ids uuid[], ch char(4)[],
                                       moods element_mood[], names name[], floats double precision[])"
            ),
            &[],
        );
        query::write(
            Made(
                "INSERT INTO element
             VALUES (1, '{C,NULL}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{ab}', '{ok}', '{ab}', '{NaN}')",
            ),
            &[],
        );
        query::write(Made("SELECT attach_audience('element', 'element')"), &[]);
        let audience = Audience::load("element");
        for (conditions, expected) in [
            (r#"{"tags": "c"}"#, true),
            (r#"{"tags": ["c", null]}"#, true),
            (r#"{"tags": {"$gte": "b"}}"#, true),
            (r#"{"tags": {"$lt": "b"}}"#, false),
            (r#"{"tags": {"$elemMatch": {"$eq": "c"}}}"#, true),
            (r#"{"tags": {"$elemMatch": {"$nin": ["c", null]}}}"#, false),
            (r#"{"tags": {"$elemMatch": {"$gte": "b", "$lt": "d"}}}"#, true),
            // Patterns ignore case, as the comparisons beside them do.
            (r#"{"tags": {"$elemMatch": {"$eq": "c", "$regex": "^C"}}}"#, true),
            (r#"{"tags": {"$elemMatch": {"$eq": "c", "$regex": "^c"}}}"#, true),
            (r#"{"tags": {"$elemMatch": {"$eq": "c", "$startsWith": "C"}}}"#, true),
            (r#"{"tags": {"$elemMatch": {"$ne": "c", "$not": {"$regex": "^c"}}}}"#, true),
            (r#"{"ids": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}"#, true),
            (r#"{"ids": {"$elemMatch": {"$eq": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}}}"#, true),
            (r#"{"ids": {"$elemMatch": {"$eq": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "$regex": "^a0"}}}"#, true),
            (r#"{"ids": {"$lt": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}}"#, false),
            (r#"{"ch": {"$elemMatch": {"$eq": "ab "}}}"#, true),
            (r#"{"ch": {"$elemMatch": {"$lte": "ab ", "$regex": "b$"}}}"#, true),
            (r#"{"ch": {"$lt": "ab "}}"#, false),
            (r#"{"moods": {"$elemMatch": {"$eq": "ok", "$regex": "k$"}}}"#, true),
            (r#"{"moods": {"$elemMatch": {"$lt": "ok"}}}"#, false),
            (r#"{"names": "ab"}"#, true),
            (r#"{"names": {"$in": ["x", "ab"]}}"#, true),
            (r#"{"names": {"$elemMatch": {"$gt": "a", "$endsWith": "b"}}}"#, true),
            (r#"{"floats": {"$type": "number"}}"#, true),
            (r#"{"floats": {"$type": "string"}}"#, false),
            (r#"{"floats": {"$elemMatch": {"$type": "number"}}}"#, true),
            (r#"{"floats": {"$elemMatch": {"$type": ["string", "null"]}}}"#, false),
        ] {
            if has_citext || !conditions.contains("tags") {
                assert_eq!(judge(&audience, conditions), (expected, expected), "{conditions}");
            }
        }
    }
}
