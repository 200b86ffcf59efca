//! Exact decimal numbers, stored in the digits that Postgres uses.
//!
//! A number is a sign, a weight and base-10,000 digits, as in Postgres's `numeric` (`src/backend/utils/adt/numeric.c`):
//! the value is Σ dᵢ · 10000^(weight − i). So an operand is compared with the bytes of a stored number in place. The
//! comparison is exact at any size, and never goes through `f64`.

mod rank;
mod remainder;
mod scaled;
mod sum;

pub use rank::{Rank, Ranked, RankedDecimal};
pub use sum::{Sum, Total};

use std::cmp::Ordering;
use std::fmt;

/// The most digits before the decimal point, as in `numeric`. Longer numbers are refused.
pub const MAX_INTEGER_DIGITS: i64 = 131_072;
/// The most digits after the decimal point, as in `numeric`. Longer numbers are refused.
pub const MAX_FRACTION_DIGITS: i64 = 16_383;

/// One base-10,000 digit in the machine's byte order. It is an array of bytes, because stored digits need not be
/// aligned.
pub type Digit = [u8; 2];

/// A number that borrows its digits from a document.
#[derive(Clone, Copy, Debug)]
pub struct Number<'d> {
    negative: bool,
    weight: i32,
    digits: &'d [Digit],
}

/// A number that owns its digits, for conditions. Equality compares values: `1`, `1.0` and `1e0` are equal.
#[derive(Clone, Debug)]
pub struct Decimal {
    negative: bool,
    weight: i32,
    digits: Vec<Digit>,
}

impl<'d> Number<'d> {
    /// Makes a number from its sign, the weight of its first digit, and its digits. Zeros at either end are trimmed.
    #[must_use]
    pub fn new(negative: bool, weight: i32, digits: &'d [Digit]) -> Self {
        let leading = digits.iter().take_while(|d| **d == [0, 0]).count();
        let trailing = digits[leading..].iter().rev().take_while(|d| **d == [0, 0]).count();
        let digits = &digits[leading..digits.len() - trailing];
        if digits.is_empty() {
            return Number { negative: false, weight: 0, digits };
        }
        Number { negative, weight: weight.saturating_sub_unsigned(leading as u32), digits }
    }

    /// Whether it is less than zero.
    pub(crate) fn is_negative(self) -> bool {
        self.negative
    }

    /// The weight of the first digit; 0 for zero.
    pub(crate) fn weight(self) -> i32 {
        self.weight
    }

    /// The digits, without zeros at either end.
    pub(crate) fn digits(self) -> &'d [Digit] {
        self.digits
    }

    /// The number as an owned [`Decimal`].
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal { negative: self.negative, weight: self.weight, digits: self.digits.to_vec() }
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
        }
    }
}

impl Number<'_> {
    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        self.weight.cmp(&other.weight).then_with(|| {
            let left = self.digits.iter().map(|d| u16::from_ne_bytes(*d));
            left.cmp(other.digits.iter().map(|d| u16::from_ne_bytes(*d)))
        })
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number<'_> {}

