//! The errors that end a subtransaction are those that event triggers raise again.

use std::fs;
use std::path::Path;

#[test]
fn both_lists_of_errors_that_may_not_occur_again_are_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rust = fs::read_to_string(root.join("src/pg/subtransaction.rs")).unwrap();
    let sql = fs::read_to_string(root.join("sql/live.sql")).unwrap();
    let rust = rust.split_once("const TRANSIENT: ").unwrap().1;
    let sql = sql.split_once("FUNCTION segments.must_fail(").unwrap().1.split("$$").nth(1).unwrap();
    let (rust, sql) = (quoted(rust, '"'), quoted(sql, '\''));
    assert_eq!(rust.len(), 4, "{rust:?}");
    assert_eq!(rust, sql);
}

fn quoted(text: &str, quote: char) -> Vec<&str> {
    text.split(quote).skip(1).step_by(2).collect()
}
