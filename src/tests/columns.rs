//! Conditions as SQL over columns of every supported type, against the core over the rows as JSON.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::counting::pass;
use crate::pg::query;
use crate::pg::row;
use crate::tests::random::Random;
use crate::tests::{core_matches, seeds, subject};
use segments_core::expr::Checked;
use segments_core::parse::parse;
use segments_core::row_conditions::on_row;
use uuid::Uuid;

const ROWS: usize = 120;
const CONDITIONS: usize = 400;
const ZONES: [&str; 6] = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Europe/Berlin", "Africa/Cairo"];

/// Compares this many random conditions, in random zones, row by row.
fn compare(seed: u64, random: &mut Random, indexed: bool) {
    let audience = Audience::load("subject");
    let documents = subject::documents();
    let (mut compared, mut matching) = (0, 0);
    let mut counts = Vec::new();
    for number in 0..CONDITIONS {
        let conditions = subject::random_condition(random, 2);
        if let Err(error) = parse(&conditions) {
            panic!("seed {seed}: {conditions} does not parse: {error}");
        }
        let definition = Definition {
            id: Uuid::nil(),
            audience: "subject".to_owned(),
            name: String::new(),
            description: None,
            conditions,
            time_zone: Some(random.pick(&ZONES).to_owned()),
        };
        let Definition { conditions, time_zone, .. } = &definition;
        let Ok(checked) = scope::check_segment(&audience, &definition) else { continue };
        let checked = checked.checked;
        let sql = match number % 2 {
            0 => contact_sql::executable_sql(&audience, &checked),
            _ => contact_sql::readable_sql(&audience, &checked),
        };
        let query = format!("SELECT array_agg(id ORDER BY id) FROM subject WHERE {sql}");
        let found = pgrx::PgTryBuilder::new(|| query::first(&query, &[], |row| row.nullable::<Vec<i32>>(1)))
            .catch_others(|error| panic!("seed {seed}, indexed {indexed}: {conditions} as {sql}: {error:?}"))
            .execute();
        let found = found.flatten().unwrap_or_default();
        // The core compares JSON, so operands are first made what they mean for the types of columns.
        let on_row = on_row(&checked, &audience.table, row::fold);
        for (id, document) in &documents {
            let expected = core_matches(&on_row, document);
            assert_eq!(
                found.contains(id),
                expected,
                "seed {seed}, indexed {indexed}, zone {time_zone:?}: {conditions} as {sql} on {document}"
            );
            matching += usize::from(expected);
        }
        compared += documents.len();
        counts.push((checked, found.len() as i64, conditions.clone()));
    }
    compare_tally(seed, &audience, &counts);
    assert!(
        compared > CONDITIONS * ROWS * 6 / 10,
        "only {compared} pairs were compared: too many conditions are refused"
    );
    assert!(
        (compared / 10..compared * 9 / 10).contains(&matching),
        "{matching} of {compared} match, which proves little"
    );
}

/// Counts all of them in one pass.
fn compare_tally(seed: u64, audience: &Audience, counts: &[(Checked, i64, String)]) {
    let conditions: Vec<Checked> = counts.iter().map(|(checked, ..)| checked.clone()).collect();
    let (passes, others) = pass::plan(audience, &conditions);
    assert!(others.len() < counts.len() / 10, "{} of {} conditions are not put to rows", others.len(), counts.len());
    for pass in passes {
        let counted = pass.run(&pass.sql(audience), None);
        for (number, counted) in pass.numbers.iter().zip(counted) {
            let (_, expected, text) = &counts[*number];
            let alone = || {
                let pass = &pass::plan(audience, &conditions[*number..=*number]).0[0];
                pass.run(&pass.sql(audience), None)
            };
            assert_eq!(counted, *expected, "seed {seed}: {text}, counted with the others; alone {:?}", alone());
        }
    }
}

#[pgrx::pg_schema]
mod tests {
    use super::{ROWS, Random, compare, seeds, subject};
    use crate::pg::query;
    use crate::pg::spi::QueryText::Made;
    use pgrx::prelude::*;

    #[pg_test]
    fn sql_agrees_with_the_core_over_columns_of_every_type() {
        // The settings of the session must not change the result.
        for setting in ["TimeZone = 'Asia/Tokyo'", "DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'"] {
            query::write(&format!("SET LOCAL {setting}"), &[]);
        }
        for seed in seeds() {
            let mut random = Random::new(seed);
            subject::create(&mut random, ROWS);
            compare(seed, &mut random, false);
            subject::index();
            crate::tests::no_scans();
            compare(seed, &mut random, true);
            query::write(Made("SET LOCAL enable_seqscan = on"), &[]);
            subject::drop();
        }
    }
}
