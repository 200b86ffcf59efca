//! What the documentation says that core knows better.

use segments_core::limits;
use segments_core::operator::markdown_table;

const README: &str = include_str!("../../../README.md");

#[test]
fn the_readme_has_the_table_of_operators() {
    assert!(README.contains(&markdown_table()), "README.md needs this table:\n\n{}", markdown_table());
}

#[test]
fn the_readme_has_the_limits() {
    let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    for row in [
        format!("| nesting of a condition | {} levels |", limits::NESTING),
        format!("| numbers among the keys of a path, with those of the `$elemMatch` around it | {} |", limits::INDEXES),
        format!("| nodes of a condition | {} |", thousands(limits::NODES)),
        format!("| entries of one `$in`, `$nin` or `$all` | {} each |", thousands(limits::ENTRIES)),
        format!("| text of a condition | {} MiB |", limits::TEXT_BYTES >> 20),
        format!(
            "| a pattern | {} characters; {} MiB compiled |",
            thousands(limits::PATTERN_CHARACTERS),
            limits::PATTERN_BYTES >> 20
        ),
    ] {
        assert!(README.contains(&row), "README.md lacks {row}");
    }
}
