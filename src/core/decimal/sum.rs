//! Exact sums, and products with whole numbers.

use super::{Decimal, Digit, MAX_FRACTION_DIGITS, Number};

/// The weight of the first digit of the largest number that `numeric` holds. A stored number with a higher weight is
/// one of the infinities.
const HIGHEST: i32 = 32_767;

/// A sum of stored numbers. Nothing is rounded, whatever the numbers are and in whatever order they come.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// The weight of the first lane
    lowest: i32,
    /// The sums of digits of one weight, the lowest first, without carries
    lanes: Vec<i64>,
    /// Whether infinity and minus infinity are among the numbers
    infinities: [bool; 2],
}

/// The value of a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// A number that `numeric` holds
    Number(Decimal),
    /// More than any number or, if true, less
    Beyond(bool),
    /// Infinity and minus infinity together have no sum
    Undefined,
}

impl Sum {
    /// Adds a number.
    pub fn add(&mut self, number: Number<'_>) {
        if number.weight > HIGHEST {
            self.infinities[usize::from(number.negative)] = true;
            return;
        }
        let Some(rest) = number.digits.len().checked_sub(1) else { return };
        // A number has some thousands of digits at most.
        let lowest = number.weight - rest as i32;
        self.cover(lowest, number.weight);
        let first = (lowest - self.lowest) as usize;
        for (lane, digit) in self.lanes[first..].iter_mut().zip(number.digits.iter().rev()) {
            let digit = i64::from(u16::from_ne_bytes(*digit));
            *lane += if number.negative { -digit } else { digit };
        }
    }

    /// The value of the sum. The sum of no numbers is 0.
    #[must_use]
    pub fn total(&self) -> Total {
        match self.infinities {
            [true, true] => Total::Undefined,
            [true, false] => Total::Beyond(false),
            [false, true] => Total::Beyond(true),
            [false, false] => match carried(self.lowest, &self.lanes) {
                past if past.weight > HIGHEST => Total::Beyond(past.negative),
                number => Total::Number(number),
            },
        }
    }

    /// Makes room for digits of these weights.
    fn cover(&mut self, lowest: i32, highest: i32) {
        if self.lanes.is_empty() {
            self.lowest = lowest;
        }
        let missing = usize::try_from(self.lowest - lowest).unwrap_or(0);
        self.lanes.splice(..0, std::iter::repeat_n(0, missing));
        self.lowest = self.lowest.min(lowest);
        let lanes = usize::try_from(highest - self.lowest).unwrap_or(0) + 1;
        self.lanes.resize(lanes.max(self.lanes.len()), 0);
    }
}

impl Decimal {
    /// The number times 10^-12; `None` if it may then have more digits after the point than `numeric` has.
    #[must_use]
    pub fn trillionth(&self) -> Option<Decimal> {
        let shifted = Decimal { weight: self.weight - 3, ..self.clone() };
        let last = shifted.weight - self.digits.len().saturating_sub(1) as i32;
        (self.digits.is_empty() || i64::from(last) * -4 <= MAX_FRACTION_DIGITS).then_some(shifted)
    }

    /// The number times a whole number.
    #[must_use]
    pub fn times(&self, factor: u32) -> Decimal {
        let Some(rest) = self.digits.len().checked_sub(1) else { return self.clone() };
        let factor = if self.negative { -i64::from(factor) } else { i64::from(factor) };
        let lanes: Vec<i64> =
            self.digits.iter().rev().map(|digit| factor * i64::from(u16::from_ne_bytes(*digit))).collect();
        carried(self.weight - rest as i32, &lanes)
    }
}