impl Decimal {
    /// Reads a JSON number. Returns `None` if the text is no number, or one that `numeric` cannot hold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if integer.is_empty() || !all_digits(integer) || !all_digits(fraction) {
            return None;
        }
        let decimals: Vec<u8> = integer.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        // The power of ten of the first decimal digit.
        let first_power = i64::try_from(integer.len()).ok()? - 1 + exponent;
        from_decimals(negative, first_power, &decimals)
    }

    /// The same number, borrowed.
    #[must_use]
    pub fn as_number(&self) -> Number<'_> {
        Number { negative: self.negative, weight: self.weight, digits: &self.digits }
    }

    /// The value as `i64`; `None` if it is not a whole number, or does not fit.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.to_string().parse().ok()
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Decimal::parse(&value.to_string()).expect("an integer's digits are a JSON number")
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The exponent saturates: the number is then zero, or out of range, which `from_decimals` finds.
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// Builds a number from base-10 digits. The first digit counts 10^`first_power`.
fn from_decimals(negative: bool, first_power: i64, decimals: &[u8]) -> Option<Decimal> {
    let leading = decimals.iter().take_while(|d| **d == 0).count();
    let trailing = decimals[leading..].iter().rev().take_while(|d| **d == 0).count();
    let decimals = &decimals[leading..decimals.len() - trailing];
    if decimals.is_empty() {
        return Some(Decimal { negative: false, weight: 0, digits: Vec::new() });
    }
    let first_power = first_power - i64::try_from(leading).ok()?;
    let last_power = first_power - i64::try_from(decimals.len()).ok()? + 1;
    if first_power >= MAX_INTEGER_DIGITS || -last_power > MAX_FRACTION_DIGITS {
        return None;
    }
    let weight = first_power.div_euclid(4);
    let padding = usize::try_from(3 - first_power.rem_euclid(4)).ok()?;
    let padded: Vec<u8> = std::iter::repeat_n(0, padding).chain(decimals.iter().copied()).collect();
    let digits = padded
        .chunks(4)
        .map(|chunk| {
            let value = (0..4).fold(0u16, |acc, i| acc * 10 + u16::from(chunk.get(i).copied().unwrap_or(0)));
            value.to_ne_bytes()
        })
        .collect();
    Some(Decimal { negative, weight: i32::try_from(weight).ok()?, digits })
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.as_number() == other.as_number()
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_number().cmp(&other.as_number())
    }
}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.negative, self.weight, &self.digits).hash(state);
    }
}

/// Writes canonical JSON: plain digits, or scientific notation where plain digits would need more than 40 zeros as
/// padding.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let padded: String = self.digits.iter().map(|d| format!("{:04}", u16::from_ne_bytes(*d))).collect();
        let significant = padded.trim_start_matches('0');
        let first_power = i64::from(self.weight) * 4 + 3 - (padded.len() - significant.len()) as i64;
        let significant = significant.trim_end_matches('0');
        let last_power = first_power - significant.len() as i64 + 1;
        if self.negative {
            f.write_str("-")?;
        }
        let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
        if (0..=40).contains(&last_power) {
            write!(f, "{significant}{}", zeros(last_power))
        } else if last_power > 40 || first_power < -40 {
            let (head, tail) = significant.split_at(1);
            let point = if tail.is_empty() { "" } else { "." };
            write!(f, "{head}{point}{tail}e{first_power}")
        } else if first_power >= 0 {
            let (integer, fraction) = significant.split_at(usize::try_from(first_power).unwrap_or(0) + 1);
            write!(f, "{integer}.{fraction}")
        } else {
            write!(f, "0.{}{significant}", zeros(-first_power - 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        for (left, right) in
            [("1", "1.0"), ("1", "1e0"), ("100", "1E+2"), ("0.5", "5e-1"), ("-0", "0"), ("0e999999", "0.00")]
        {
            assert_eq!(decimal(left), decimal(right), "{left} {right}");
        }
    }

    #[test]
    fn order_is_exact_beyond_f64() {
        let ascending = [
            "-1e300",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1",
            "-0.0001",
            "0",
            "1e-300",
            "0.0001",
            "0.00011",
            "0.1",
            "1",
            "1.0000000000000000000001",
            "9999",
            "10000",
            "10000.5",
            "9007199254740992",
            "9007199254740993",
            "1e300",
        ];
        for pair in ascending.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in [
            "0",
            "1",
            "-1",
            "10000",
            "12345.678",
            "0.00012",
            "-0.5",
            "9007199254740993",
            "1e50",
            "1.25e-60",
            "100000000",
        ] {
            assert_eq!(decimal(text).to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_number_or_does_not_fit_numeric() {
        for text in [
            "",
            "-",
            "abc",
            "1e",
            "1e+",
            ".5",
            "1.5.5",
            "0x10",
            "1e131072",
            "1e-16384",
            "NaN",
            "1e99999999999999999999",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn trims_zeros_of_stored_digits() {
        let digits = [[0, 0], 7u16.to_ne_bytes(), [0, 0]];
        assert_eq!(Number::new(false, 1, &digits), decimal("7").as_number());
        assert_eq!(Number::new(true, 1, &digits[..1]), decimal("0").as_number());
    }
}
