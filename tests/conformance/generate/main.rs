//! Random documents and conditions, with what the core says of each pair, for other implementations to be compared with.
//!
//! ```text
//! conformance generate PAIRS SEED    prints lines {"document": …, "condition": …, "matches": …}
//! conformance dates QUESTIONS SEED   reads the changes of zones, and prints questions about dates with answers
//! conformance check                  reads an audience with relations and conditions, and prints their checked forms
//! conformance evaluate               reads such lines without "matches" and prints true, false, or null for a refusal
//! ```

mod calendar;
mod condition;
mod dates;
mod document;
mod expression;
mod property;
mod random;
mod related;
mod zone;

use property::Audience;
use random::Random;
use segments_core::check::{DocumentOnly, Environment, check};
use segments_core::expr::Checked;
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::value::{Json, Value};
use std::io::{BufRead, BufWriter, Write};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = BufWriter::new(std::io::stdout().lock());
    match words[..] {
        ["generate", pairs, seed] => {
            let mut random = Random::new(number(seed));
            let audience = Audience::declared();
            let mut left = number(pairs);
            while left > 0 {
                let together = left.min(TOGETHER);
                generate(&mut random, &audience, together, &mut out)?;
                left -= together;
            }
        }
        ["dates", questions, seed] => {
            let changes = std::io::read_to_string(std::io::stdin().lock())?;
            dates::generate(&mut Random::new(number(seed)), number(questions), &changes, &mut out)?;
        }
        ["check"] => related::check_lines(std::io::stdin().lock(), &mut out)?,
        ["evaluate"] => {
            for line in std::io::stdin().lock().lines() {
                match evaluate_line(&line?) {
                    Some(matches) => writeln!(out, "{matches}")?,
                    None => writeln!(out, "null")?,
                }
            }
        }
        _ => panic!(
            "usage: conformance generate PAIRS SEED | conformance dates QUESTIONS SEED | conformance check | conformance evaluate"
        ),
    }
    out.flush()
}

/// How many conditions are put to a document at once, as a [`ProgramSet`].
const TOGETHER: u64 = 50;

/// Prints pairs, having seen that each condition says the same of each document when it is put to it with the others, and
/// when the properties are declared.
fn generate(random: &mut Random, audience: &Audience, pairs: u64, out: &mut impl Write) -> std::io::Result<()> {
    let pairs: Vec<(Json, Json)> = (0..pairs).map(|_| pair(random, audience)).collect();
    let read = |condition, scope| checked(condition, scope).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let undeclared = pairs.iter().map(|(_, condition)| read(condition, &DocumentOnly));
    let declared = pairs.iter().map(|(_, condition)| match checked(condition, audience) {
        // Equality without regard to case is for text alone, and these properties are of any type.
        Err(error) if error.starts_with("$options does not fit a property of type json") => {
            read(condition, &DocumentOnly)
        }
        checked => checked.unwrap_or_else(|error| panic!("{condition}: {error}")),
    });
    let conditions: Vec<Checked> = undeclared.chain(declared).collect();
    let programs: Vec<Program> = conditions.iter().map(Program::compile).collect();
    let set = ProgramSet::compile(&conditions);
    let mut matches = Matches::new();
    for (number, (document, condition)) in pairs.iter().enumerate() {
        let alone: Vec<bool> = programs.iter().map(|program| program.matches(document, Surroundings::NONE)).collect();
        set.matching(document, Surroundings::NONE, &mut matches);
        for (other, alone) in alone.iter().enumerate() {
            let together = matches.iter().any(|member| member == other);
            assert_eq!(together, *alone, "{} among others on {document}", pairs[other % pairs.len()].1);
        }
        let (undeclared, declared) = alone.split_at(pairs.len());
        for (other, (undeclared, declared)) in undeclared.iter().zip(declared).enumerate() {
            assert_eq!(declared, undeclared, "{} with its properties declared on {document}", pairs[other].1);
        }
        writeln!(out, r#"{{"document": {document}, "condition": {condition}, "matches": {}}}"#, alone[number])?;
    }
    Ok(())
}

fn pair(random: &mut Random, audience: &Audience) -> (Json, Json) {
    if random.percent(40) {
        let document = audience.document(random);
        let condition = audience.condition(random, &document);
        return (document, condition);
    }
    let document = document::generate(random);
    let condition = condition::generate(random, &document);
    (document, condition)
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
    Ok(Program::compile(&checked(condition, &DocumentOnly)?).matches(document, Surroundings::NONE))
}

fn checked(condition: &Json, scope: &dyn Environment) -> Result<Checked, String> {
    let condition = parse(&condition.to_string()).map_err(|error| error.to_string())?;
    check(&condition, scope).map_err(|errors| errors[0].to_string())
}
