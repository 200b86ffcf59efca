//! Numbers as a column's type holds them: a bound becomes one of that type, so that the column's index serves.

use super::table::ColumnKind;
use crate::ast::Comparison;
use crate::decimal::Decimal;
use std::cmp::Ordering;

/// How an ordered comparison with an exact number reads on a column that cannot hold every number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// For every number of the type, or for none
    Always(bool),
    /// Compared so with a number of the type, as its text
    Compare(Comparison, String),
}

/// The text of the number of the column's type that equals `number`; `None` where there is none.
pub(super) fn equal(kind: &ColumnKind, number: &Decimal) -> Option<String> {
    match kind {
        ColumnKind::Real | ColumnKind::Double => {
            let nearest = Float::nearest(kind, number);
            (nearest.decimal == *number).then_some(nearest.text)
        }
        kind => match integers(kind) {
            Some((least, greatest)) => {
                let value = number.to_i64()?;
                (least..=greatest).contains(&value).then(|| value.to_string())
            }
            None => Some(number.to_string()),
        },
    }
}

/// The comparison of a column of that kind with `number`.
pub(super) fn ordered(kind: &ColumnKind, comparison: Comparison, number: &Decimal) -> Bound {
    match kind {
        ColumnKind::Real | ColumnKind::Double => {
            // The numbers that floats print as are in the order of the floats, and `number` lies no nearer to
            // any other: what is on its far side stays there.
            let nearest = Float::nearest(kind, number);
            Bound::Compare(shift(comparison, nearest.decimal.cmp(number)), nearest.text)
        }
        kind => match integers(kind) {
            Some(limits) => integer_bound(limits, comparison, number),
            None => Bound::Compare(comparison, number.to_string()),
        },
    }
}

/// The comparison with the neighbour of a bound, where `side` says on which side of the bound it is.
fn shift(comparison: Comparison, side: Ordering) -> Comparison {
    match (comparison, side) {
        (comparison, Ordering::Equal) => comparison,
        (Comparison::Gt | Comparison::Gte, Ordering::Less) => Comparison::Gt,
        (Comparison::Gt | Comparison::Gte, Ordering::Greater) => Comparison::Gte,
        (Comparison::Lt | Comparison::Lte, Ordering::Less) => Comparison::Lte,
        (Comparison::Lt | Comparison::Lte, Ordering::Greater) => Comparison::Lt,
    }
}

/// The least and greatest number of an integer type; `None` where it is none.
fn integers(kind: &ColumnKind) -> Option<(i64, i64)> {
    match kind {
        ColumnKind::SmallInt => Some((i16::MIN.into(), i16::MAX.into())),
        ColumnKind::Integer => Some((i32::MIN.into(), i32::MAX.into())),
        ColumnKind::BigInt => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

fn integer_bound((least, greatest): (i64, i64), comparison: Comparison, number: &Decimal) -> Bound {
    let is_upward = matches!(comparison, Comparison::Gt | Comparison::Gte);
    if *number < Decimal::from(least) {
        return Bound::Always(is_upward);
    }
    if *number > Decimal::from(greatest) {
        return Bound::Always(!is_upward);
    }
    if let Some(whole) = number.to_i64() {
        return Bound::Compare(comparison, whole.to_string());
    }
    let below = floor(number);
    if is_upward {
        Bound::Compare(Comparison::Gte, (below + 1).to_string())
    } else {
        Bound::Compare(Comparison::Lte, below.to_string())
    }
}

/// The greatest whole number below one that is not whole and lies between two of `i64`.
fn floor(number: &Decimal) -> i64 {
    let text = number.to_string();
    let toward_zero = match text.split_once('.') {
        Some((whole, _)) if !text.contains('e') => whole.parse().unwrap_or(0),
        // Between the limits of i64, only what is nearly zero is written with an exponent.
        _ => 0,
    };
    if text.starts_with('-') { toward_zero - 1 } else { toward_zero }
}

/// A finite float, and the number that Postgres prints it as.
struct Float {
    decimal: Decimal,
    text: String,
}

impl Float {
    /// The float nearest to the number.
    fn nearest(kind: &ColumnKind, number: &Decimal) -> Self {
        let text = number.to_string();
        let decimal = match kind {
            ColumnKind::Real => {
                let value: f32 = text.parse().unwrap_or(0.0);
                let value = value.clamp(f32::MIN, f32::MAX);
                printed(value.abs(), |text| text.parse(), value.is_sign_negative())
            }
            _ => {
                let value: f64 = text.parse().unwrap_or(0.0);
                let value = value.clamp(f64::MIN, f64::MAX);
                printed(value.abs(), |text| text.parse(), value.is_sign_negative())
            }
        };
        Float { text: decimal.to_string(), decimal }
    }
}

/// The number that Postgres prints a float as: the shortest that only this float is nearest to, and among those
/// the nearest. A number half-way to the next float does not count, although reading it would give this one
/// (`STRICTLY_SHORTEST` in `src/common/ryu_common.h`), where Rust would print it.
fn printed<F, E>(magnitude: F, read: impl Fn(&str) -> Result<F, E>, negative: bool) -> Decimal
where
    F: Copy + PartialEq + std::fmt::LowerExp,
{
    let shortest = format!("{magnitude:e}");
    let sign = if negative { "-" } else { "" };
    let exactly = |digits: usize| format!("{magnitude:.*e}", digits - 1);
    let digits = shortest.split('e').next().map_or(1, |mantissa| mantissa.bytes().filter(u8::is_ascii_digit).count());
    let candidates = (digits..=17).flat_map(|digits| {
        let (mantissa, exponent) = split(&exactly(digits), digits);
        // Where the float below is nearer than the float above, the nearest number may be below's.
        [(mantissa, exponent), (mantissa + 1, exponent)]
    });
    let is_inside = |(mantissa, exponent): &(u64, i64)| {
        // A hair to either side. The gap between a number of 17 digits and a half-way point it is not is wider.
        let hair = 100;
        let scale = exponent - hair as i64;
        [
            format!("{mantissa}{}1e{scale}", "0".repeat(hair - 1)),
            format!("{}{}e{scale}", mantissa - 1, "9".repeat(hair)),
        ]
        .iter()
        .all(|text| read(text).is_ok_and(|value| value == magnitude))
    };
    let found = candidates.into_iter().filter(|(mantissa, _)| *mantissa > 0).find(is_inside);
    let text = found.map_or(shortest, |(mantissa, exponent)| format!("{mantissa}e{exponent}"));
    Decimal::parse(&format!("{sign}{text}")).unwrap_or_else(|| Decimal::from(0))
}

/// `1.25e-7` as (125, -9).
fn split(text: &str, digits: usize) -> (u64, i64) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    (mantissa.replace('.', "").parse().unwrap_or(0), exponent - (digits as i64 - 1))
}
