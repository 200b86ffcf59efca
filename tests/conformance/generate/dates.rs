//! Random questions about dates, in the zones of a server, with what the core says of each: for Postgres's own functions to
//! answer as well.
//!
//! Most instants are near a change of a zone's clocks, the end of a year or a leap day, and most stored values are next to
//! a bound of what is asked.

use super::document::{number, object_of};
use super::random::Random;
use super::zone::Changes;
use segments_core::check::{Declaration, Environment, check};
use segments_core::date::{DateRange, Day, Instant, MICROS_PER_DAY, Moment, NamedZone, Zone};
use segments_core::expr::{Atom, Checked, ValueTest};
use segments_core::parse::parse;
use segments_core::path::Path;
use segments_core::program::{Program, Surroundings};
use segments_core::value::{Json, Value};
use std::io::Write;

const SECOND: i64 = 1_000_000;
const UNITS: &[&str] = &["day", "week", "month", "quarter", "year"];
const OPERATORS: &[&str] = &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"];
const PARTS: &[&str] = &["$year", "$month", "$dayOfMonth", "$isoDayOfWeek", "$hour"];

/// A scope without declarations, with a clock and a zone.
struct Clock {
    zone: NamedZone,
    now: Instant,
}

impl Environment for Clock {
    fn property(&self, _name: &Path) -> Declaration {
        Declaration::Undeclared
    }

    fn zone(&self) -> NamedZone {
        self.zone.clone()
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        (name == self.zone.name()).then(|| self.zone.clone())
    }

    fn now(&self) -> Option<Instant> {
        Some(self.now)
    }
}

/// Reads lines `ZONE, SECOND, OFFSET`, separated by tabs and in order, and prints so many lines for `dates.sql`.
pub fn generate(random: &mut Random, questions: u64, changes: &str, out: &mut impl Write) -> std::io::Result<()> {
    let mut zones: Vec<(String, Vec<(i64, i64)>)> = Vec::new();
    for line in changes.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, from, offset] = fields[..] else { panic!("{line} has no zone, second and offset") };
        if zones.last().is_none_or(|(last, _)| last != name) {
            zones.push((name.to_owned(), Vec::new()));
        }
        let seconds = |text: &str| text.parse::<i64>().unwrap_or_else(|_| panic!("{text} is no number")) * SECOND;
        let found = zones.len() - 1;
        zones[found].1.push((seconds(from), seconds(offset)));
    }
    let zones: Vec<(String, Changes)> =
        zones.into_iter().map(|(name, changes)| (name, Changes::new(changes))).collect();
    for number in 0..questions {
        let (name, changes) = &zones[random.below(zones.len())];
        let moments = Moments { changes, turn: number as usize };
        let clock = Clock { zone: NamedZone::new(name, changes.clone()), now: moments.instant(random) };
        question(random, &clock, &moments, out)?;
    }
    Ok(())
}

/// Prints one line: zone, now, type, what is asked, the stored value, whether it matches, the first and last day and the
/// bounds of the date that is asked for where it is one, and the condition for `@~`.
fn question(random: &mut Random, clock: &Clock, moments: &Moments<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let kind =
        random.pick(&["date", "date", "timestamp", "timestamp", "timestamp", "date(seconds)", "timestamp(seconds)"]);
    let (asked, near) = match random.below(10) {
        0 | 1 => anniversary(random, clock, moments),
        2 => (part(random, kind), moments.instant(random).micros()),
        _ => {
            let literal = literal(random, moments);
            let near = near(random, &range_of(clock, &literal));
            (object_of(vec![(random.pick(OPERATORS).to_owned(), literal)]), near)
        }
    };
    let stored = stored(random, kind, near);
    let checked = checked(clock, kind, &asked);
    let document = object_of(vec![("at".to_owned(), stored.clone())]);
    let matches = Program::compile(&checked).matches(&document, Surroundings::NONE);
    let range = match date_of(&checked) {
        Some(range) if PARTS.iter().all(|part| !asked.to_string().contains(part)) => {
            format!("{}\t{}\t{}\t{}", range.first_day(), range.last_day(), range.from(), range.until())
        }
        _ => "\\N\t\\N\t\\N\t\\N".to_owned(),
    };
    let condition = checked.on_document().unwrap_or_else(|| panic!("{asked} is of documents")).to_condition();
    writeln!(out, "{}\t{}\t{kind}\t{asked}\t{stored}\t{matches}\t{range}\t{condition}", clock.zone.name(), clock.now)
}

