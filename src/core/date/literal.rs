//! Dates as conditions write them: `$date`, `$now` and `$today`.

use super::moment::read_range_end;
use super::{DateRange, Instant, MAX_COUNT, Relative, Utc, Written, Zone};
use crate::decimal::Decimal;
use crate::value::{Json, Value};

/// A date in a condition, as it was written or as it was resolved.
///
/// Reading what [`to_json`](Self::to_json) returns gives the literal back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DateLiteral {
    /// `{"$date": "2024-01-01"}`: the text, and what it says
    Text(String, Written),
    /// `{"$date": 1704067200000}`: the milliseconds since 1970-01-01T00:00:00Z, and that instant
    Millis(i64, Written),
    /// `{"$now": "-30 days"}`: an instant relative to now
    Now(Relative),
    /// `{"$today": "-1 day"}`: a day relative to today, in calendar units
    Today(Relative),
    /// `{"$date": {"day": …, "from": …, "until": …}}`, `{"$date": {"day": …, "at": …}}`: an operand resolved in
    /// a zone other than UTC. Made by [`DateLiteral::from`], which knows those that have a shorter text.
    Resolved(DateRange),
}

/// The literal of a resolved operand: text where that says the same in UTC, else the full form.
impl From<DateRange> for DateLiteral {
    fn from(range: DateRange) -> Self {
        if !is_utc(&range) {
            DateLiteral::Resolved(range)
        } else if range.is_day() {
            DateLiteral::Text(range.day().to_string(), Written::Day(range.day()))
        } else {
            DateLiteral::Text(range.from().to_string(), Written::Instant(range.from()))
        }
    }
}

impl DateLiteral {
    /// Reads the operand of `$date`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read.
    pub fn date(operand: &Json) -> Result<Self, String> {
        match operand {
            Value::String(text) => match Written::parse(text) {
                Some(written) => Ok(DateLiteral::Text(text.clone(), written)),
                None => Err(format!(
                    "{} is neither a date such as 2024-01-31 nor a timestamp such as 2024-01-31T10:00:00Z",
                    quote(text)
                )),
            },
            Value::Number(number) => match (number.to_i64(), Written::from_millis(number)) {
                (Some(millis), Some(written)) => Ok(DateLiteral::Millis(millis, written)),
                _ => {
                    Err(format!("{number} is not a whole number of milliseconds since 1970 within the years 1 to 9999"))
                }
            },
            Value::Object(members) => read_resolved(members).map(DateLiteral::from),
            other => {
                Err(format!("$date takes a date, a timestamp, or milliseconds since 1970, not {}", other.describe()))
            }
        }
    }

    /// Reads the operand of `$now`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read.
    pub fn now(operand: &Json) -> Result<Self, String> {
        read_relative("$now", operand).map(DateLiteral::Now)
    }

    /// Reads the operand of `$today`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read: also where it counts hours or minutes.
    pub fn today(operand: &Json) -> Result<Self, String> {
        let relative = read_relative("$today", operand)?;
        if relative.unit().is_calendar() {
            Ok(DateLiteral::Today(relative))
        } else {
            Err(format!("$today is a whole day and cannot move by {}s; $now can", relative.unit().name()))
        }
    }

    /// The operator and its operand: the one member of the object that stands for the date.
    #[must_use]
    pub fn to_json(&self) -> (&'static str, Json) {
        match self {
            DateLiteral::Text(text, _) => ("$date", Value::String(text.clone())),
            DateLiteral::Millis(millis, _) => ("$date", Value::Number(Decimal::from(*millis))),
            DateLiteral::Now(relative) => ("$now", Value::String(relative.to_string())),
            DateLiteral::Today(relative) => ("$today", Value::String(relative.to_string())),
            DateLiteral::Resolved(range) => ("$date", print_resolved(range)),
        }
    }

    /// What the date means in the zone, at the time `now`. `None` where an offset leads out of the years
    /// 1 to 9999.
    #[must_use]
    pub fn resolve(&self, now: Instant, zone: &dyn Zone) -> Option<DateRange> {
        Some(match self {
            DateLiteral::Text(_, written) | DateLiteral::Millis(_, written) => DateRange::resolve(*written, zone),
            DateLiteral::Now(relative) => DateRange::of_instant(relative.now(now, zone)?, zone),
            DateLiteral::Today(relative) => DateRange::of_day(relative.today(now, zone)?, zone),
            DateLiteral::Resolved(range) => *range,
        })
    }
}

fn read_relative(operator: &str, operand: &Json) -> Result<Relative, String> {
    let Value::String(text) = operand else {
        return Err(format!("{operator} takes an offset such as \"-30 days\", not {}", operand.describe()));
    };
    Relative::parse(text).ok_or_else(|| {
        format!(
            "{} is not an offset such as \"-30 days\": a number up to {MAX_COUNT}, then minutes, hours, days, weeks, \
             months or years",
            quote(text)
        )
    })
}

