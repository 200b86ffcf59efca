//! Ordered comparisons with many bounds at once: the place of a value among the bounds tells which comparisons hold.

use super::sets::{Set, Sets, insert};
use crate::ast::Comparison;
use crate::date::DateRange;
use crate::decimal::{Ranked, RankedDecimal};
use std::cmp::Ordering;

/// A bound that stored values are compared with.
pub(super) trait Bound: Ord {
    /// A stored value
    type Stored<'v>: Copy;

    /// Compares the stored value with the bound.
    fn order(&self, stored: Self::Stored<'_>) -> Ordering;
    /// A number that is never smaller for a larger bound.
    fn rank(&self) -> u64;
    /// The same number for a stored value.
    fn rank_of(stored: Self::Stored<'_>) -> u64;
}

impl Bound for RankedDecimal {
    type Stored<'v> = Ranked<'v>;

    fn order(&self, stored: Ranked<'_>) -> Ordering {
        RankedDecimal::order(self, stored)
    }

    fn rank(&self) -> u64 {
        RankedDecimal::rank(self).word()
    }

    fn rank_of(stored: Ranked<'_>) -> u64 {
        stored.rank.word()
    }
}

impl Bound for String {
    type Stored<'v> = &'v [u8];

    fn order(&self, stored: &[u8]) -> Ordering {
        stored.cmp(self.as_bytes())
    }

    fn rank(&self) -> u64 {
        Self::rank_of(self.as_bytes())
    }

    /// The first eight bytes.
    fn rank_of(stored: &[u8]) -> u64 {
        let mut head = [0; 8];
        let length = stored.len().min(8);
        head[..length].copy_from_slice(&stored[..length]);
        u64::from_be_bytes(head)
    }
}

/// Days and instants, as numbers.
impl Bound for i64 {
    type Stored<'v> = i64;

    fn order(&self, stored: i64) -> Ordering {
        stored.cmp(self)
    }

    fn rank(&self) -> u64 {
        Self::rank_of(*self)
    }

    fn rank_of(stored: i64) -> u64 {
        stored.cast_unsigned() ^ 1 << 63
    }
}

/// The comparisons in one place and one direction, the easiest to satisfy first. A value satisfies the first of them up
/// to some number.
#[derive(Debug)]
pub(super) struct Bounds<B> {
    pub(super) place: u8,
    is_upward: bool,
    /// The rank of each different bound, ascending; complemented if the bounds descend
    ranks: Vec<u64>,
    bounds: Vec<(Comparison, B)>,
    /// For each different bound, the number of conditions of this bound and all bounds before it
    ends: Vec<u32>,
    /// Where the list of the bounds' conditions starts among the sparse sets. A value satisfies a part of the list
    conditions: u32,
    /// The dense sets of the conditions up to every so many of the list
    checkpoints: Vec<u32>,
    stride_bits: u32,
}

impl<B: Bound> Bounds<B> {
    /// Builds all comparisons in one place, in both directions. `base` are the conditions that any value satisfies
    /// there; without it, lists serve the place better.
    pub(super) fn build(
        place: u8,
        comparisons: Vec<(Comparison, B, u32)>,
        base: Option<&[u64]>,
        sets: &mut Sets,
    ) -> impl Iterator<Item = Self> {
        let is_upward = |comparison| matches!(comparison, Comparison::Gt | Comparison::Gte);
        let (up, down): (Vec<_>, Vec<_>) = comparisons.into_iter().partition(|(comparison, ..)| is_upward(*comparison));
        let lists = [(true, up), (false, down)].map(|(is_upward, mut list)| {
            list.sort_by(|left, right| {
                let strict = |comparison| matches!(comparison, Comparison::Gt | Comparison::Lt);
                let order = if is_upward { left.1.cmp(&right.1) } else { right.1.cmp(&left.1) };
                order.then(strict(left.0).cmp(&strict(right.0)))
            });
            (!list.is_empty()).then(|| Self::list(place, is_upward, list, base, sets))
        });
        lists.into_iter().flatten()
    }

    fn list(
        place: u8,
        is_upward: bool,
        list: Vec<(Comparison, B, u32)>,
        base: Option<&[u64]>,
        sets: &mut Sets,
    ) -> Self {
        let stride_bits = sets.most_toggled().ilog2();
        let mut checkpoints = Vec::new();
        let conditions: Vec<u32> = list.iter().map(|(.., condition)| *condition).collect();
        if let Some(base) = base {
            let mut bits = base.to_vec();
            for chunk in conditions.chunks_exact(1 << stride_bits) {
                chunk.iter().for_each(|condition| insert(&mut bits, *condition));
                checkpoints.push(sets.add_bits(&bits));
            }
        }
        let (mut ranks, mut bounds, mut ends) = (Vec::new(), Vec::<(Comparison, B)>::new(), Vec::new());
        for (end, (comparison, bound, _)) in (1..).zip(list) {
            if bounds.last().is_some_and(|last| last.0 == comparison && last.1 == bound) {
                ends.pop();
            } else {
                ranks.push(turn(is_upward, bound.rank()));
                bounds.push((comparison, bound));
            }
            ends.push(end);
        }
        let (conditions, _) = sets.add_list(&conditions);
        Bounds { place, is_upward, ranks, bounds, ends, conditions, checkpoints, stride_bits }
    }

    /// The sets whose union is the conditions that the stored value satisfies: one for the bounds up to a checkpoint,
    /// and one for the bounds after it.
    #[inline]
    pub(super) fn satisfied(&self, stored: B::Stored<'_>) -> [Option<Set>; 2] {
        let rank = turn(self.is_upward, B::rank_of(stored));
        let before = self.ranks.partition_point(|other| *other < rank);
        let tied = &self.bounds[before..][..tied(&self.ranks[before..], rank)];
        let count = before + tied.partition_point(|(comparison, bound)| comparison.accepts(bound.order(stored)));
        let Some(last) = count.checked_sub(1) else { return [None, None] };
        let conditions = self.ends[last];
        let strides = (conditions >> self.stride_bits).min(self.checkpoints.len() as u32);
        let after = strides << self.stride_bits;
        let so_far = strides.checked_sub(1).map(|last| Set::Dense(self.checkpoints[last as usize]));
        let rest = Set::Sparse { from: self.conditions + after, len: conditions - after };
        [so_far, (conditions > after).then_some(rest)]
    }
}

/// The comparison with a date, for stored days.
pub(super) fn of_day(comparison: Comparison, range: &DateRange) -> (Comparison, i64) {
    (comparison, comparison.day_of(range).epoch_days().into())
}

/// The comparison with a date, for stored instants.
pub(super) fn of_instants(comparison: Comparison, range: &DateRange) -> (Comparison, i64) {
    let (from, until) = (range.from().micros(), range.until().micros());
    match comparison {
        Comparison::Gt => (Comparison::Gte, until),
        Comparison::Gte => (Comparison::Gte, from),
        Comparison::Lt => (Comparison::Lt, from),
        Comparison::Lte => (Comparison::Lt, until),
    }
}

/// The number of ranks that are equal to `rank`, which is mostly 0 or 1. The ranks are ascending, and none is smaller
/// than `rank`.
#[inline]
pub(super) fn tied(ranks: &[u64], rank: u64) -> usize {
    match ranks {
        [first, second, ..] if *first == rank && *second == rank => ranks.partition_point(|other| *other == rank),
        [first, ..] => usize::from(*first == rank),
        [] => 0,
    }
}

fn turn(is_upward: bool, rank: u64) -> u64 {
    if is_upward { rank } else { !rank }
}
