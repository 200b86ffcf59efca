//! Turns numbers into numbers of a column's type, so that the column's index serves comparisons with them.

use super::table::ColumnKind;
use crate::ast::Comparison;
use crate::decimal::Decimal;
use std::cmp::Ordering;

/// An ordered comparison with an exact number, on a column that cannot hold every number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NumberComparison {
    /// Holds for every number of the type, or for none
    Always(bool),
    /// This comparison with a number of the type, which is given as text
    Compare(Comparison, String),
}

/// The number of the column's type that equals `number`, as text; `None` if there is none.
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
pub(super) fn ordered(kind: &ColumnKind, comparison: Comparison, number: &Decimal) -> NumberComparison {
    match kind {
        ColumnKind::Real | ColumnKind::Double => {
            // Floats are in the same order as the numbers that Postgres prints them as. `nearest` is the closest of
            // these to `number`, so that all others are on the same side of both.
            let nearest = Float::nearest(kind, number);
            NumberComparison::Compare(shift(comparison, nearest.decimal.cmp(number)), nearest.text)
        }
        kind => match integers(kind) {
            Some(limits) => integer_bound(limits, comparison, number),
            None => NumberComparison::Compare(comparison, number.to_string()),
        },
    }
}

/// The comparison with a number that is next to a bound; `side` says on which side of the bound it is.
fn shift(comparison: Comparison, side: Ordering) -> Comparison {
    match (comparison, side) {
        (comparison, Ordering::Equal) => comparison,
        (Comparison::Gt | Comparison::Gte, Ordering::Less) => Comparison::Gt,
        (Comparison::Gt | Comparison::Gte, Ordering::Greater) => Comparison::Gte,
        (Comparison::Lt | Comparison::Lte, Ordering::Less) => Comparison::Lte,
        (Comparison::Lt | Comparison::Lte, Ordering::Greater) => Comparison::Lt,
    }
}

