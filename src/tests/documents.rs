//! `@~` on random documents, however they are stored, against the core over the documents' text.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;
use crate::tests::random::Random;
use crate::tests::{condition, core_matches, document, for_documents, seeds};
use segments_core::value::{Json, Value};

/// How many pairs of a document and a condition of its own are compared, row by row.
const PAIRS: usize = 2_500;
/// How many conditions, as constants, are put to how many documents each.
const CONDITIONS: usize = 50;
const DOCUMENTS: usize = 300;

/// Compares `document @~ condition` where each row has its own condition, which the backend takes from its cache.
fn compare_pairs(seed: u64, storage: &str) {
    let mut random = Random::new(seed);
    let (mut documents, mut conditions) = (Vec::new(), Vec::new());
    while documents.len() < PAIRS {
        let document = random_document(&mut random);
        let condition = condition::generate(&mut random, &document).to_string();
        if for_documents(&condition).is_some() {
            documents.push(document.to_string());
            conditions.push(condition);
        }
    }
    store(storage, documents, conditions);
    let rows = query::rows(
        Made("SELECT p.document @~ p.condition, p.document::text, p.condition::text FROM pair p ORDER BY p.id"),
        &[],
        |row| (row.get::<bool>(1), row.get::<String>(2), row.get::<String>(3)),
    );
    assert_eq!(rows.len(), PAIRS);
    let mut matching = 0;
    for (found, document, condition) in rows {
        let checked = for_documents(&condition).unwrap_or_else(|| panic!("{condition} does not read back"));
        let json = Json::parse(&document).unwrap_or_else(|error| panic!("{document}: {error}"));
        let expected = core_matches(&checked, &json);
        assert_eq!(found, expected, "seed {seed}, {storage}: {document} @~ {condition}");
        matching += usize::from(expected);
    }
    assert!((PAIRS / 10..PAIRS * 9 / 10).contains(&matching), "{matching} of {PAIRS} match, which proves little");
}

/// Compares conditions that are compiled once for many documents, with an index and without.
fn compare_constants(seed: u64, storage: &str) {
    let mut random = Random::new(seed);
    let documents: Vec<Json> = (0..DOCUMENTS).map(|_| random_document(&mut random)).collect();
    let texts: Vec<String> = documents.iter().map(Json::to_string).collect();
    store(storage, texts, vec!["{}".to_owned(); DOCUMENTS]);
    let stored = query::rows(Made("SELECT p.id, p.document::text FROM pair p ORDER BY p.id"), &[], |row| {
        (row.get::<i32>(1), row.get::<String>(2))
    });
    let stored: Vec<(i32, Json)> = stored
        .into_iter()
        .map(|(id, text)| (id, Json::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))))
        .collect();
    let conditions: Vec<String> = std::iter::repeat_with(|| {
        let about = &documents[random.below(documents.len())];
        condition::generate(&mut random, about).to_string()
    })
    .filter(|condition| for_documents(condition).is_some())
    .take(CONDITIONS)
    .collect();
    for index in ["", "jsonb_ops", "jsonb_path_ops"] {
        query::write(Made("DROP INDEX IF EXISTS pair_document"), &[]);
        if !index.is_empty() {
            query::write(&format!("CREATE INDEX pair_document ON pair USING gin (document {index})"), &[]);
            crate::tests::no_scans();
        }
        for condition in &conditions {
            let Some(checked) = for_documents(condition) else { continue };
            let expected: Vec<i32> =
                stored.iter().filter(|(_, document)| core_matches(&checked, document)).map(|(id, _)| *id).collect();
            let literal = pgrx::spi::quote_literal(condition);
            let sql = format!("SELECT array_agg(p.id ORDER BY p.id) FROM pair p WHERE p.document @~ {literal}");
            let found = query::rows(&sql, &[], |row| row.nullable::<Vec<i32>>(1)).swap_remove(0).unwrap_or_default();
            assert_eq!(found, expected, "seed {seed}, {storage}, index {index:?}: {condition}");
        }
    }
}

