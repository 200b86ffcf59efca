//! How fast one document is put to many conditions: each alone, and all at once.
//!
//! ```text
//! cargo run --release -p segments-core --example program_set [CONDITIONS…]
//! ```
//!
//! Segments as people write them: three to six tests over twenty properties, some with `$or`, negations, text.

#[path = "../../src/core/jsonb/encode.rs"]
#[allow(dead_code, unreachable_pub)]
mod encode;
mod processor_time;
#[path = "../conformance/generate/random.rs"]
#[allow(dead_code, unreachable_pub)]
mod random;

use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::expr::Checked;
use segments_core::jsonb::Jsonb;
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::value::Json;
use segments_core::{decimal, value};
use std::time::{Duration, Instant};

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000];
    }
    let mut random = Random::new(1);
    let document = |random: &mut Random| Json::parse(&document(random)).expect("a document");
    let documents: Vec<Vec<u8>> = (0..2_000).map(|_| encode::container(&document(&mut random))).collect();
    println!(
        "{:>10} {:>10} {:>10} {:>12} {:>12} {:>8}",
        "conditions", "compile", "matches", "alone", "at once", "times"
    );
    for size in sizes {
        let conditions: Vec<Checked> = (0..size).map(|_| checked(&condition(&mut random))).collect();
        let programs: Vec<Program> = conditions.iter().map(Program::compile).collect();
        let start = Instant::now();
        let set = ProgramSet::compile(&conditions);
        let compile = start.elapsed();
        let mut matches = Matches::new();
        let (at_once, found) = each(&documents, Duration::from_secs(1), |document| {
            set.matching(Jsonb::new(document).root(), Surroundings::NONE, &mut matches);
            matches.iter().count()
        });
        let (alone, expected) = each(&documents, Duration::from_secs(1), |document| {
            programs.iter().filter(|program| program.matches(Jsonb::new(document).root(), Surroundings::NONE)).count()
        });
        assert!((found - expected).abs() < expected / 2.0 + 1.0, "{found} and {expected} of the same documents");
        println!(
            "{size:>10} {:>7} ms {found:>10.1} {:>9.1} us {:>9.2} us {:>8.0}",
            compile.as_millis(),
            alone * 1e6,
            at_once * 1e6,
            alone / at_once
        );
    }
}

/// Seconds for one document, and how many conditions it satisfies, on average.
fn each(documents: &[Vec<u8>], at_most: Duration, mut count: impl FnMut(&[u8]) -> usize) -> (f64, f64) {
    let (start, used) = (Instant::now(), processor_time::now());
    let (mut found, mut rounds) = (0, 0);
    for document in documents.iter().cycle() {
        found += count(document);
        rounds += 1;
        if rounds % 10 == 0 && start.elapsed() > at_most {
            break;
        }
    }
    let used = processor_time::now() - used;
    (used.as_secs_f64() / f64::from(rounds), found as f64 / f64::from(rounds))
}

fn checked(text: &str) -> Checked {
    let condition = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&condition, &DocumentOnly).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

const COUNTRIES: &[&str] =
    &["US", "US", "US", "GB", "DE", "FR", "IT", "ES", "NL", "SE", "PL", "BR", "IN", "JP", "CA", "AU"];
const PLANS: &[&str] = &["free", "free", "free", "basic", "pro", "enterprise"];
const SOURCES: &[&str] = &["ads", "organic", "referral", "event", "import", "partner"];
const TAGS: &[&str] =
    &["vip", "beta", "churned", "newsletter", "webinar", "trial", "press", "student", "reseller", "old"];
const LANGUAGES: &[&str] = &["en", "en", "de", "fr", "es", "ja"];
const STATES: &[&str] = &["CA", "NY", "TX", "WA"];
const HOSTS: &[&str] = &["gmail.com", "example.com", "corp.example"];

