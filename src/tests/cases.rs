//! The cases of `tests/cases` in a server: `@~` on each document, with and without an index; the SQL over columns and custom
//! properties where they are declared; and the errors that clients see.

use super::corpus::{self, Audience as Declared, Case, Refusal};
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::pg::query;
use crate::pg::spi::QueryText::Made;
use segments_core::date::Moment;
use segments_core::value::{Json, Value};
use uuid::Uuid;

/// The cases of documents that match and of others, without those that depend on the time.
fn judged(is_declared: bool) -> Vec<Case> {
    let mut cases = corpus::cases();
    cases.retain(|case| case.is_declared == is_declared && !case.has_relations && case.refusal.is_none());
    // In a sequence, $none is about a time that has to be over.
    let depends = |text: &str| {
        ["$now", "$today", "$period"].iter().any(|word| text.contains(word))
            || text.contains("$sequence") && text.contains("$none")
    };
    cases.retain(|case| !depends(&case.condition));
    cases
}

/// A case's documents, each with whether it matches.
fn documents(case: &Case) -> impl Iterator<Item = (&str, bool)> {
    let matching = case.matches.iter().map(|text| (text.as_str(), true));
    matching.chain(case.others.iter().map(|text| (text.as_str(), false)))
}

/// Creates the table `stated` with the documents of the cases.
fn state(cases: &[Case]) {
    query::write(Made("DROP TABLE IF EXISTS stated"), &[]);
    query::write(Made("CREATE TABLE stated (number int, document jsonb, matches boolean)"), &[]);
    let (mut numbers, mut texts, mut matches) = (vec![], vec![], vec![]);
    for (number, case) in cases.iter().enumerate() {
        for (document, is_match) in documents(case) {
            numbers.push(number as i32);
            texts.push(document.to_owned());
            matches.push(is_match);
        }
    }
    query::write(
        Made("INSERT INTO stated SELECT * FROM ROWS FROM (unnest($1), unnest($2::jsonb[]), unnest($3)) s"),
        &[numbers.into(), texts.into(), matches.into()],
    );
}

/// The documents of case `number` that a query with the condition on `relation` finds or misses by mistake.
fn wrong(number: usize, relation: &str, condition: &str) -> Vec<String> {
    let sql = format!(
        "SELECT document::text FROM {relation} s WHERE number = {number} AND matches
         EXCEPT ALL SELECT document::text FROM {relation} s WHERE number = {number} AND ({condition})"
    );
    let reverse = format!(
        "SELECT document::text FROM {relation} s WHERE number = {number} AND ({condition})
         EXCEPT ALL SELECT document::text FROM {relation} s WHERE number = {number} AND matches"
    );
    let documents = |sql: &String| query::rows(sql, &[], |row| row.get::<String>(1));
    let lost = documents(&sql).into_iter().map(|document| format!("{document} is lost"));
    lost.chain(documents(&reverse).into_iter().map(|document| format!("{document} is found"))).collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn literal(text: &str) -> String {
    pgrx::spi::quote_literal(text)
}

/// Creates an audience with the declared properties. Those for which `column` returns a type are columns, and the others
/// are custom.
fn declare(name: &str, declared: &Declared, column: fn(&str, &str) -> Option<&'static str>) -> Audience {
    let (mut columns, mut custom) = (String::new(), vec![]);
    for (property, kind) in &declared.properties {
        match column(property, kind) {
            Some(sql_type) => columns += &format!(", {} {sql_type}", pgrx::spi::quote_identifier(property)),
            None => custom.push((property.clone(), kind.clone())),
        }
    }
    let properties = pgrx::spi::quote_identifier(&declared.properties_column);
    query::write(
        &format!(
            "CREATE TABLE {name} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number int, document jsonb, matches boolean,
                 {properties} jsonb{columns})"
        ),
        &[],
    );
    query::write(
        Made("SELECT attach_audience($1, $1, properties_column => $2)"),
        &[name.into(), declared.properties_column.clone().into()],
    );
    for (property, kind) in custom {
        query::write(Made("SELECT create_property($1, $2, $3)"), &[property.into(), kind.into(), name.into()]);
    }
    for slug in declared.topics.keys() {
        query::write(Made("SELECT create_topic($1, audience => $2)"), &[slug.clone().into(), name.into()]);
    }
    for (segment, condition) in &declared.segments {
        query::write(
            &format!("SELECT create_segment({}, {}, audience => $1)", literal(segment), literal(condition)),
            &[name.into()],
        );
    }
    Audience::load(name)
}

