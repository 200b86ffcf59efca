//! Hints for operators that do not exist: names from other languages, negated operators, and mistyped ones.

use crate::nearest::nearest;
use crate::operator::{OPERATORS, Operator, OperatorPosition};

/// The hint for an unknown operator, if one can be given. `fits` tells which operators may stand there.
pub(super) fn hint(key: &str, fits: fn(OperatorPosition) -> bool) -> Option<String> {
    let word = key.trim_start_matches('$').to_lowercase();
    if let Some((_, hint)) = FOREIGN.iter().find(|(names, _)| names.split(' ').any(|name| name == word)) {
        return Some((*hint).to_owned());
    }
    if let Some(operator) = negated(&word) {
        return Some(match operator {
            Operator::Eq => "Did you mean $ne?".to_owned(),
            Operator::In => "Did you mean $nin?".to_owned(),
            Operator::Or => "Did you mean $nor?".to_owned(),
            Operator::Exists | Operator::Empty => format!("Write {{\"{}\": false}}.", operator.name()),
            operator => format!("Write {{\"$not\": {{\"{}\": …}}}}.", operator.name()),
        });
    }
    let anywhere = |_| true;
    mistyped(key, fits).or_else(|| mistyped(key, anywhere)).map(|meant| format!("Did you mean {meant}?"))
}

/// The operator that a word negates.
fn negated(word: &str) -> Option<Operator> {
    let operator = |name: &str| OPERATORS.iter().find(|row| row.name[1..].eq_ignore_ascii_case(name));
    let rest = ["doesnot", "isnot", "not", "n"].iter().find_map(|prefix| {
        let rest = word.strip_prefix(prefix)?.trim_start_matches('_');
        // For words like `doesNotContain` and `notMatches`.
        operator(rest).or_else(|| operator(&format!("{rest}s")))
    })?;
    (rest.complement_of.is_none() && rest.operator != Operator::Not).then_some(rest.operator)
}

/// The operator that was probably meant. Short names that look alike often mean opposite things. So the first letter
/// must be right, and in names of two letters, both must.
fn mistyped(key: &str, fits: fn(OperatorPosition) -> bool) -> Option<&'static str> {
    let letters = |name: &str| {
        let mut letters: Vec<char> = name.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let first = |name: &str| name.chars().nth(1).map(|letter| letter.to_ascii_lowercase());
    let is_alike = |name: &&'static str| {
        first(name) == first(key) && (name.len() > 3 || name.len() != key.len() || letters(name) == letters(key))
            || letters(name) == letters(key)
    };
    nearest(key, OPERATORS.iter().filter(|row| fits(row.position)).map(|row| row.name).filter(is_alike))
}

/// Foreign names in lower case, without `$`, and the hint for each.
const FOREIGN: &[(&str, &str)] = &[
    ("like ilike", "Use $contains, $startsWith or $endsWith, which have no wildcards, or $regex."),
    (
        "notlike nlike notilike",
        "Use {\"$not\": {\"$contains\": …}}, which has no wildcards, or {\"$not\": {\"$regex\": …}}.",
    ),
    ("between range", "Use two bounds: {\"$gte\": …, \"$lte\": …}."),
    ("notbetween nbetween", "Use two bounds under $not: {\"$not\": {\"$gte\": …, \"$lte\": …}}."),
    ("equal equals is", "Did you mean $eq?"),
    ("notequal notequals doesnotequal isnot neq", "Did you mean $ne?"),
    ("isnull null isnil", "Write {\"$eq\": null}: it holds for null and for missing values."),
    ("isnotnull notnull", "Write {\"$ne\": null}: it holds for contacts that have a value."),
    ("ge gteq greaterthanorequal", "Did you mean $gte?"),
    ("le lteq lessthanorequal", "Did you mean $lte?"),
    ("greaterthan after", "Did you mean $gt?"),
    ("lessthan before", "Did you mean $lt?"),
    ("anyof oneof any", "Did you mean $in?"),
    ("noneof", "Did you mean $nin?"),
    ("allof containsall", "Did you mean $all?"),
    ("includes icontains substring", "Use $contains, with \"$options\": \"i\" beside it to ignore case."),
    ("beginswith istartswith prefix", "Use $startsWith, with \"$options\": \"i\" beside it to ignore case."),
    ("iendswith suffix", "Use $endsWith, with \"$options\": \"i\" beside it to ignore case."),
    ("match matches", "Did you mean $regex?"),
    ("xor", "For exactly one of two, write {\"$or\": [A, B], \"$nor\": [{\"$and\": [A, B]}]}."),
    ("dayofweek weekday isoweekday dow isodow", "Did you mean $isoDayOfWeek? Monday is 1, Sunday is 7."),
    ("day date dayofmonth mday", "Did you mean $dayOfMonth?"),
    ("birthday", "Did you mean $anniversary?"),
    ("objectid", "Did you mean $oid?"),
    ("isodate", "Did you mean $date?"),
    ("datetrunc trunc", "For the first day of a period write {\"$today\": \"0 days\", \"$startOf\": \"month\"}."),
    (
        "week isoweek quarter dayofyear minute second",
        "There are $year, $month, $dayOfMonth, $isoDayOfWeek and $hour, and {\"$period\": \"last week\"}.",
    ),
    ("id", "Fields are named without $: {\"id\": …}. If a name begins with $, write a backslash before it."),
];
