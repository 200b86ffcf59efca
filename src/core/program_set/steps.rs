//! The conditions that a value leaves alive which is compared with bounds.
//!
//! All values between one bound and the next satisfy the same comparisons. For each such step, and for each bound
//! itself, the conditions that a value there leaves alive are worked out beforehand, whatever number of clauses with
//! bounds they have.

use super::PLACES;
use super::bounds::{Bound, tied};
use super::places::{Members, bit};
use super::sets::{Mask, Sets, contains, remove, toggle};
use crate::ast::Comparison;
use std::collections::BTreeMap;

/// The conditions that values between bounds, and at them, leave alive.
#[derive(Debug)]
pub(super) struct Steps<B> {
    /// The ranks of the different bounds, ascending; the bounds themselves follow
    ranks: Vec<u64>,
    bounds: Vec<B>,
    /// For each position, the number of conditions toggled since the first position. Position 2n is below bound n, and
    /// 2n + 1 is at it
    toggles: Vec<u32>,
    /// Where the list of toggled conditions starts among the sparse sets
    conditions: u32,
    /// The dense sets of what is alive after every 2^`stride_bits` toggles
    checkpoints: Vec<u32>,
    stride_bits: u32,
}

impl<B: Bound + Clone> Steps<B> {
    /// Builds the steps. `base` are the conditions that the other families may leave alive.
    pub(super) fn build(
        comparisons: &[(Comparison, B, u8, u32)],
        members: &Members,
        base: &[u64],
        sets: &mut Sets,
    ) -> Self {
        let mut bounds: Vec<B> = comparisons.iter().map(|(_, bound, ..)| bound.clone()).collect();
        bounds.sort();
        bounds.dedup_by(|left, right| left.cmp(&right).is_eq());
        let end = 2 * bounds.len() + 1;
        // For each condition, the positions where a clause in a place begins to hold, or ceases to hold.
        let mut by_condition: BTreeMap<u32, Vec<(usize, i32, u8)>> = BTreeMap::new();
        for (comparison, bound, place, condition) in comparisons.iter().filter(|(.., one)| contains(base, *one)) {
            let at = 2 * bounds.partition_point(|other| other < bound) + 1;
            let positions = match comparison {
                Comparison::Gt => at + 1..end,
                Comparison::Gte => at..end,
                Comparison::Lt => 0..at,
                Comparison::Lte => 0..at + 1,
            };
            let turns = by_condition.entry(*condition).or_default();
            turns.extend([(positions.start, 1, *place), (positions.end, -1, *place)]);
        }
        let mut bits = base.to_vec();
        let mut flips: Vec<(usize, u32)> = Vec::new();
        for (condition, mut turns) in by_condition {
            turns.sort_unstable();
            let mut holding = [0; PLACES + 1];
            let mut leaves_after = |turns: &[(usize, i32, u8)]| {
                turns.iter().for_each(|(_, change, place)| holding[usize::from(*place)] += change);
                let met = (0..).zip(holding).filter(|(_, clauses)| *clauses > 0);
                members.leaves(condition, met.fold(0, |met, (place, _)| met | bit(place)))
            };
            let (first, later) = turns.split_at(turns.partition_point(|(position, ..)| *position == 0));
            let mut alive = leaves_after(first);
            if !alive {
                remove(&mut bits, condition);
            }
            for turns in later.chunk_by(|one, other| one.0 == other.0).take_while(|turns| turns[0].0 < end) {
                if leaves_after(turns) != alive {
                    alive = !alive;
                    flips.push((turns[0].0, condition));
                }
            }
        }
        flips.sort_unstable();
        let toggles = (0..end).map(|position| flips.partition_point(|(at, _)| *at <= position) as u32).collect();
        let conditions: Vec<u32> = flips.into_iter().map(|(_, condition)| condition).collect();
        let stride_bits = sets.most_toggled().ilog2();
        let mut checkpoints = vec![sets.add_bits(&bits)];
        for chunk in conditions.chunks_exact(1 << stride_bits) {
            chunk.iter().for_each(|condition| toggle(&mut bits, *condition));
            checkpoints.push(sets.add_bits(&bits));
        }
        let ranks = bounds.iter().map(Bound::rank).collect();
        let (conditions, _) = sets.add_list(&conditions);
        Steps { ranks, bounds, toggles, conditions, checkpoints, stride_bits }
    }

    /// The conditions that the stored value leaves alive.
    #[inline]
    pub(super) fn mask(&self, stored: B::Stored<'_>) -> Mask {
        let rank = B::rank_of(stored);
        let before = self.ranks.partition_point(|other| *other < rank);
        let tied = &self.bounds[before..][..tied(&self.ranks[before..], rank)];
        let below = tied.partition_point(|bound| bound.order(stored).is_gt());
        let is_at = tied.get(below).is_some_and(|bound| bound.order(stored).is_eq());
        let toggles = self.toggles[2 * (before + below) + usize::from(is_at)];
        let checkpoint = toggles >> self.stride_bits;
        let from = checkpoint << self.stride_bits;
        Mask { dense: self.checkpoints[checkpoint as usize], toggled: (self.conditions + from, toggles - from) }
    }
}