fn checked(clock: &Clock, kind: &str, asked: &Json) -> Checked {
    let Value::Object(mut members) = asked.clone() else { panic!("{asked} has no operators") };
    members.push(("$as".to_owned(), Value::String(kind.to_owned())));
    let condition = object_of(vec![("at".to_owned(), object_of(members))]);
    let parsed = parse(&condition.to_string()).unwrap_or_else(|error| panic!("{condition}: {error}"));
    check(&parsed, clock).unwrap_or_else(|errors| panic!("{condition}: {}", errors[0]))
}

/// The date that a comparison is with.
fn date_of(checked: &Checked) -> Option<DateRange> {
    let mut found = None;
    checked.for_each(&mut |atom| {
        if let Atom::Field(field) = atom
            && let ValueTest::Eq(Value::Literal(range)) | ValueTest::Compare(_, Value::Literal(range)) = &field.test
        {
            found = Some(*range);
        }
    });
    found
}

fn range_of(clock: &Clock, literal: &Json) -> DateRange {
    let checked = checked(clock, "timestamp", &object_of(vec![("$eq".to_owned(), literal.clone())]));
    date_of(&checked).unwrap_or_else(|| panic!("{literal} is no date"))
}

/// Where instants are interesting.
struct Moments<'z> {
    changes: &'z Changes,
    /// The number of the question: each looks at another change
    turn: usize,
}

impl Moments<'_> {
    /// An instant of the years 1900 to 2090, or in UTC, which does not change, of the years 300 to 9600.
    fn instant(&self, random: &mut Random) -> Instant {
        let year = |year: i64| (year - 1970) * 31_556_952 * SECOND;
        let mut changes = self.changes.times();
        let (first, last) = if changes.len() == 0 { (300, 9600) } else { (1900, 2090) };
        let within = |random: &mut Random, span: i64| random.below(2 * span as usize) as i64 - span;
        let change = changes.nth(self.turn % changes.len().max(1)).filter(|at| (year(first)..year(last)).contains(at));
        let anywhere = year(first) + random.below((year(last) - year(first)) as usize) as i64;
        let micros = match (random.below(10), change) {
            (0..=5, Some(at)) => match random.below(4) {
                0 => at + within(random, 3 * MICROS_PER_DAY),
                1 => at + within(random, 200) * 60 * SECOND,
                2 => at + within(random, 14) * 30 * 60 * SECOND,
                _ => at + within(random, 2),
            },
            (6 | 7, _) => {
                let date = random.pick(&["01-01", "02-28", "02-29", "03-01", "12-31"]);
                let day = year_of(anywhere) / 4 * 4 + random.pick(&[0, 0, 1, 3]);
                let text = format!("{day:04}-{date}");
                text_day(&text).map_or(anywhere, |day| day.start_utc().micros() + within(random, MICROS_PER_DAY))
            }
            _ => anywhere,
        };
        Instant::from_micros_saturating(micros)
    }

    /// The day at such an instant, in the zone.
    fn day(&self, random: &mut Random) -> Day {
        self.changes.local_of(self.instant(random)).day()
    }
}

fn year_of(micros: i64) -> i64 {
    let text = Instant::from_micros_saturating(micros).to_string();
    text[..4].parse().unwrap_or_else(|_| panic!("{text} begins with its year"))
}

fn text_day(text: &str) -> Option<Day> {
    match Moment::parse(text.as_bytes()) {
        Some(Moment::Day(day)) => Some(day),
        _ => None,
    }
}

/// Any date that may be asked for.
fn literal(random: &mut Random, moments: &Moments<'_>) -> Json {
    let text = |text: String| Value::String(text);
    let count = |random: &mut Random, unit: &str| {
        let most = random.pick(if unit == "year" { &[3, 40] } else { &[3, 200] });
        1 + random.below(most)
    };
    match random.below(10) {
        0..=3 => {
            let unit = random.pick(UNITS);
            let count = count(random, unit);
            let period = match random.below(5) {
                0 => format!("this {unit}"),
                1 => format!("last {unit}"),
                2 => format!("next {unit}"),
                3 => format!("{count} {unit}s ago"),
                _ => format!("in {count} {unit}s"),
            };
            object_of(vec![("$period".to_owned(), text(period))])
        }
        4..=7 => {
            let operator = random.pick(&["$now", "$today"]);
            let units: &[&str] = &["day", "week", "month", "year", "hour", "minute"];
            let unit = random.pick(&units[..if operator == "$now" { 6 } else { 4 }]);
            let sign = random.pick(&["", "-"]);
            let count = if random.percent(20) { 0 } else { count(random, unit) };
            let mut members = vec![(operator.to_owned(), text(format!("{sign}{count} {unit}s")))];
            if random.percent(50) {
                members.push((random.pick(&["$startOf", "$endOf"]).to_owned(), text(random.pick(UNITS).to_owned())));
            }
            object_of(members)
        }
        8 => object_of(vec![("$date".to_owned(), text(moments.day(random).to_string()))]),
        _ => {
            // Without an offset it is a time of the zone's clocks.
            let written = moments.instant(random).to_string();
            let written = if random.percent(70) { written.trim_end_matches('Z').to_owned() } else { written };
            object_of(vec![("$date".to_owned(), text(written))])
        }
    }
}