/// Whether the operand is what its day or instant alone says in UTC.
fn is_utc(range: &DateRange) -> bool {
    *range
        == if range.is_day() { DateRange::of_day(range.day(), &Utc) } else { DateRange::of_instant(range.from(), &Utc) }
}

fn print_resolved(range: &DateRange) -> Json {
    let text = |key: &str, value: String| (key.to_owned(), Value::String(value));
    let day = text("day", range.day().to_string());
    // In the order in which jsonb keeps keys.
    Value::Object(if range.is_day() {
        vec![day, text("from", range.from().to_string()), text("until", range.until().to_string())]
    } else {
        vec![text("at", range.from().to_string()), day]
    })
}

fn read_resolved(members: &[(String, Json)]) -> Result<DateRange, String> {
    let shape = || "a resolved $date has the members day and at, or day, from and until".to_owned();
    let mut texts = Vec::with_capacity(members.len());
    for (key, value) in members {
        let Value::String(text) = value else { return Err(shape()) };
        texts.push((key.as_str(), text.as_str()));
    }
    texts.sort_unstable();
    match texts[..] {
        [("at", at), ("day", day)] => Ok(DateRange::instant_on(read_day(day)?, read_instant(at)?)),
        [("day", day), ("from", from), ("until", until)] => {
            let (day, from) = (read_day(day)?, read_instant(from)?);
            let until = read_range_end(until).ok_or_else(|| not_an_instant(until))?;
            if until < from {
                return Err(format!("the day would end at {until}, before it starts at {from}"));
            }
            Ok(DateRange::day_between(day, from, until))
        }
        _ => Err(shape()),
    }
}

fn read_day(text: &str) -> Result<super::Day, String> {
    match Written::parse(text) {
        Some(Written::Day(day)) => Ok(day),
        _ => Err(format!("{} is not a date such as 2024-01-31", quote(text))),
    }
}

fn read_instant(text: &str) -> Result<Instant, String> {
    match Written::parse(text) {
        Some(Written::Instant(instant)) => Ok(instant),
        _ => Err(not_an_instant(text)),
    }
}

fn not_an_instant(text: &str) -> String {
    format!("{} is not a timestamp with its offset, such as 2024-01-31T10:00:00Z", quote(text))
}

