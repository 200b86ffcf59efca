//! Random documents and conditions, with what the core says of each pair, for other implementations to be compared with.
//!
//! ```text
//! conformance generate PAIRS SEED    prints lines {"document": …, "condition": …, "matches": …}
//! conformance evaluate               reads such lines without "matches" and prints true, false, or null for a refusal
//! ```

mod condition;
mod document;
mod random;

use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::value::{Json, Value};
use std::io::{BufRead, BufWriter, Write};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = BufWriter::new(std::io::stdout().lock());
    match words[..] {
        ["generate", pairs, seed] => {
            let mut random = Random::new(number(seed));
            for _ in 0..number(pairs) {
                let document = document::generate(&mut random);
                let condition = condition::generate(&mut random, &document);
                let matches = evaluate(&document, &condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
                writeln!(out, r#"{{"document": {document}, "condition": {condition}, "matches": {matches}}}"#)?;
            }
        }
        ["evaluate"] => {
            for line in std::io::stdin().lock().lines() {
                match evaluate_line(&line?) {
                    Some(matches) => writeln!(out, "{matches}")?,
                    None => writeln!(out, "null")?,
                }
            }
        }
        _ => panic!("usage: conformance generate PAIRS SEED | conformance evaluate"),
    }
    out.flush()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a whole number"))
}

fn evaluate_line(line: &str) -> Option<bool> {
    let Value::Object(members) = Json::parse(line).ok()? else { return None };
    let member = |name| members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    evaluate(member("document")?, member("condition")?).ok()
}

fn evaluate(document: &Json, condition: &Json) -> Result<bool, String> {
    let condition = parse(&condition.to_string()).map_err(|error| error.to_string())?;
    let checked = check(&condition, &DocumentOnly).map_err(|errors| errors[0].to_string())?;
    Ok(Program::compile(&checked).matches(document, Surroundings::NONE))
}