/// A microsecond near a bound of the range.
fn near(random: &mut Random, range: &DateRange) -> i64 {
    let bound = random.pick(&[range.from(), range.until()]).micros();
    match random.below(6) {
        0 => bound,
        1 => bound - 1,
        2 => bound + random.below(2 * 7200) as i64 * SECOND - 7200 * SECOND,
        3 => bound + random.below(4) as i64 * MICROS_PER_DAY - 2 * MICROS_PER_DAY,
        4 => range.from().micros() + (range.until().micros() - range.from().micros()) / 2,
        _ => bound + random.below(1 << 40) as i64 - (1 << 39),
    }
}

/// What is stored at that microsecond: the instant, with or without its offset, its day, or a number.
fn stored(random: &mut Random, kind: &str, near: i64) -> Json {
    let instant = Instant::from_micros_saturating(near);
    let text = match random.below(10) {
        _ if kind.ends_with("(seconds)") => return number_of(instant.micros(), SECOND, 6),
        0..=4 => instant.to_string(),
        5 => instant.to_string().trim_end_matches('Z').to_owned(),
        6 | 7 => return number_of(instant.micros(), 1000, 3),
        _ => instant.utc_day().to_string(),
    };
    Value::String(text)
}

/// The microseconds in a unit that has so many of them, which are so many places of a fraction.
fn number_of(micros: i64, unit: i64, places: usize) -> Json {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.abs() / unit, micros.abs() % unit);
    number(&format!("{sign}{whole}.{rest:0places$}"))
}

fn part(random: &mut Random, kind: &str) -> Json {
    let part = random.pick(if kind.starts_with("date") { &PARTS[..4] } else { PARTS });
    let number = match part {
        "$year" => 1900 + random.below(190) as i64,
        "$month" => random.below(14) as i64,
        "$dayOfMonth" => random.pick(&[1, 2, 15, 28, 29, 30, 31]),
        "$isoDayOfWeek" => random.below(9) as i64,
        _ => random.below(25) as i64,
    };
    let asked = object_of(vec![(random.pick(OPERATORS).to_owned(), Value::Number(number.into()))]);
    object_of(vec![(part.to_owned(), asked)])
}

/// An anniversary on a date or between two, and a microsecond some whole years before, or near that.
fn anniversary(random: &mut Random, clock: &Clock, moments: &Moments<'_>) -> (Json, i64) {
    let date = literal(random, moments);
    let range = range_of(clock, &date);
    let years = random.pick(&[0, 1, 1, 2, 3, 4, 8, 19, 50]);
    let day = range.first_day().checked_add_months(-12 * years).unwrap_or(Day::MIN);
    let days = random.pick(&[0, 0, 0, 1, -1, 3, 40]);
    let day = day.checked_add_days(days).unwrap_or(day);
    let near =
        clock.zone.start_of(day).micros() + random.below(2 * MICROS_PER_DAY as usize) as i64 - MICROS_PER_DAY / 2;
    let asked = match random.below(4) {
        0 => vec![("$eq".to_owned(), date)],
        1 => vec![(random.pick(&["$gt", "$gte", "$lt", "$lte"]).to_owned(), date)],
        _ => {
            let length = random.pick(&[0, 1, 7, 40, 364, 365, 366, 500]);
            let until = range.last_day().checked_add_days(length).unwrap_or(Day::MAX).to_string();
            let until = object_of(vec![("$date".to_owned(), Value::String(until))]);
            vec![(random.pick(&["$gt", "$gte"]).to_owned(), date), (random.pick(&["$lt", "$lte"]).to_owned(), until)]
        }
    };
    (object_of(vec![("$anniversary".to_owned(), object_of(asked))]), near)
}
