//! An index finds what a scan finds: the index conditions that the planner derives lose no document.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;
use crate::tests::random::Random;
use crate::tests::{condition, document, for_documents, seeds};

const DOCUMENTS: usize = 200;
/// Each condition is put to every document, in each of two indexed tables.
const CONDITIONS: usize = 300;

fn compare_indexes(seed: u64) {
    let mut random = Random::new(seed);
    let documents: Vec<_> = (0..DOCUMENTS).map(|_| document::generate(&mut random)).collect();
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    query::write(Made("DROP TABLE IF EXISTS scanned, by_key, by_path"), &[]);
    query::write(Made("CREATE TEMPORARY TABLE scanned (id int, properties jsonb)"), &[]);
    let insert = "INSERT INTO scanned SELECT n, d::jsonb FROM unnest($1) WITH ORDINALITY u(d, n)";
    query::write(Made(insert), &[texts.into()]);
    // Among many empty documents, keys are so rare that the planner uses the index.
    let insert = "INSERT INTO scanned SELECT -n, '{}' FROM generate_series(1, 10 * $1) n";
    query::write(Made(insert), &[(DOCUMENTS as i32).into()]);
    for (table, class) in [("by_key", "jsonb_ops"), ("by_path", "jsonb_path_ops")] {
        query::write(&format!("CREATE TEMPORARY TABLE {table} AS TABLE scanned"), &[]);
        query::write(&format!("CREATE INDEX ON {table} USING gin (properties {class})"), &[]);
        query::write(&format!("ANALYZE {table}"), &[]);
    }
    crate::tests::no_scans();

    let (mut by_index, mut by_presence, mut finding) = (0, 0, 0);
    for _ in 0..CONDITIONS {
        let document = &documents[random.below(DOCUMENTS)];
        let condition = condition::generate(&mut random, document).to_string();
        if for_documents(&condition).is_none() {
            continue;
        }
        let expected = matching("scanned", &condition);
        for table in ["by_key", "by_path"] {
            assert_eq!(matching(table, &condition), expected, "seed {seed}, {table}: {condition}");
            let plan = plan(table, &condition);
            let is_indexed = plan.contains("Bitmap Index Scan");
            by_index += usize::from(is_indexed);
            by_presence += usize::from(plan.contains("(properties ?"));
            finding += usize::from(is_indexed && !expected.is_empty());
        }
    }
    assert!(by_index > CONDITIONS / 2, "only {by_index} of twice {CONDITIONS} conditions used an index");
    assert!(by_presence > CONDITIONS / 10, "only {by_presence} looked for keys");
    assert!(finding > CONDITIONS / 4, "only {finding} found anything");
}

fn matching(table: &str, condition: &str) -> Vec<i32> {
    let literal = pgrx::spi::quote_literal(condition);
    let sql = format!("SELECT array_agg(t.id ORDER BY t.id) FROM {table} t WHERE t.properties @~ {literal}");
    query::rows(&sql, &[], |row| row.nullable::<Vec<i32>>(1)).swap_remove(0).unwrap_or_default()
}

fn plan(table: &str, condition: &str) -> String {
    let literal = pgrx::spi::quote_literal(condition);
    let sql = format!("EXPLAIN SELECT FROM {table} t WHERE t.properties @~ {literal}");
    query::rows(&sql, &[], |row| row.get::<String>(1)).join("\n")
}

#[pgrx::pg_schema]
mod tests {
    use super::{compare_indexes, seeds};
    use pgrx::prelude::*;

    #[pg_test]
    fn an_index_finds_what_a_scan_finds() {
        for seed in seeds() {
            compare_indexes(seed);
        }
    }
}
