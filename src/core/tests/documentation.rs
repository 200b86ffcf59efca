//! Parts of the documentation that the core determines.

use segments_core::error::ErrorKind::BadPattern;
use segments_core::error::Refusal;
use segments_core::limits;
use segments_core::operator::markdown_table;
use segments_core::pattern::{self, CONSTRUCTS, Pattern};

const README: &str = include_str!("../../../README.md");
const CONDITIONS: &str = include_str!("../../../docs/conditions.md");
const REFERENCE: &str = include_str!("../../../docs/reference.md");

#[test]
fn conditions_has_the_table_of_operators() {
    assert!(CONDITIONS.contains(&markdown_table()), "docs/conditions.md needs this table:\n\n{}", markdown_table());
}

#[test]
fn the_readme_has_ten_rows_of_that_table() {
    let table = markdown_table();
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `$")).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        assert!(table.lines().any(|line| line == row), "README.md has another row than docs/conditions.md: {row}");
    }
}

#[test]
fn the_reference_has_the_limits() {
    let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    for row in [
        format!("| nesting of a condition | {} levels |", limits::NESTING),
        format!("| numbers among the keys of a path, with those of the `$elemMatch` around it | {} |", limits::INDEXES),
        format!("| nodes of a condition | {} |", thousands(limits::NODES)),
        format!("| entries of one `$in`, `$nin` or `$all` | {} each |", thousands(limits::ENTRIES)),
        format!("| text of a condition | {} MiB |", limits::TEXT_BYTES >> 20),
        format!("| a pattern | {} MiB compiled |", limits::PATTERN_BYTES >> 20),
    ] {
        assert!(REFERENCE.contains(&row), "docs/reference.md lacks {row}");
    }
}

#[test]
fn what_is_documented_as_refused_in_patterns_is_refused_by_its_name() {
    let table = pattern::markdown_table();
    assert!(CONDITIONS.contains(&table), "docs/conditions.md needs this table:\n\n{table}");
    for construct in CONSTRUCTS {
        for example in construct.examples {
            let refusal = Pattern::compile(example, None).expect_err(example);
            let Refusal { message: named, hint: instead, .. } = construct.refuse("");
            assert!(
                refusal.message.len() > named.len() && refusal.message.starts_with(&named),
                "{example}: {refusal:?}"
            );
            assert_eq!((refusal.kind, refusal.hint), (BadPattern, instead), "{example}");
        }
    }
}
