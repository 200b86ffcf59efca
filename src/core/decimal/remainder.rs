//! The remainder of a division.

use super::Number;

/// The largest weight of a number; infinity has a larger one.
const GREATEST_WEIGHT: i32 = (super::MAX_INTEGER_DIGITS / 4) as i32;

impl Number<'_> {
    /// The remainder of the number's integral part, with the sign of the number; `None` for infinity.
    ///
    /// The divisor must not be 0.
    #[must_use]
    pub fn remainder(self, divisor: i64) -> Option<i64> {
        if self.weight > GREATEST_WEIGHT {
            return None;
        }
        let divisor = u128::from(divisor.unsigned_abs());
        // The digits of the integral part; digits that are not stored are zeros.
        let digits = (0..=self.weight).map(|index| {
            let kept = self.digits.get(index as usize);
            u128::from(kept.map_or(0, |digit| u16::from_ne_bytes(*digit)))
        });
        let magnitude = digits.fold(0, |rest, digit| (rest * 10_000 + digit) % divisor);
        // The remainder is less than the divisor, which is at most 2^63.
        let magnitude = i64::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use crate::decimal::Decimal;
    use crate::row::Cell;
    use proptest::prelude::*;

    #[test]
    fn remainders_have_the_sign_of_the_dividend() {
        for (number, divisor, expected) in [
            ("5", 4, 1),
            ("-5", 4, -1),
            ("5", -4, 1),
            ("5.99", 4, 1),
            ("-5.99", 4, -1),
            ("0.5", 4, 0),
            ("1e-7", 4, 0),
            ("0", 4, 0),
            ("1e20", 7, 2),
            ("123456789012345678901234567890", 10_007, 12),
            ("-9223372036854775808", i64::MIN, 0),
            ("-9223372036854775807", i64::MIN, -9_223_372_036_854_775_807),
        ] {
            let number = Decimal::parse(number).unwrap();
            assert_eq!(number.as_number().remainder(divisor), Some(expected), "{number} {divisor}");
        }
        let Cell::Number(infinity) = Cell::infinity(true) else { panic!("infinity is a number") };
        assert_eq!(infinity.remainder(3), None);
    }

    proptest! {
        #[test]
        fn integers_have_the_remainders_of_the_machine(number: i64, divisor: i64, tail in "(\\.[0-9]{1,6})?") {
            prop_assume!(divisor != 0);
            let written = Decimal::parse(&format!("{number}{tail}")).unwrap();
            prop_assert_eq!(written.as_number().remainder(divisor), Some(number.wrapping_rem(divisor)));
        }
    }
}
