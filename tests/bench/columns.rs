//! How fast conditions are counted over chunks of columns, in nanoseconds for a row.
//!
//! ```text
//! cargo run --release -p segments-core --example columns [CHUNKS]
//! ```
//!
//! Contacts as the benchmark has them: a country, a value in cents, a date, a plan, tags and a unique e-mail address.
//! Each query reads some chunks in turn until it has counted ten million rows. The chunks are in memory, so what pages of an
//! index cost is not in the figures.

#[path = "../../src/core/jsonb/encode.rs"]
#[allow(dead_code, unreachable_pub)]
mod encode;
mod processor_time;
#[path = "../conformance/generate/random.rs"]
#[allow(dead_code, unreachable_pub)]
mod random;

use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::columns::{Asking, Builder, Chunk, Global, Globals, MOST_ROWS, Plan, Query, Source, Way};
use segments_core::jsonb::Jsonb;
use segments_core::parse::parse;
use segments_core::sql::{ContactTable, PropertiesColumn};
use segments_core::value::Json;
use segments_core::{decimal, value};
use std::time::{Duration, Instant};

const CONDITIONS: &[(&str, &str)] = &[
    (
        "three parts",
        r#"{"country": {"$as": "string", "$eq": "C03"}, "lifetime_value": {"$as": "number", "$gte": 100},
            "last_purchase_date": {"$as": "date", "$gte": "2024-01-01"}}"#,
    ),
    ("equality", r#"{"country": {"$as": "string", "$eq": "C03"}}"#),
    ("five of a list", r#"{"country": {"$as": "string", "$in": ["C01", "C05", "C09", "C33", "C47"]}}"#),
    ("range", r#"{"lifetime_value": {"$as": "number", "$gte": 50, "$lt": 60}}"#),
    ("negation", r#"{"plan": {"$as": "string", "$ne": "free"}}"#),
    ("two tags", r#"{"tags": {"$as": "string[]", "$all": ["vip", "beta"]}}"#),
    (
        "one of five",
        r#"{"$or": [{"country": {"$as": "string", "$eq": "C59"}}, {"lifetime_value": {"$as": "number", "$gt": 5000}},
            {"plan": {"$as": "string", "$eq": "enterprise"}}, {"tags": {"$as": "string[]", "$eq": "partner"}},
            {"last_purchase_date": {"$as": "date", "$lt": "2015-03-01"}}]}"#,
    ),
    ("a pattern over unique texts", r#"{"email": {"$as": "string", "$regex": "^[a-m].*7[0-9]*@(gmail|web)\\."}}"#),
    ("a text in unique texts", r#"{"email": {"$as": "string", "$contains": "mueller77"}}"#),
];

fn main() {
    let chunks = std::env::args().nth(1).and_then(|chunks| chunks.parse().ok()).unwrap_or(4);
    let mut random = Random::new(1);
    let mut globals = Globals::default();
    for (key, generation) in ["country", "last_purchase_date", "plan", "tags"].into_iter().zip(10..) {
        globals.insert(Source::Key(key.to_owned()), Global::new(generation));
    }
    let start = Instant::now();
    let chunks: Vec<Vec<Vec<u8>>> = (0..chunks).map(|chunk| build(chunk, &mut random, &mut globals)).collect();
    let rows = chunks.len() as f64 * f64::from(MOST_ROWS);
    let bytes: usize = chunks.iter().flatten().map(Vec::len).sum();
    println!(
        "{rows} rows, {:.1} bytes a row, built in {:.0} ns a row",
        bytes as f64 / rows,
        start.elapsed().as_nanos() as f64 / rows
    );
    println!("{:<30} {:>12} {:>10}", "condition", "rows found", "ns a row");
    for (name, condition) in CONDITIONS {
        let plan = plan(condition);
        let (mut found, mut rounds, start) = (0, 0.0, processor_time::now());
        while rounds == 0.0 || processor_time::now() - start < Duration::from_millis(500) {
            found = count(&plan, &chunks, &globals);
            rounds += 1.0;
        }
        let used = (processor_time::now() - start).as_nanos() as f64 / rounds;
        println!("{name:<30} {found:>12} {:>10.3}", used / (CHUNKS as f64 * f64::from(MOST_ROWS)));
    }
}

/// Chunks of ten million rows.
const CHUNKS: usize = 154;

fn count(plan: &Plan, chunks: &[Vec<Vec<u8>>], globals: &Globals) -> u64 {
    let query = Query::new(plan, Asking { globals, ..Asking::NONE });
    let counts = chunks.iter().cycle().take(CHUNKS).map(|pieces| {
        let chunk = Chunk::open(1, pieces.as_slice()).expect("a chunk");
        query.answer(&chunk, pieces.as_slice()).expect("an answer").rows.count()
    });
    counts.sum()
}

fn plan(condition: &str) -> Plan {
    let properties = Some(PropertiesColumn { name: "properties".to_owned(), not_null: true });
    let table = ContactTable { properties, ..ContactTable::default() };
    let checked = check(&parse(condition).expect("a condition"), &DocumentOnly).expect("a condition on documents");
    match Way::of(&checked, &table, &["properties".to_owned()]) {
        Way::Columns(plan) => plan,
        other => panic!("{condition}: {other:?}"),
    }
}

const NAMES: &[&str] = &["ada", "ben", "cem", "dora", "eva", "finn", "mueller", "noor", "zoe", "smith"];
const HOSTS: &[&str] = &["gmail.com", "web.de", "example.com", "corp.example"];
const PLANS: &[&str] = &["free", "free", "free", "team", "pro", "enterprise"];
const TAGS: &[&str] =
    &["vip", "beta", "churned", "newsletter", "webinar", "trial", "press", "student", "partner", "old"];

fn build(chunk: usize, random: &mut Random, globals: &mut Globals) -> Vec<Vec<u8>> {
    let mut builder = Builder::new([]);
    for row in 0..MOST_ROWS {
        if row % 20 == 0 {
            builder.begin_block(row / 20);
        }
        let number = chunk * MOST_ROWS as usize + row as usize;
        let tags: Vec<String> = (0..random.below(4)).map(|_| format!("{:?}", random.pick(TAGS))).collect();
        let country = random.below(60).min(random.below(60));
        let most = random.below(600_000);
        let cents = random.below(1 + most);
        let document = format!(
            r#"{{"country": "C{country:02}", "lifetime_value": {}.{:02}, "last_purchase_date": "20{:02}-{:02}-{:02}",
                "plan": {:?}, "tags": [{}], "email": "{}{number}@{}"}}"#,
            cents / 100,
            cents % 100,
            15 + random.below(10),
            1 + random.below(12),
            1 + random.below(28),
            random.pick(PLANS),
            tags.join(", "),
            random.pick(NAMES),
            random.pick(HOSTS),
        );
        let container = encode::container(&Json::parse(&document).expect("a document"));
        builder.push(&[], Some(Jsonb::new(&container).root()));
    }
    builder.finish(1, globals)
}