fn word(random: &mut Random, words: &[&'static str]) -> String {
    format!("{:?}", random.pick(words))
}

fn document(random: &mut Random) -> String {
    let date = |random: &mut Random| {
        format!("\"20{:02}-{:02}-{:02}\"", 15 + random.below(10), 1 + random.below(12), 1 + random.below(28))
    };
    let tags: Vec<String> = (0..random.below(4)).map(|_| word(random, TAGS)).collect();
    let members = [
        ("country", word(random, COUNTRIES)),
        ("plan", word(random, PLANS)),
        ("source", word(random, SOURCES)),
        ("city", format!("\"city{}\"", random.below(300))),
        ("company", format!("\"company{}\"", random.below(2_000))),
        ("language", word(random, LANGUAGES)),
        ("email", format!("\"user{}@{}\"", random.below(1_000_000), random.pick(HOSTS))),
        ("app_version", format!("\"{}.{}.0\"", random.below(5), random.below(10))),
        ("lifetime_value", format!("{}.{:02}", random.below(2_000), random.below(100))),
        ("orders", random.below(40).to_string()),
        ("age", (18 + random.below(60)).to_string()),
        ("score", random.below(100).to_string()),
        ("visits", random.below(1_000).to_string()),
        ("verified", random.percent(70).to_string()),
        ("newsletter", random.percent(40).to_string()),
        ("signed_up_at", date(random)),
        ("last_seen_at", date(random)),
        ("last_order_at", date(random)),
        ("tags", format!("[{}]", tags.join(", "))),
        ("address", format!(r#"{{"zip": "{:05}", "state": {}}}"#, random.below(100_000), word(random, STATES))),
    ];
    let present = members.iter().filter(|_| random.percent(92));
    let members: Vec<String> = present.map(|(key, value)| format!("{key:?}: {value}")).collect();
    format!("{{{}}}", members.join(", "))
}

fn condition(random: &mut Random) -> String {
    let tests = 3 + random.below(4);
    let mut members: Vec<(&str, String)> = Vec::new();
    while members.len() < tests {
        let (field, test) = test(random);
        if members.iter().all(|(other, _)| *other != field) {
            members.push((field, test));
        }
    }
    let mut members: Vec<String> = members.into_iter().map(|(field, test)| format!("{field:?}: {test}")).collect();
    if random.percent(12) {
        let (last, (field, other)) = (members.pop().unwrap_or_default(), test(random));
        members.push(format!("\"$or\": [{{{last}}}, {{{field:?}: {other}}}]"));
    }
    format!("{{{}}}", members.join(", "))
}

fn test(random: &mut Random) -> (&'static str, String) {
    let several = |random: &mut Random, words: &[&'static str]| {
        let words: Vec<String> = (0..1 + random.below(4)).map(|_| word(random, words)).collect();
        format!("{{\"$in\": [{}]}}", words.join(", "))
    };
    let number = |field, random: &mut Random, most: usize| {
        let low = random.below(most);
        let test = match random.below(3) {
            0 => format!("{{\"$as\": \"number\", \"$gte\": {low}}}"),
            1 => format!("{{\"$as\": \"number\", \"$lt\": {low}}}"),
            _ => format!("{{\"$as\": \"number\", \"$gte\": {low}, \"$lt\": {}}}", low + 1 + random.below(most / 2)),
        };
        (field, test)
    };
    let date = |field, random: &mut Random| {
        let operator = random.pick(&["$gte", "$lt", "$gt", "$lte"]);
        let day = format!("20{:02}-{:02}-01", 15 + random.below(10), 1 + random.below(12));
        (field, format!("{{\"$as\": \"timestamp\", {operator:?}: \"{day}\"}}"))
    };
    match random.below(20) {
        0 | 1 => ("country", word(random, COUNTRIES)),
        2 => ("country", several(random, COUNTRIES)),
        3 => ("country", format!("{{\"$ne\": {}}}", word(random, COUNTRIES))),
        4 => ("plan", word(random, PLANS)),
        5 => ("plan", several(random, PLANS)),
        6 => ("source", several(random, SOURCES)),
        7 => match random.below(3) {
            0 => ("city", format!("\"city{}\"", random.below(300))),
            1 => ("company", format!("\"company{}\"", random.below(2_000))),
            _ => ("language", word(random, LANGUAGES)),
        },
        8 => match random.below(4) {
            0 => ("email", r#"{"$endsWith": "@gmail.com"}"#.to_owned()),
            1 => ("email", format!(r#"{{"$regex": "^user{}"}}"#, random.below(30))),
            2 => ("email", format!(r#"{{"$contains": "{}"}}"#, random.below(100))),
            _ => ("app_version", format!(r#"{{"$startsWith": "{}."}}"#, random.below(5))),
        },
        9 => number("lifetime_value", random, 2_000),
        10 => number("orders", random, 40),
        11 => number("age", random, 60),
        12 => number("score", random, 100),
        13 => number("visits", random, 1_000),
        14 => ("verified", random.percent(60).to_string()),
        15 => ("newsletter", random.percent(60).to_string()),
        16 => date(random.pick(&["signed_up_at", "last_order_at"]), random),
        17 => date("last_seen_at", random),
        18 => match random.below(3) {
            0 => ("tags", word(random, TAGS)),
            1 => ("tags", format!("{{\"$all\": [{}, {}]}}", word(random, TAGS), word(random, TAGS))),
            _ => ("tags", format!("{{\"$nin\": [{}]}}", word(random, TAGS))),
        },
        _ => ("address.state", word(random, STATES)),
    }
}