/// The smallest and the largest number of an integer type; `None` for other types.
fn integers(kind: &ColumnKind) -> Option<(i64, i64)> {
    match kind {
        ColumnKind::SmallInt => Some((i16::MIN.into(), i16::MAX.into())),
        ColumnKind::Integer => Some((i32::MIN.into(), i32::MAX.into())),
        ColumnKind::BigInt => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

fn integer_bound((least, greatest): (i64, i64), comparison: Comparison, number: &Decimal) -> NumberComparison {
    let is_upward = matches!(comparison, Comparison::Gt | Comparison::Gte);
    if *number < Decimal::from(least) {
        return NumberComparison::Always(is_upward);
    }
    if *number > Decimal::from(greatest) {
        return NumberComparison::Always(!is_upward);
    }
    if let Some(whole) = number.to_i64() {
        return NumberComparison::Compare(comparison, whole.to_string());
    }
    let below = floor(number);
    if is_upward {
        NumberComparison::Compare(Comparison::Gte, (below + 1).to_string())
    } else {
        NumberComparison::Compare(Comparison::Lte, below.to_string())
    }
}

/// The largest whole number below a number that is not whole and is within the limits of `i64`.
fn floor(number: &Decimal) -> i64 {
    let text = number.to_string();
    let toward_zero = match text.split_once('.') {
        Some((whole, _)) if !text.contains('e') => whole.parse().unwrap_or(0),
        // Within the limits of i64, only numbers that are nearly zero are written with an exponent.
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

/// The number that Postgres prints a float as. It is the shortest number that is nearer to this float than to any
/// other, and the nearest of those. A number half-way to the next float is not used, although it reads as this float
/// (`STRICTLY_SHORTEST` in `src/common/ryu_common.h`); Rust would print it.
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
        // If the float below is nearer than the float above, the nearest number with these digits may belong to the
        // float below. Then the next number may belong to this one.
        [(mantissa, exponent), (mantissa + 1, exponent)]
    });
    let is_inside = |(mantissa, exponent): &(u64, i64)| {
        // Reads numbers that are a hair to either side. The hair is smaller than the distance of any number of 17
        // digits from a half-way point that it is not equal to.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Comparison::{Gt, Gte, Lt, Lte};
    use proptest::prelude::*;

    const COMPARISONS: [Comparison; 4] = [Gt, Gte, Lt, Lte];

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    /// Whether a stored number of the type satisfies the comparison; its text is read as Postgres reads it.
    fn lets<T: PartialOrd + std::str::FromStr>(bound: &NumberComparison, stored: T) -> bool {
        match bound {
            NumberComparison::Always(holds) => *holds,
            NumberComparison::Compare(comparison, text) => {
                let bound: T = text.parse().ok().unwrap();
                stored.partial_cmp(&bound).is_some_and(|ordering| comparison.accepts(ordering))
            }
        }
    }

    /// The expected texts are what Postgres 15 prints. Rust prints some of these floats in another way: in Postgres,
    /// ties go to the even digit, and a number half-way to the next float is not used.
    #[test]
    fn floats_are_the_numbers_that_postgres_prints() {
        let printed = |kind, text| Float::nearest(&kind, &decimal(text)).text;
        for (text, expected) in [
            ("0.1", "0.1"),
            ("2.4414063e-4", "0.00024414062"),
            ("2.0971523e6", "2097152.2"),
            ("7.559506e7", "75595056"),
            ("1.123112e9", "1123111900"),
            ("-1e-45", "-1e-45"),
            ("1e-50", "0"),
            ("-1e39", "-340282350000000000000000000000000000000"),
        ] {
            assert_eq!(printed(ColumnKind::Real, text), expected, "{text}");
        }
        for (text, expected) in [
            ("0.1", "0.1"),
            ("9007199254740993", "9007199254740992"),
            ("5e-324", "5e-324"),
            ("-1e400", "-1.7976931348623157e308"),
        ] {
            assert_eq!(printed(ColumnKind::Double, text), expected, "{text}");
        }
    }

    #[test]
    fn bounds_outside_of_an_integer_type_hold_for_all_or_none() {
        for (comparison, text, expected) in [
            (Gt, "32767.5", NumberComparison::Always(false)),
            (Lte, "32767.5", NumberComparison::Always(true)),
            (Gte, "-1e100", NumberComparison::Always(true)),
            (Lt, "-32768.1", NumberComparison::Always(false)),
            (Gt, "-1e-50", NumberComparison::Compare(Gte, "0".into())),
            (Lt, "-1e-50", NumberComparison::Compare(Lte, "-1".into())),
            (Gt, "32767", NumberComparison::Compare(Gt, "32767".into())),
            (Gte, "32766.5", NumberComparison::Compare(Gte, "32767".into())),
        ] {
            assert_eq!(ordered(&ColumnKind::SmallInt, comparison, &decimal(text)), expected, "{comparison:?} {text}");
        }
        assert_eq!(equal(&ColumnKind::SmallInt, &decimal("32768")), None);
        assert_eq!(equal(&ColumnKind::SmallInt, &decimal("-3.2768e4")), Some("-32768".into()));
    }

    /// The number and others close to it, some with more digits than any type can hold.
    fn near(number: impl std::fmt::Display + std::fmt::LowerExp, tail: &str) -> Vec<Decimal> {
        let plain = number.to_string();
        let point = if plain.contains('.') { "" } else { "." };
        let texts = [plain.clone(), format!("{plain}{point}{tail}"), format!("{number:e}"), format!("{number:.3e}")];
        texts.iter().filter_map(|text| Decimal::parse(text)).collect()
    }

    fn integer() -> impl Strategy<Value = i64> {
        let edge = prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]);
        prop_oneof![(edge, -2..=2i64).prop_map(|(edge, offset)| edge.saturating_add(offset)), any::<i64>()]
    }

    fn assert_compares<T>(kind: &ColumnKind, stored: T, printed: &Decimal, number: &Decimal)
    where
        T: PartialOrd + std::str::FromStr + Copy + std::fmt::Debug,
    {
        let exact = printed.cmp(number);
        for comparison in COMPARISONS {
            let bound = ordered(kind, comparison, number);
            assert_eq!(
                lets(&bound, stored),
                comparison.accepts(exact),
                "{stored:?} {comparison:?} {number}: {bound:?}"
            );
        }
        let is_equal = equal(kind, number).is_some_and(|text| text.parse().is_ok_and(|value: T| value == stored));
        assert_eq!(is_equal, exact.is_eq(), "{stored:?} = {number}");
    }

    proptest! {
        #[test]
        fn integers_compare_as_exact_numbers(stored in integer(), bound in integer(), tail in "[0-9]{0,3}") {
            // The shift puts the edge cases of the widest type at the edges of the narrower types, too.
            let numbers = |shift| near(bound >> shift, &tail).into_iter().chain(near(i128::from(bound >> shift) * 3, &tail));
            for number in numbers(48) {
                let stored = (stored >> 48) as i16;
                assert_compares(&ColumnKind::SmallInt, stored, &Decimal::from(i64::from(stored)), &number);
            }
            for number in numbers(32) {
                let stored = (stored >> 32) as i32;
                assert_compares(&ColumnKind::Integer, stored, &Decimal::from(i64::from(stored)), &number);
            }
            for number in numbers(0) {
                assert_compares(&ColumnKind::BigInt, stored, &Decimal::from(stored), &number);
            }
        }

        #[test]
        fn floats_compare_as_the_numbers_they_print_as(bits in any::<u64>(), step in -2..=2i64, tail in "[0-9]{0,30}") {
            let (stored, beside) = (f64::from_bits(bits), f64::from_bits(bits.wrapping_add_signed(step)));
            if stored.is_finite() && beside.is_finite() {
                let printed = Float::nearest(&ColumnKind::Double, &decimal(&format!("{stored:e}"))).decimal;
                for number in near(beside, &tail) {
                    assert_compares(&ColumnKind::Double, stored, &printed, &number);
                }
            }
            let bits = (bits >> 32) as u32;
            let (stored, beside) = (f32::from_bits(bits), f32::from_bits(bits.wrapping_add_signed(step as i32)));
            if stored.is_finite() && beside.is_finite() {
                let printed = Float::nearest(&ColumnKind::Real, &decimal(&format!("{stored:e}"))).decimal;
                for number in near(beside, &tail) {
                    assert_compares(&ColumnKind::Real, stored, &printed, &number);
                }
            }
        }
    }
}
