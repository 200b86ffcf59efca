//! Numbers as integers in a unit: 12.5 is 1250 hundredths.

use crate::decimal::{Digit, Number};

/// The smallest unit: 10^-8. [`Number::floor_scaled`] knows no smaller one.
pub(super) const MAX_SCALE: u32 = 8;

/// How many units of 10^-`scale` the number is; `None` if they are not a whole number of 64 bits.
pub(super) fn units(number: Number<'_>, scale: u32) -> Option<i64> {
    let units = number.floor_scaled(scale)?;
    (Units::new(units, scale).as_number() == number).then_some(units)
}

/// The scale at which most of the numbers are whole.
pub(super) fn best_scale<'d>(numbers: impl Iterator<Item = Number<'d>>) -> u32 {
    let mut fitting = [0u32; MAX_SCALE as usize + 1];
    for number in numbers {
        for scale in 0..=MAX_SCALE {
            fitting[scale as usize] += u32::from(units(number, scale).is_some());
        }
    }
    // The smallest of the best ones, so that the integers are small.
    (0..=MAX_SCALE).rev().max_by_key(|scale| fitting[*scale as usize]).unwrap_or(0)
}

/// A number of units, in the digits that a [`Number`] borrows.
pub(super) struct Units {
    negative: bool,
    weight: i32,
    digits: [Digit; DIGITS],
}

/// 64 bits are up to 19 decimal digits, and three zeros at most are appended to them.
const DIGITS: usize = 6;

impl Units {
    /// Makes the number. `scale` must be at most [`MAX_SCALE`].
    pub(super) fn new(units: i64, scale: u32) -> Self {
        let zeros = (4 - scale % 4) % 4;
        let all = u128::from(units.unsigned_abs()) * 10_u128.pow(zeros);
        // Without its last digit it fits into 64 bits, whose division is many times as fast.
        let (mut rest, last) = match u64::try_from(all) {
            Ok(all) => (all / 10_000, all % 10_000),
            Err(_) => ((all / 10_000) as u64, (all % 10_000) as u64),
        };
        let mut digits = [[0; 2]; DIGITS];
        digits[DIGITS - 1] = (last as u16).to_ne_bytes();
        for digit in digits[..DIGITS - 1].iter_mut().rev() {
            *digit = ((rest % 10_000) as u16).to_ne_bytes();
            rest /= 10_000;
        }
        let weight = DIGITS as i32 - 1 - (scale + zeros) as i32 / 4;
        Units { negative: units < 0, weight, digits }
    }

    pub(super) fn as_number(&self) -> Number<'_> {
        Number::new(self.negative, self.weight, &self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Decimal;

    #[test]
    fn units_are_the_number_again() {
        for (text, scale, expected) in [
            ("0", 0, Some(0)),
            ("12.5", 0, None),
            ("12.5", 1, Some(125)),
            ("12.5", 2, Some(1_250)),
            ("-0.00000001", 8, Some(-1)),
            ("-0.000000011", 8, None),
            ("9223372036854775807", 0, Some(i64::MAX)),
            ("-9223372036854775808", 0, Some(i64::MIN)),
            ("9223372036854775808", 0, None),
            ("1e18", 1, None),
            ("1e60", 0, None),
        ] {
            let number = Decimal::parse(text).unwrap();
            assert_eq!(units(number.as_number(), scale), expected, "{text} {scale}");
            if let Some(expected) = expected {
                assert_eq!(Units::new(expected, scale).as_number(), number.as_number(), "{text} {scale}");
            }
        }
    }

    #[test]
    fn the_best_scale_fits_most_numbers_in_the_largest_unit() {
        for (texts, scale) in [
            (&["1", "2", "3"][..], 0),
            (&["1", "2.5", "1e60"], 1),
            (&["0.99", "5", "1.250000001"], 2),
            (&["1e18", "2e18", "0.1"], 0),
            (&[], 0),
        ] {
            let numbers: Vec<Decimal> = texts.iter().map(|text| Decimal::parse(text).unwrap()).collect();
            assert_eq!(best_scale(numbers.iter().map(Decimal::as_number)), scale, "{texts:?}");
        }
    }
}