/// The type of a column that holds such values; `None` if the property must be custom.
fn column_type(property: &str, kind: &str) -> Option<&'static str> {
    if property.contains('.') {
        return None;
    }
    Some(match kind {
        // Columns of dates hold dates, and columns of numbers hold numbers.
        kind if kind.contains("(seconds)") => return None,
        "string" => "text",
        "number" => "numeric",
        "boolean" => "boolean",
        "date" => "date",
        "timestamp" => "timestamptz",
        "string[]" => "text[]",
        "number[]" => "numeric[]",
        "timestamp[]" => "timestamptz[]",
        "json" => "jsonb",
        _ => panic!("there is no column of type {kind} here"),
    })
}

/// Whether a column of the property can hold the value.
fn fits(kind: &str, value: &Json) -> bool {
    match (kind, value) {
        (_, Value::Null) => false,
        ("json", _) | ("string", Value::String(_)) | ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => true,
        ("date", Value::String(text)) => matches!(Moment::parse(text.as_bytes()), Some(Moment::Day(_))),
        ("timestamp", Value::String(text)) => matches!(Moment::parse(text.as_bytes()), Some(Moment::Instant(_))),
        (_, Value::Array(items)) => {
            kind.strip_suffix("[]").is_some_and(|kind| items.iter().all(|item| fits(kind, item)))
        }
        _ => false,
    }
}

/// The mistakes of the audience's SQL about those documents of `stated` that its table has.
fn wrong_sql(audience: &Audience, time_zone: &str, cases: &[Case]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let definition = Definition {
            id: Uuid::nil(),
            audience: audience.name.clone(),
            name: String::new(),
            description: None,
            conditions: case.condition.clone(),
            time_zone: Some(time_zone.to_owned()),
        };
        let checked = match scope::check_segment(audience, &definition) {
            Ok(checked) => checked.checked,
            Err(errors) => panic!("{}: {} is refused: {errors:?}", case.file, case.condition),
        };
        let readable = contact_sql::readable_sql(audience, &checked);
        for sql in [contact_sql::executable_sql(audience, &checked), readable.clone()] {
            for document in self::wrong(number, &audience.name, &sql) {
                wrong.push(format!("{}: {} as {readable}: {document}", case.file, case.condition));
            }
        }
    }
    wrong
}

/// The difference between the error that the statement raises and the expected one.
fn wrong_error(sql: String, case: &Case, expected: &Refusal) -> Option<String> {
    let [state, message, detail, hint] = query::first(Made("SELECT * FROM error_of($1)"), &[sql.into()], |row| {
        [1, 2, 3, 4].map(|column| row.get::<String>(column))
    })?;
    let at = expected.at.as_deref().map(|at| match at {
        "" => "At the top of the condition.".to_owned(),
        at => format!("At {at}"),
    });
    let is = |found: &str, expected: Option<&str>| expected.is_none_or(|expected| expected == found);
    let is_right = state == expected.sqlstate
        && is(&detail, at.as_deref())
        && is(&message, expected.message.as_deref())
        && is(&hint, expected.hint.as_deref());
    (!is_right).then(|| format!("{}: {} raises {state}: {message}; {detail}; {hint}", case.file, case.condition))
}

#[pgrx::pg_schema]
mod tests {
    use super::*;
    use pgrx::prelude::*;