fn store(storage: &str, documents: Vec<String>, conditions: Vec<String>) {
    query::write(Made("DROP TABLE IF EXISTS pair"), &[]);
    query::write(
        Made(
            "CREATE TEMPORARY TABLE pair (id int GENERATED ALWAYS AS IDENTITY, document jsonb NOT NULL, condition segment_condition NOT NULL)",
        ),
        &[],
    );
    query::write(&format!("ALTER TABLE pair ALTER document SET STORAGE {storage}"), &[]);
    query::write(
        Made(
            "INSERT INTO pair (document, condition)
         SELECT p.document::jsonb, p.condition::segment_condition
           FROM ROWS FROM (unnest($1), unnest($2)) WITH ORDINALITY p(document, condition, place) ORDER BY place",
        ),
        &[documents.into(), conditions.into()],
    );
    let [compressed, out_of_line] = query::rows(
        Made(
            "SELECT count(*) FILTER (WHERE pg_column_compression(p.document) IS NOT NULL),
                (SELECT pg_relation_size(c.reltoastrelid) FROM pg_class c WHERE c.oid = 'pair'::regclass)
           FROM pair p",
        ),
        &[],
        |row| [row.get::<i64>(1), row.get::<i64>(2)],
    )[0];
    match storage {
        "EXTENDED" => {
            assert!(compressed > 0 && out_of_line > 0, "{compressed} compressed, {out_of_line} bytes out of line")
        }
        "EXTERNAL" => {
            assert!(compressed == 0 && out_of_line > 0, "{compressed} compressed, {out_of_line} bytes out of line")
        }
        _ => assert!(compressed > 0, "none compressed"),
    }
}

/// A small document, sometimes made deep or wide or with long strings and big numbers, and sometimes so large that
/// Postgres compresses it or stores it out of line.
fn random_document(random: &mut Random) -> Json {
    let document = document::generate(random);
    let Value::Object(mut members) = document else { return document };
    let mut put = |key: &str, value: Json| {
        members.retain(|(name, _)| name != key);
        members.push((key.to_owned(), value));
    };
    if random.percent(8) {
        put("b", nest(random));
    }
    if random.percent(12) {
        const NUMBERS: [&str; 10] = [
            "9007199254740993",
            "123456789012345678901234567890.000000000000000001",
            "-123456789012345678901234567890",
            "1e308",
            "-1e-300",
            "99999999999999999999999999999999e40",
            "0.1",
            "0.10000000000000000000000000000001",
            "10000",
            "0.0001",
        ];
        put("a", document::number(random.pick(&NUMBERS)));
    }
    if random.percent(5) {
        let item = |random: &mut Random| document::value(random, 1);
        put("c", Value::Array((0..random.below(200)).map(|_| item(random)).collect()));
    }
    if random.percent(4) {
        let wide = (0..random.below(300)).map(|number| (format!("k{number}"), document::scalar(random)));
        put("1", document::object_of(wide.collect()));
    }
    if random.percent(10) {
        // Few different characters, so that the text is compressed, or many, so that it is not.
        let kinds = if random.percent(50) { 2 } else { 90 };
        let length = 3000 + random.below(20_000);
        let characters: String = (0..length).map(|_| char::from(b'!' + random.below(kinds) as u8)).collect();
        put("é", Value::String(characters));
    }
    document::object_of(members)
}

fn nest(random: &mut Random) -> Json {
    let innermost = document::scalar(random);
    (0..random.below(120)).fold(innermost, |inner, _| {
        if random.percent(50) {
            Value::Array(vec![inner])
        } else {
            document::object_of(vec![(document::key(random).to_owned(), inner)])
        }
    })
}

#[pgrx::pg_schema]
mod tests {
    use super::{compare_constants, compare_pairs, seeds};
    use pgrx::prelude::*;

    #[pg_test]
    fn the_operator_agrees_with_the_core_row_by_row() {
        for seed in seeds() {
            compare_pairs(seed, "EXTENDED");
            compare_pairs(seed ^ 1, "EXTERNAL");
        }
    }

    #[pg_test]
    fn the_operator_agrees_with_the_core_with_and_without_indexes() {
        for seed in seeds() {
            compare_constants(seed, "EXTENDED");
            compare_constants(seed ^ 1, "MAIN");
        }
    }
}