/// The number whose digits, the lowest first, are these sums.
fn carried(lowest: i32, lanes: &[i64]) -> Decimal {
    let mut carry = 0;
    let mut digits: Vec<i64> = Vec::with_capacity(lanes.len() + 2);
    let mut carry_into = |lane: i64, digits: &mut Vec<i64>| {
        let value = lane + carry;
        digits.push(value.rem_euclid(10_000));
        carry = value.div_euclid(10_000);
        carry
    };
    let mut last = 0;
    for lane in lanes {
        last = carry_into(*lane, &mut digits);
    }
    while last != 0 && last != -1 {
        last = carry_into(0, &mut digits);
    }
    let negative = last == -1;
    if negative {
        // The digits are those of 10000^n less the number's.
        let mut borrowed = 0;
        for digit in &mut digits {
            let value = -*digit - borrowed;
            *digit = value.rem_euclid(10_000);
            borrowed = i64::from(value < 0);
        }
        digits.push(1 - borrowed);
    }
    let digits: Vec<Digit> = digits.iter().rev().map(|digit| (*digit as u16).to_ne_bytes()).collect();
    Number::new(negative, lowest + digits.len() as i32 - 1, &digits).to_decimal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    fn sum(texts: &[&str]) -> Total {
        let mut sum = Sum::default();
        texts.iter().for_each(|text| sum.add(decimal(text).as_number()));
        sum.total()
    }

    #[test]
    fn sums_are_exact() {
        for (texts, expected) in [
            (&[][..], "0"),
            (&["0", "-0"], "0"),
            (&["0.1", "0.2"], "0.3"),
            (&["1e20", "1", "-1e20"], "1"),
            (&["-1", "-9999"], "-10000"),
            (&["10000", "-1"], "9999"),
            (&["1", "-10000"], "-9999"),
            (&["-10000", "-10000"], "-20000"),
            (&["9007199254740993", "-9007199254740992"], "1"),
            (&["1e-300", "1e300", "-1e300"], "1e-300"),
            (&["5", "-5"], "0"),
            (&["9999.9999", "0.0001"], "10000"),
        ] {
            assert_eq!(sum(texts), Total::Number(decimal(expected)), "{texts:?}");
        }
    }

    #[test]
    fn past_the_range_of_numeric_there_is_no_number() {
        assert_eq!(sum(&["9e131071", "9e131071"]), Total::Beyond(false));
        assert_eq!(sum(&["-9e131071", "-9e131071"]), Total::Beyond(true));
        // Only the result counts.
        assert_eq!(sum(&["9e131071", "9e131071", "-9e131071"]), Total::Number(decimal("9e131071")));
    }

    #[test]
    fn infinities_are_beyond_every_number() {
        let digits = [1u16.to_ne_bytes()];
        let infinity = |negative| Number::new(negative, i32::MAX, &digits);
        let mut sum = Sum::default();
        sum.add(decimal("-5").as_number());
        sum.add(infinity(false));
        assert_eq!(sum.total(), Total::Beyond(false));
        sum.add(infinity(true));
        assert_eq!(sum.total(), Total::Undefined);
    }

    #[test]
    fn trillionths_are_exact() {
        for (text, expected) in [("0", "0"), ("5", "5e-12"), ("-12345.678", "-1.2345678e-8"), ("1e131071", "1e131059")]
        {
            assert_eq!(decimal(text).trillionth(), Some(decimal(expected)), "{text}");
        }
        assert_eq!(decimal("1e-16368").trillionth(), Some(decimal("1e-16380")));
        assert_eq!(decimal("1e-16372").trillionth(), None);
    }

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_integers(
            numbers in prop::collection::vec(-1_000_000_000_000_000i64..1_000_000_000_000_000, 0..20),
            scale in 0..9u32,
            factor in 0..5_000_000u32,
        ) {
            let scaled = |number: i128| decimal(&format!("{number}e-{scale}"));
            let mut sum = Sum::default();
            numbers.iter().for_each(|number| sum.add(scaled((*number).into()).as_number()));
            let expected: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
            prop_assert_eq!(sum.total(), Total::Number(scaled(expected)));
            prop_assert_eq!(scaled(expected).times(factor), scaled(expected * i128::from(factor)));
        }
    }
}
