//! An index finds what a scan finds, whatever the document and the condition.

use pgrx::spi::{self, Spi};

#[path = "../../tests/conformance/generate/condition.rs"]
mod condition;
#[path = "../../tests/conformance/generate/document.rs"]
mod document;
#[path = "../../tests/conformance/generate/random.rs"]
mod random;

use random::Random;

const DOCUMENTS: usize = 200;
/// Each is put to every document.
const CONDITIONS: usize = 1_500;

/// Compares both operator classes with a scan.
pub fn an_index_finds_what_a_scan_finds() {
    let mut random = Random::new(0x5e97_ae27);
    let documents: Vec<_> = (0..DOCUMENTS).map(|_| document::generate(&mut random)).collect();
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    // Among four times as many empty documents, so that keys are rare enough to be looked for.
    run("CREATE TABLE scanned (id int PRIMARY KEY, properties jsonb)", &[]);
    run("INSERT INTO scanned SELECT n, d::jsonb FROM unnest($1) WITH ORDINALITY u(d, n)", &[texts.into()]);
    run("INSERT INTO scanned SELECT -n, '{}' FROM generate_series(1, 4 * $1) n", &[(DOCUMENTS as i32).into()]);
    for (table, class) in [("by_key", "jsonb_ops"), ("by_path", "jsonb_path_ops")] {
        run(&format!("CREATE TABLE {table} AS TABLE scanned"), &[]);
        run(&format!("CREATE INDEX ON {table} USING gin (properties {class})"), &[]);
        run(&format!("ANALYZE {table}"), &[]);
    }
    run("SET LOCAL enable_seqscan = off", &[]);

    let (mut by_index, mut finding) = (0, 0);
    for _ in 0..CONDITIONS {
        let document = &documents[random.below(DOCUMENTS)];
        let condition = condition::generate(&mut random, document).to_string();
        let expected = matching("scanned", &condition);
        for table in ["by_key", "by_path"] {
            assert_eq!(matching(table, &condition), expected, "{table}: {condition}");
            let is_indexed = plan(table, &condition).contains("Bitmap Index Scan");
            by_index += usize::from(is_indexed);
            finding += usize::from(is_indexed && !expected.is_empty());
        }
    }
    assert!(by_index > CONDITIONS / 2, "only {by_index} of {CONDITIONS} conditions on two tables used an index");
    assert!(finding > CONDITIONS / 4, "only {finding} of them found anything");
}

fn run(sql: &str, arguments: &[pgrx::datum::DatumWithOid]) {
    Spi::run_with_args(sql, arguments).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn matching(table: &str, condition: &str) -> Vec<i32> {
    let sql = format!(
        "SELECT coalesce(array_agg(id ORDER BY id), '{{}}') FROM {table} WHERE properties @~ {}",
        spi::quote_literal(condition)
    );
    Spi::get_one(&sql).unwrap_or_else(|error| panic!("{sql}: {error}")).unwrap_or_default()
}

fn plan(table: &str, condition: &str) -> String {
    let sql = format!("EXPLAIN SELECT FROM {table} WHERE properties @~ {}", spi::quote_literal(condition));
    Spi::connect(|client| {
        let lines = client.select(&sql, None, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
        lines.filter_map(|line| line.get::<String>(1).ok().flatten()).collect::<Vec<_>>().join("\n")
    })
}
