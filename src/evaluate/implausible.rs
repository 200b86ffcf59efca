//! Stored numbers that are dates of their property's type, but hardly those that were meant.

use crate::evaluate::stored;
use segments_core::date::{Day, Moment};
use segments_core::types::{PropertyType, ScalarType};
use serde_json::Value;
use std::cmp::Reverse;

/// The values of a property that fall into a time in which contacts seldom have anything.
pub struct Implausible<'v> {
    declared: ScalarType,
    period: Period,
    /// How many contacts have such a value
    count: i64,
    /// The most frequent one
    example: &'v Value,
}

/// A time that tells of a wrong unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Period {
    /// The present, where seconds are read as milliseconds
    January1970,
    /// The present, where milliseconds are read as seconds, or microseconds as milliseconds
    After5000,
}

impl Period {
    /// The period of a number; `None` if it is plausible, or not read as a date.
    fn of(value: &Value, declared: PropertyType) -> Option<Self> {
        /// 1970-02-01 and 5001-01-01
        const ENDS: (i32, i32) = (31, 1_107_050);
        let number = value.as_f64()?;
        match stored::moment(value, declared).map(Moment::day).map(Day::epoch_days) {
            Some(days) if (0..ENDS.0).contains(&days) => Some(Period::January1970),
            Some(days) => (days >= ENDS.1).then_some(Period::After5000),
            // It is outside the years 1 to 9999.
            None => (number > 0.0).then_some(Period::After5000),
        }
    }
}

impl<'v> Implausible<'v> {
    /// Those among the values of a property, each with how many contacts have it; `None` if there are none.
    pub fn among(declared: PropertyType, values: &'v [(Value, i64)]) -> Option<Self> {
        let scalar = declared.element().filter(|scalar| scalar.is_temporal())?;
        let found = |period: Period| {
            let of_period = values.iter().filter_map(|(value, times)| {
                let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                let example = elements.iter().find(|element| Period::of(element, declared) == Some(period))?;
                Some((example, *times))
            });
            let of_period: Vec<_> = of_period.collect();
            // The same one, in whatever order the values are.
            let (example, _) =
                of_period.iter().min_by_key(|(example, times)| (Reverse(*times), example.to_string()))?;
            let count = of_period.iter().map(|(_, times)| times).sum();
            Some(Implausible { declared: scalar, period, count, example })
        };
        [Period::January1970, Period::After5000].into_iter().filter_map(found).max_by_key(|found| found.count)
    }

    /// A message about them, of `all` values in the sample.
    pub fn message(&self, name: &str, all: i64) -> String {
        let period = match self.period {
            Period::January1970 => "in January 1970",
            Period::After5000 => "after the year 5000",
        };
        format!("{} of {all} values of \"{name}\" in a sample fall {period}, such as {}", self.count, self.example)
    }

    /// What may have been meant.
    pub fn hint(&self) -> String {
        let other = match self.declared {
            ScalarType::Date => ScalarType::DateSeconds,
            ScalarType::Timestamp => ScalarType::TimestampSeconds,
            ScalarType::DateSeconds => ScalarType::Date,
            _ => ScalarType::Timestamp,
        };
        match (self.period, self.declared.is_seconds()) {
            (Period::January1970, false) => {
                format!("A {} is stored in milliseconds. If these are seconds, declare it as {other}.", self.declared)
            }
            (Period::After5000, true) => {
                format!("A {} is stored in seconds. If these are milliseconds, declare it as {other}.", self.declared)
            }
            (_, is_seconds) => {
                let unit = if is_seconds { "seconds" } else { "milliseconds" };
                format!(
                    "A {} is stored in {unit} since 1970. If these count something else, declare it as number.",
                    self.declared
                )
            }
        }
    }
}
