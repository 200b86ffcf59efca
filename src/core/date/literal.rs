//! Dates as conditions write them: `$date`, `$now`, `$today` and `$period`.

use super::moment::read_range_end;
use super::{DateRange, DateReading, Day, Edge, Instant, MAX_COUNT, Period, PeriodUnit, Relative, Utc, Written, Zone};
use crate::decimal::Decimal;
use crate::value::{Json, Value, key_order};

/// A date in a condition, as it was written, or resolved.
///
/// The object with the [`members`](Self::members) reads back as the same literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DateLiteral {
    /// `{"$date": "2024-01-01"}`: the text, and its date
    Text(String, Written),
    /// `{"$date": 1704067200000}`: the milliseconds since 1970-01-01T00:00:00Z, and that instant
    Millis(i64, Written),
    /// `{"$date": {"$numberLong": "1704067200000"}}`: the operator and the text inside, and that instant
    Wrapped(&'static str, String, Written),
    /// `{"$now": "-30 days"}`: an instant relative to now; a day if it has an edge
    Now(Relative, Option<Edge>),
    /// `{"$today": "-1 day"}`: a day relative to today, in calendar units
    Today(Relative, Option<Edge>),
    /// `{"$period": "last month"}`: a whole period of the calendar
    Period(Period),
    /// `{"$date": {"day": …, "at": …}}`, `{"$date": {"day": …, "from": …, "until": …}}`,
    /// `{"$date": {"first": …, "last": …, "from": …, "until": …}}`: an operand resolved in some zone.
    /// [`DateLiteral::from`] knows those that have a shorter text.
    Resolved(DateRange),
}

/// The literal of a resolved date: text if that means the same in UTC, else the full form.
impl From<DateRange> for DateLiteral {
    fn from(range: DateRange) -> Self {
        // The type that stands beside it says how stored values are read.
        let range = range.with_reading(DateReading::Strings);
        let day = range.first_day();
        if !is_utc(&range) {
            DateLiteral::Resolved(range)
        } else if range.is_days() {
            DateLiteral::Text(day.to_string(), Written::Day(day))
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
            Value::Object(members) => read_resolved(members).map(DateLiteral::Resolved),
            other => {
                Err(format!("$date takes a date, a timestamp, or milliseconds since 1970, not {}", other.describe()))
            }
        }
    }

    /// Milliseconds since 1970 that were written under an operator of Extended JSON.
    ///
    /// # Errors
    /// Why they are none, for a person to read.
    pub fn wrapped(wrapper: &'static str, text: &str, millis: &Decimal) -> Result<Self, String> {
        match Self::date(&Value::Number(millis.clone()))? {
            DateLiteral::Millis(_, written) => Ok(DateLiteral::Wrapped(wrapper, text.to_owned(), written)),
            other => Ok(other),
        }
    }

    /// Reads the operand of `$now`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read.
    pub fn now(operand: &Json) -> Result<Self, String> {
        Ok(DateLiteral::Now(read_relative("$now", operand)?, None))
    }

    /// Reads the operand of `$today`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read: also where it counts hours or minutes.
    pub fn today(operand: &Json) -> Result<Self, String> {
        let relative = read_relative("$today", operand)?;
        if relative.unit().is_calendar() {
            Ok(DateLiteral::Today(relative, None))
        } else {
            Err(format!("$today is a whole day and cannot move by {}s; $now can", relative.unit().name()))
        }
    }

    /// Reads the operand of `$period`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read.
    pub fn period(operand: &Json) -> Result<Self, String> {
        let Value::String(text) = operand else {
            return Err(format!("$period takes a period such as \"last month\", not {}", operand.describe()));
        };
        Period::parse(text).map(DateLiteral::Period).ok_or_else(|| {
            format!(
                "{} is not a period: this, last or next with day, week, month, quarter or year, or a count up to \
                 {MAX_COUNT}, as in \"3 months ago\" and \"in 2 weeks\"",
                quote(text)
            )
        })
    }

    /// The first or the last day of the period that `$now` or `$today` is in; `None` for other dates.
    #[must_use]
    pub fn at_edge(self, edge: Edge) -> Option<Self> {
        match self {
            DateLiteral::Now(relative, None) => Some(DateLiteral::Now(relative, Some(edge))),
            DateLiteral::Today(relative, None) => Some(DateLiteral::Today(relative, Some(edge))),
            _ => None,
        }
    }

    /// Reads the operand of `$startOf` and `$endOf`.
    ///
    /// # Errors
    /// Why the operand is none, for a person to read.
    pub fn unit(operand: &Json) -> Result<PeriodUnit, String> {
        match operand {
            Value::String(text) => PeriodUnit::parse(text)
                .ok_or_else(|| format!("{} is not one of day, week, month, quarter and year", quote(text))),
            other => Err(format!("the period is one of day, week, month, quarter and year, not {}", other.describe())),
        }
    }

