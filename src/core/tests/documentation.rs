//! Parts of the documentation that the core determines.

mod common;

use common::cases;
use segments_core::error::ErrorKind::BadPattern;
use segments_core::error::Refusal;
use segments_core::limits;
use segments_core::operator::Operator;
use segments_core::operator::markdown_table;
use segments_core::parse::mongodb::{self, MISSING};
use segments_core::parse::parse;
use segments_core::pattern::{self, CONSTRUCTS, Pattern};

const README: &str = include_str!("../../../README.md");
const CONDITIONS: &str = include_str!("../../../docs/conditions.md");
const REFERENCE: &str = include_str!("../../../docs/reference.md");

/// MongoDB's operators of queries, by the manual's page of query predicates: each is here, or refused by its name.
const QUERY_PREDICATES: &str = "$eq $gt $gte $in $lt $lte $ne $nin $and $not $nor $or $exists $type $expr $jsonSchema $mod \
    $regex $text $where $geoIntersects $geoWithin $near $nearSphere $box $center $centerSphere $geometry $maxDistance \
    $minDistance $polygon $all $elemMatch $size $bitsAllClear $bitsAllSet $bitsAnyClear $bitsAnySet $rand $comment $options \
    $natural";

#[test]
fn what_mongodb_has_is_here_or_documented_and_refused_as_mongodbs() {
    let table = mongodb::markdown_table();
    assert!(CONDITIONS.contains(&table), "docs/conditions.md needs this table:\n\n{table}");
    let missing: Vec<&str> = MISSING.iter().flat_map(|missing| missing.names.split(' ')).collect();
    for name in QUERY_PREDICATES.split(' ') {
        assert!(Operator::parse(name).is_some() != missing.contains(&name), "{name} is here and refused, or neither");
    }
    for name in missing {
        assert_eq!(Operator::parse(name), None, "{name} is here");
        for condition in [
            format!(r#"{{"{name}": 1}}"#),
            format!(r#"{{"a": {{"{name}": 1}}}}"#),
            format!(r#"{{"a": {{"$eq": {{"{name}": 1}}}}}}"#),
        ] {
            let error = parse(&condition).expect_err(&condition);
            assert_eq!(error.message, format!("MongoDB's operator {name} is not supported"), "{condition}");
        }
    }
}

/// The table of differences says what is refused that MongoDB accepts. The cases say the same.
#[test]
fn the_differences_are_those_of_the_refused_cases() {
    let table = CONDITIONS.split("| | MongoDB | here |\n|---|---|---|\n").nth(1).expect("a table of differences");
    let rows: Vec<Vec<&str>> =
        table.lines().take_while(|line| line.starts_with('|')).map(|line| line.split(" | ").collect()).collect();
    let differences: Vec<String> = cases::cases().into_iter().filter_map(|case| case.refusal?.differs).collect();
    let tells = |row: &[&str], difference: &str| row[0].trim_start_matches("| ").starts_with(difference);
    for difference in &differences {
        assert!(
            rows.iter().any(|row| tells(row, difference) && row[2].contains("refused")),
            "docs/conditions.md does not say that this is refused: {difference}"
        );
    }
    for row in rows.iter().filter(|row| row[2].contains("refused")) {
        assert!(differences.iter().any(|difference| tells(row, difference)), "no case is refused so: {row:?}");
    }
}

/// Constructs of patterns and operators of MongoDB that a case names are in the tables of what is refused.
#[test]
fn what_the_cases_refuse_by_name_is_documented() {
    let plain = |text: &str| text.replace(['`', '\\'], "");
    let conditions = plain(CONDITIONS);
    let named = |message: &str| {
        let operator = message.strip_prefix("MongoDB's operator ").and_then(|rest| rest.split(' ').next());
        let construct =
            message.strip_prefix("invalid pattern: ").and_then(|rest| rest.split_once(" are not supported: "));
        operator.or(construct.map(|(name, _)| name.trim_end_matches(','))).map(plain)
    };
    let mut count = 0;
    for name in cases::cases().iter().filter_map(|case| named(case.refusal.as_ref()?.message.as_deref()?)) {
        assert!(conditions.contains(&name), "docs/conditions.md does not say that this is refused: {name}");
        count += 1;
    }
    assert!(count > 0, "no case names what it refuses");
}

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
