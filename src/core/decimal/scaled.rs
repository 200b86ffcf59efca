//! Whole parts of numbers in another unit.

use super::Number;

impl Number<'_> {
    /// The greatest whole number that is not above this one times 10^`power`, for a power of at most 8. `None` if that
    /// does not fit into `i64`.
    #[must_use]
    pub fn floor_scaled(self, power: u32) -> Option<i64> {
        /// Digits before this weight make a number that is too large; 10000^5 is 10^20.
        const HIGHEST: i32 = 4;
        /// Digits up to this weight count 10^-8 at least. What follows them is less than a whole in any unit.
        const LOWEST: i32 = -2;
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.weight > HIGHEST {
            return None;
        }
        let mut units: i128 = 0;
        let (mut weight, mut digits) = (HIGHEST, self.digits.iter());
        // Digits that a small number does not have are zeros.
        while weight >= LOWEST {
            let digit = if weight > self.weight { None } else { digits.next() };
            units = units * 10_000 + digit.map_or(0, |digit| i128::from(u16::from_ne_bytes(*digit)));
            weight -= 1;
        }
        let has_rest = digits.next().is_some();
        let whole = 10_i128.pow(8 - power.min(8));
        let scaled = match self.negative {
            false => units / whole,
            true if has_rest || units % whole != 0 => -(units / whole) - 1,
            true => -(units / whole),
        };
        i64::try_from(scaled).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decimal;
    use proptest::prelude::*;

    fn floor(text: &str, power: u32) -> Option<i64> {
        Decimal::parse(text).unwrap().as_number().floor_scaled(power)
    }

    #[test]
    fn fractions_count_down_to_the_unit() {
        for (text, power, expected) in [
            ("0", 3, 0),
            ("1704067200", 6, 1_704_067_200_000_000),
            ("1704067200000.5", 3, 1_704_067_200_000_500),
            ("0.0019", 3, 1),
            ("-0.0019", 3, -2),
            ("-0.001", 3, -1),
            ("-1e-300", 3, -1),
            ("1e-300", 6, 0),
            ("-0.00000001", 8, -1),
            ("-0.000000011", 8, -2),
            ("9999.99999999", 8, 999_999_999_999),
            ("9223372036854775807", 0, i64::MAX),
            ("-9223372036854775808", 0, i64::MIN),
            ("-9223372036854775807.5", 0, i64::MIN),
        ] {
            assert_eq!(floor(text, power), Some(expected), "{text} {power}");
        }
        for (text, power) in
            [("9223372036854775808", 0), ("9223372036854775.808", 3), ("1e400", 6), ("-1e131071", 3), ("1e20", 0)]
        {
            assert_eq!(floor(text, power), None, "{text} {power}");
        }
    }

    proptest! {
        #[test]
        fn the_floor_is_next_below(text in "-?[1-9][0-9]{0,17}(\\.[0-9]{1,12})?(e-?[0-9]{1,2})?", power in 0..9u32) {
            let number = Decimal::parse(&text).unwrap();
            let scaled = |whole: i128| Decimal::parse(&format!("{whole}e-{power}")).unwrap();
            match floor(&text, power) {
                Some(whole) => {
                    prop_assert!(scaled(whole.into()) <= number && number < scaled(i128::from(whole) + 1));
                }
                None => {
                    let is_inside = scaled(i64::MIN.into()) <= number && number < scaled(i128::from(i64::MAX) + 1);
                    prop_assert!(!is_inside);
                }
            }
        }
    }
}
