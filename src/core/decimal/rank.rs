//! Ranks of numbers: one machine word for each, for sorting and hashing.

use super::{Decimal, Number};
use std::cmp::Ordering;

/// The order of a number among others, from its sign, its weight and its first three digits (9 to 12 decimal digits).
///
/// A smaller number never has a higher rank, and equal numbers have the same rank. Different numbers may have the same
/// rank, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(u64);

const ZERO: u64 = 1 << 63;

impl Rank {
    /// The rank as an integer in the same order.
    #[must_use]
    pub fn word(self) -> u64 {
        self.0
    }
}

impl Number<'_> {
    /// The number's rank.
    #[inline]
    #[must_use]
    pub fn rank(self) -> Rank {
        let [first, ..] = self.digits else { return Rank(ZERO) };
        let digit = |index: usize| u64::from(self.digits.get(index).map_or(0, |digit| u16::from_ne_bytes(*digit)));
        if self.weight > 32_767 {
            // Only the infinities of `numeric` have such a weight.
            return Rank(if self.negative { 0 } else { u64::MAX });
        }
        let weight = (i64::from(self.weight).max(-32_768) + 32_768) as u64;
        // 16 bits of weight, then three digits of 14 bits each.
        let magnitude = weight << 42 | u64::from(u16::from_ne_bytes(*first)) << 28 | digit(1) << 14 | digit(2);
        Rank(if self.negative { ZERO - 1 - magnitude } else { ZERO + 1 + magnitude })
    }
}

/// A number together with its rank.
#[derive(Clone, Copy, Debug)]
pub struct Ranked<'d> {
    /// The rank
    pub rank: Rank,
    /// The number
    pub number: Number<'d>,
}

impl<'d> From<Number<'d>> for Ranked<'d> {
    fn from(number: Number<'d>) -> Self {
        Ranked { rank: number.rank(), number }
    }
}

/// An operand together with its rank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RankedDecimal {
    rank: Rank,
    decimal: Decimal,
}

impl From<Decimal> for RankedDecimal {
    fn from(decimal: Decimal) -> Self {
        RankedDecimal { rank: decimal.as_number().rank(), decimal }
    }
}

impl RankedDecimal {
    /// Compares a stored number with this one.
    #[inline]
    #[must_use]
    pub fn order(&self, stored: Ranked<'_>) -> Ordering {
        stored.rank.cmp(&self.rank).then_with(|| stored.number.cmp(&self.decimal.as_number()))
    }

    /// The rank.
    #[must_use]
    pub fn rank(&self) -> Rank {
        self.rank
    }
}

impl Ord for RankedDecimal {
    fn cmp(&self, other: &Self) -> Ordering {
        other.order(Ranked { rank: self.rank, number: self.decimal.as_number() })
    }
}

impl PartialOrd for RankedDecimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_order_of_numbers() {
        let ascending = [
            "-1e100000",
            "-1e300",
            "-12345678901234567890",
            "-10000",
            "-9999.5",
            "-9999",
            "-1.5",
            "-1",
            "-1e-10000",
            "0",
            "1e-10000",
            "0.0001",
            "1",
            "1.00000000000000001",
            "1.5",
            "9999",
            "10000",
            "123456789012",
            "123456789013",
            "1e300",
            "1e100000",
        ];
        let numbers: Vec<Decimal> = ascending.iter().map(|text| Decimal::parse(text).unwrap()).collect();
        for (left, right) in numbers.iter().flat_map(|left| numbers.iter().map(move |right| (left, right))) {
            let (from, to) = (left.as_number().rank(), right.as_number().rank());
            assert!(left > right || from <= to, "{left} {right}");
            assert_eq!(RankedDecimal::from(left.clone()).cmp(&right.clone().into()), left.cmp(right));
        }
        assert!(numbers[16].as_number().rank() < numbers[17].as_number().rank());
        assert_eq!(Decimal::parse("1.50").unwrap().as_number().rank(), numbers[14].as_number().rank());
    }
}