    #[pg_test]
    fn the_operator_says_what_the_cases_say() {
        let cases = judged(false);
        state(&cases);
        let mut wrong = Vec::new();
        for class in ["", "jsonb_ops", "jsonb_path_ops"] {
            query::write(Made("DROP INDEX IF EXISTS stated_document"), &[]);
            if !class.is_empty() {
                query::write(&format!("CREATE INDEX stated_document ON stated USING gin (document {class})"), &[]);
                crate::tests::no_scans();
            }
            for (number, case) in cases.iter().enumerate() {
                let condition = format!("document @~ {}", literal(&case.condition));
                for document in super::wrong(number, "stated", &condition) {
                    wrong.push(format!("{}: {}, index {class:?}: {document}", case.file, case.condition));
                }
            }
        }
        assert_none(&wrong);
    }

    #[pg_test]
    fn sql_says_what_the_cases_say_of_declared_properties() {
        query::write(Made("SET LOCAL TimeZone = 'UTC'"), &[]); // in which stored times without an offset are read
        let declared = corpus::audience();
        let cases = judged(true);
        state(&cases);
        let custom = declare("declared_custom", &declared, |_, _| None);
        query::write(
            &format!(
                "INSERT INTO declared_custom (number, document, matches, {}) SELECT number, document, matches, document FROM stated",
                pgrx::spi::quote_identifier(&declared.properties_column)
            ),
            &[],
        );
        let mut wrong = wrong_sql(&custom, &declared.time_zone, &cases);

        let columns = declare("declared_columns", &declared, column_type);
        let names: Vec<&String> = declared
            .properties
            .iter()
            .filter(|(name, kind)| column_type(name, kind).is_some())
            .map(|(name, _)| name)
            .collect();
        let list = names.iter().map(|name| pgrx::spi::quote_identifier(name.as_str())).collect::<Vec<_>>();
        let insert = format!(
            "INSERT INTO declared_columns (number, document, matches, {}, {})
             SELECT s.number, s.document, s.matches, s.document - $3::text[], r.{}
               FROM (VALUES ($1, $2::jsonb, $4)) s(number, document, matches), jsonb_populate_record(NULL::declared_columns, s.document) r",
            pgrx::spi::quote_identifier(&declared.properties_column),
            list.join(", "),
            list.join(", r."),
        );
        let names: Vec<String> = names.into_iter().cloned().collect();
        let mut held = 0;
        for (number, case) in cases.iter().enumerate() {
            for (text, is_match) in documents(case) {
                let Ok(Value::Object(members)) = Json::parse(text) else { panic!("{text} is no object") };
                if members.iter().all(|(name, value)| !names.contains(name) || fits(&declared.properties[name], value))
                {
                    query::write(
                        &insert,
                        &[(number as i32).into(), text.into(), names.clone().into(), is_match.into()],
                    );
                    held += 1;
                }
            }
        }
        assert!(held > 200, "columns hold {held} of the documents alone");
        wrong.extend(wrong_sql(&columns, &declared.time_zone, &cases));
        assert_none(&wrong);
    }

    #[pg_test]
    fn errors_are_those_of_the_cases() {
        query::write(
            Made("CREATE FUNCTION error_of(sql text, OUT state text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
             BEGIN
                 EXECUTE sql;
                 RAISE EXCEPTION 'it is accepted';
             EXCEPTION WHEN OTHERS THEN
                 GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                     hint = PG_EXCEPTION_HINT;
             END $$"),
            &[],
        );
        declare("declared_custom", &corpus::audience(), |_, _| None);
        let mut wrong = Vec::new();
        for case in corpus::cases() {
            // A text in Postgres cannot have this character.
            let is_left_out = case.has_relations || case.condition.contains('\0');
            let (Some(expected), false) = (&case.refusal, is_left_out) else { continue };
            let condition = literal(&case.condition);
            let sql = match case.is_declared {
                true => format!("SELECT count_contacts({condition}, 'declared_custom')"),
                false => format!("SELECT '{{}}'::jsonb @~ {condition}"),
            };
            wrong.extend(wrong_error(sql, &case, expected));
        }
        assert_none(&wrong);
    }
}