/// The text in quotes, cut where it is longer than any date.
fn quote(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{NewYork, at, day};
    use super::*;

    fn string(text: &str) -> Json {
        Value::String(text.to_owned())
    }

    fn object(members: &[(&str, &str)]) -> Json {
        Value::Object(members.iter().map(|(key, value)| ((*key).to_owned(), string(value))).collect())
    }

    fn number(text: &str) -> Json {
        Value::Number(Decimal::parse(text).unwrap())
    }

    fn read((operator, operand): (&str, Json)) -> Result<DateLiteral, String> {
        match operator {
            "$date" => DateLiteral::date(&operand),
            "$now" => DateLiteral::now(&operand),
            "$today" => DateLiteral::today(&operand),
            _ => Err(format!("{operator} is no operator of dates")),
        }
    }

    #[test]
    fn reading_what_is_printed_gives_the_literal_back() {
        let zones: [&dyn Zone; 2] = [&Utc, &NewYork];
        let written = [
            "2024-01-01",
            "2024-03-10",
            "0001-01-01",
            "9999-12-31",
            "2024-01-01 10:00",
            "2024-01-01T03:00:00.000001Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ];
        let mut literals: Vec<_> = written.iter().map(|text| DateLiteral::date(&string(text)).unwrap()).collect();
        literals.push(DateLiteral::date(&number("1704067200123")).unwrap());
        literals.push(DateLiteral::date(&number("-1")).unwrap());
        literals.push(DateLiteral::now(&string("-36 HOURS")).unwrap());
        literals.push(DateLiteral::today(&string("+1 month")).unwrap());
        for zone in zones {
            for text in written {
                literals.push(DateRange::resolve(Written::parse(text).unwrap(), zone).into());
            }
        }
        for literal in literals {
            assert_eq!(read(literal.to_json()), Ok(literal.clone()), "{literal:?}");
        }
    }

    #[test]
    fn what_was_written_is_printed_as_it_was() {
        for operand in [string("2024-01-01"), string("2024-01-01 10:00:00+00"), number("1704067200000")] {
            assert_eq!(DateLiteral::date(&operand).unwrap().to_json(), ("$date", operand));
        }
        assert_eq!(DateLiteral::now(&string("-30 days")).unwrap().to_json(), ("$now", string("-30 days")));
        assert_eq!(DateLiteral::today(&string("-1 day")).unwrap().to_json(), ("$today", string("-1 day")));
    }

    #[test]
    fn a_resolved_operand_carries_its_instants_where_utc_does_not_say_them() {
        let resolved = |text: &str, zone: &dyn Zone| {
            DateLiteral::from(DateRange::resolve(Written::parse(text).unwrap(), zone)).to_json().1
        };
        assert_eq!(resolved("2024-01-01", &Utc), string("2024-01-01"));
        assert_eq!(resolved("2024-01-01 10:00", &Utc), string("2024-01-01T10:00:00Z"));
        assert_eq!(resolved("2024-01-01 10:00", &NewYork), string("2024-01-01T15:00:00Z"));
        assert_eq!(
            resolved("2024-01-01", &NewYork),
            object(&[("day", "2024-01-01"), ("from", "2024-01-01T05:00:00Z"), ("until", "2024-01-02T05:00:00Z")])
        );
        assert_eq!(
            resolved("2023-12-31 22:00", &NewYork),
            object(&[("at", "2024-01-01T03:00:00Z"), ("day", "2023-12-31")])
        );
        assert_eq!(
            resolved("9999-12-31", &NewYork),
            object(&[("day", "9999-12-31"), ("from", "9999-12-31T05:00:00Z"), ("until", "10000-01-01T00:00:00Z")])
        );
    }

    #[test]
    fn the_checked_form_means_in_utc_what_was_meant_in_the_zone() {
        let now = at("2024-07-01T00:00:00Z");
        for text in ["2024-01-01", "2024-03-10", "2024-01-01 10:00", "2023-12-31 22:00", "2024-01-01T03:00:00Z"] {
            let meant = DateLiteral::date(&string(text)).unwrap().resolve(now, &NewYork).unwrap();
            let checked = read(DateLiteral::from(meant).to_json()).unwrap();
            assert_eq!(checked.resolve(now, &Utc), Some(meant), "{text}");
        }
    }

    #[test]
    fn now_is_an_instant_and_today_a_day_of_the_zone() {
        let now = at("2024-01-01T03:00:00Z");
        let hour_ago = DateLiteral::now(&string("-1 hour")).unwrap();
        assert_eq!(hour_ago.resolve(now, &NewYork), Some(DateRange::of_instant(at("2024-01-01T02:00:00Z"), &NewYork)));
        let yesterday = DateLiteral::today(&string("-1 day")).unwrap();
        assert_eq!(yesterday.resolve(now, &NewYork), Some(DateRange::of_day(day("2023-12-30"), &NewYork)));
        assert_eq!(yesterday.resolve(now, &Utc), Some(DateRange::of_day(day("2023-12-31"), &Utc)));
        assert_eq!(DateLiteral::today(&string("-9999 years")).unwrap().resolve(now, &Utc), None);
    }

    #[test]
    fn refusals_say_why() {
        let long = "x".repeat(1000);
        for (operator, operand, why) in [
            ("$date", string("01/02/2024"), "\"01/02/2024\" is neither a date"),
            ("$date", string("2024-02-30"), "is neither a date"),
            ("$date", string(&long), "x…\" is neither a date"),
            ("$date", number("0.5"), "0.5 is not a whole number of milliseconds"),
            ("$date", number("1e20"), "within the years 1 to 9999"),
            ("$date", Value::Null, "not null"),
            ("$date", Value::Array(vec![]), "not an array"),
            ("$date", object(&[]), "day and at, or day, from and until"),
            ("$date", object(&[("day", "2024-01-01")]), "day and at, or day, from and until"),
            ("$date", object(&[("at", "2024-01-01T00:00:00"), ("day", "2024-01-01")]), "with its offset"),
            ("$date", object(&[("at", "2024-01-01T00:00:00Z"), ("day", "1/1/2024")]), "is not a date"),
            ("$date", object(&[("at", "10000-01-01T00:00:00Z"), ("day", "9999-12-31")]), "with its offset"),
            (
                "$date",
                object(&[("day", "2024-01-01"), ("from", "2024-01-02T00:00:00Z"), ("until", "2024-01-01T00:00:00Z")]),
                "before it starts",
            ),
            ("$now", string("a month ago"), "\"a month ago\" is not an offset such as \"-30 days\""),
            ("$now", string("2000000 days"), "up to 1000000"),
            ("$now", number("30"), "not a number"),
            ("$today", string("-36 hours"), "cannot move by hours"),
            ("$today", Value::Bool(true), "not a boolean"),
        ] {
            let message = read((operator, operand)).expect_err(why);
            assert!(message.contains(why), "{message}");
            assert!(message.len() < 200, "{message}");
        }
    }
}