    /// The first operator of the literal.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        match self {
            DateLiteral::Text(..) | DateLiteral::Millis(..) | DateLiteral::Wrapped(..) | DateLiteral::Resolved(_) => {
                "$date"
            }
            DateLiteral::Now(..) => "$now",
            DateLiteral::Today(..) => "$today",
            DateLiteral::Period(_) => "$period",
        }
    }

    /// The members of the date's object, in the order of jsonb.
    #[must_use]
    pub fn members(&self) -> Vec<(&'static str, Json)> {
        let operand = match self {
            DateLiteral::Text(text, _) => Value::String(text.clone()),
            DateLiteral::Millis(millis, _) => Value::Number(Decimal::from(*millis)),
            DateLiteral::Wrapped(wrapper, text, _) => {
                Value::Object(vec![((*wrapper).to_owned(), Value::String(text.clone()))])
            }
            DateLiteral::Now(relative, _) | DateLiteral::Today(relative, _) => Value::String(relative.to_string()),
            DateLiteral::Period(period) => Value::String(period.to_string()),
            DateLiteral::Resolved(range) => print_resolved(range),
        };
        let mut members = vec![(self.operator(), operand)];
        if let DateLiteral::Now(_, Some(edge)) | DateLiteral::Today(_, Some(edge)) = self {
            members.push((edge.operator(), Value::String(edge.unit().name().to_owned())));
            members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
        }
        members
    }

    /// Whether the date depends on the current day, but not on the time of the day.
    #[must_use]
    pub fn is_of_today(&self) -> bool {
        match self {
            DateLiteral::Today(..) | DateLiteral::Period(_) => true,
            DateLiteral::Now(relative, edge) => edge.is_some() && relative.unit().is_calendar(),
            _ => false,
        }
    }

    /// Resolves the date in the zone, at the time `now`. Returns `None` if an offset leads outside the years 1 to 9999.
    #[must_use]
    pub fn resolve(&self, now: Instant, zone: &dyn Zone) -> Option<DateRange> {
        Some(match self {
            DateLiteral::Text(_, written) | DateLiteral::Millis(_, written) | DateLiteral::Wrapped(.., written) => {
                DateRange::resolve(*written, zone)
            }
            DateLiteral::Now(relative, None) => DateRange::of_instant(relative.now(now, zone)?, zone),
            DateLiteral::Now(relative, Some(edge)) => {
                DateRange::of_day(edge.of(zone.local_of(relative.now(now, zone)?).day()), zone)
            }
            DateLiteral::Today(relative, edge) => {
                let day = relative.today(now, zone)?;
                DateRange::of_day(edge.map_or(day, |edge| edge.of(day)), zone)
            }
            DateLiteral::Period(period) => {
                let (first, last) = period.days(now, zone)?;
                DateRange::of_days(first, last, zone)
            }
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

/// Whether the date is what its day or instant alone means in UTC.
fn is_utc(range: &DateRange) -> bool {
    *range
        == if range.is_days() {
            DateRange::of_day(range.first_day(), &Utc)
        } else {
            DateRange::of_instant(range.from(), &Utc)
        }
}

fn print_resolved(range: &DateRange) -> Json {
    let text = |key: &str, value: String| (key.to_owned(), Value::String(value));
    let (first, last) = (range.first_day().to_string(), range.last_day().to_string());
    let (from, until) = (range.from().to_string(), range.until().to_string());
    // The keys are in the order of jsonb.
    Value::Object(if !range.is_days() {
        vec![text("at", from), text("day", first)]
    } else if first == last {
        vec![text("day", first), text("from", from), text("until", until)]
    } else {
        vec![text("from", from), text("last", last), text("first", first), text("until", until)]
    })
}

fn read_resolved(members: &[(String, Json)]) -> Result<DateRange, String> {
    let shape =
        || "a resolved $date has the members day and at, or day or first and last, and from and until".to_owned();
    let mut texts = Vec::with_capacity(members.len());
    for (key, value) in members {
        let Value::String(text) = value else { return Err(shape()) };
        texts.push((key.as_str(), text.as_str()));
    }
    texts.sort_unstable();
    match texts[..] {
        [("at", at), ("day", day)] => Ok(DateRange::instant_on(read_day(day)?, read_instant(at)?)),
        [("day", day), ("from", from), ("until", until)] => read_days(day, day, from, until),
        [("first", first), ("from", from), ("last", last), ("until", until)] => read_days(first, last, from, until),
        _ => Err(shape()),
    }
}

fn read_days(first: &str, last: &str, from: &str, until: &str) -> Result<DateRange, String> {
    let (first, last, from) = (read_day(first)?, read_day(last)?, read_instant(from)?);
    let until = read_range_end(until).ok_or_else(|| not_an_instant(until))?;
    if until < from {
        return Err(format!("the day would end at {until}, before it starts at {from}"));
    }
    if last < first {
        return Err(format!("the last day, {last}, would be before the first, {first}"));
    }
    Ok(DateRange::days_between((first, last), from, until))
}

fn read_day(text: &str) -> Result<Day, String> {
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

/// The text in quotes; cut if it is longer than any date.
fn quote(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests;
