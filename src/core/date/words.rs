//! Reads words that people write for dates, for hints.

use super::{Period, Relative};

/// The operand for a date in words such as `yesterday`, `30 days ago`, `last month` or `now-30d`.
#[must_use]
pub fn meant(text: &str) -> Option<String> {
    let words = text.trim().trim_start_matches('$').to_lowercase().replace('_', " ");
    let known = match words.as_str() {
        "now" | "now()" | "current timestamp" => "{\"$now\": \"0 days\"}",
        "today" | "current date" => "{\"$today\": \"0 days\"}",
        "yesterday" => "{\"$today\": \"-1 day\"}",
        "tomorrow" => "{\"$today\": \"1 day\"}",
        _ => {
            let period = period(&words).map(|period| format!("{{\"$period\": \"{period}\"}}"));
            return period.or_else(|| relative(&words).map(|offset| format!("{{\"$now\": \"{offset}\"}}")));
        }
    };
    Some(known.to_owned())
}

/// The period in `last month`, `previous quarter`, `lastweek`, `this year` or `month to date`.
fn period(words: &str) -> Option<Period> {
    let (known, unit) = match words.strip_suffix("to date") {
        Some(unit) => ("this", unit),
        None => [
            ("last", "last"),
            ("past", "last"),
            ("previous", "last"),
            ("this", "this"),
            ("current", "this"),
            ("next", "next"),
        ]
        .into_iter()
        .find_map(|(word, known)| Some((known, words.strip_prefix(word)?)))?,
    };
    Period::parse(&format!("{known} {}", unit.trim()))
}

/// The offset in `30 days ago`, `last 30 days`, `in 2 weeks`, `now-30d`, `-7d` or `last month`.
fn relative(words: &str) -> Option<Relative> {
    let words = words.strip_prefix("now").unwrap_or(words).trim();
    let (is_past, rest) = if let Some(rest) = words.strip_suffix("ago") {
        (true, rest)
    } else if let Some(rest) = ["last ", "past ", "previous ", "-"].iter().find_map(|word| words.strip_prefix(word)) {
        (true, rest)
    } else {
        (false, ["next ", "in ", "+"].iter().find_map(|word| words.strip_prefix(word))?)
    };
    let rest = rest.trim();
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (count, unit) = rest.split_at(digits);
    let unit = match unit.trim() {
        "m" | "min" | "mins" => "minutes",
        "h" | "hr" | "hrs" => "hours",
        "d" => "days",
        "w" => "weeks",
        "mo" => "months",
        "y" | "yr" => "years",
        unit => unit,
    };
    let count = if count.is_empty() { "1" } else { count };
    Relative::parse(&format!("{}{count} {unit}", if is_past { "-" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn words_become_operands() {
        for (words, operand) in [
            ("now", r#"{"$now": "0 days"}"#),
            ("$now", r#"{"$now": "0 days"}"#),
            ("Yesterday", r#"{"$today": "-1 day"}"#),
            ("today", r#"{"$today": "0 days"}"#),
            ("now-30d", r#"{"$now": "-30 days"}"#),
            ("-7d", r#"{"$now": "-7 days"}"#),
            ("30 days ago", r#"{"$now": "-30 days"}"#),
            ("1 week ago", r#"{"$now": "-1 week"}"#),
            ("last_month", r#"{"$period": "last month"}"#),
            ("lastQuarter", r#"{"$period": "last quarter"}"#),
            ("previous week", r#"{"$period": "last week"}"#),
            ("This Year", r#"{"$period": "this year"}"#),
            ("month to date", r#"{"$period": "this month"}"#),
            ("next_week", r#"{"$period": "next week"}"#),
            ("last 3 months", r#"{"$now": "-3 months"}"#),
            ("last 90 days", r#"{"$now": "-90 days"}"#),
            ("in 2 weeks", r#"{"$now": "2 weeks"}"#),
        ] {
            assert_eq!(meant(words).as_deref(), Some(operand), "{words}");
        }
        for words in ["soon", "2024-13-01", "", "-", "ago", "30 parsecs ago"] {
            assert_eq!(meant(words), None, "{words}");
        }
    }
}
