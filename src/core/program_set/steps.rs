//! What values leave alive that are compared with bounds.
//!
//! Between one bound and the next, all values satisfy the same comparisons. For each such step, and for each bound itself, the
//! conditions that a value there leaves alive are worked out beforehand, whichever and however many of their clauses are bounds.

use super::bounds::Bound;
use super::places::{Members, bit};
use super::sets::{Mask, Sets, contains, remove, toggle};
use crate::ast::Comparison;
use std::collections::BTreeMap;
use std::ops::Range;

/// What values between and at bounds leave alive.
#[derive(Debug)]
pub(super) struct Steps<B> {
    /// The ranks of the different bounds, ascending, and the bounds
    ranks: Vec<u64>,
    bounds: Vec<B>,
    /// At each position, how many conditions were toggled since the first. Position 2n is below bound n, 2n + 1 at it
    toggles: Vec<u32>,
    /// Where the conditions start among the sparse sets
    conditions: u32,
    /// Of every so many toggles, what is alive then
    checkpoints: Vec<u32>,
    stride_bits: u32,
}

impl<B: Bound + Clone> Steps<B> {
    /// `base` are the conditions that may be alive as far as other families have a say.
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
        let mut by_condition: BTreeMap<u32, Vec<(Range<usize>, u8)>> = BTreeMap::new();
        for (comparison, bound, place, condition) in comparisons.iter().filter(|(.., one)| contains(base, *one)) {
            let at = 2 * bounds.partition_point(|other| other < bound) + 1;
            let positions = match comparison {
                Comparison::Gt => at + 1..end,
                Comparison::Gte => at..end,
                Comparison::Lt => 0..at,
                Comparison::Lte => 0..at + 1,
            };
            by_condition.entry(*condition).or_default().push((positions, *place));
        }
        let mut bits = base.to_vec();
        let mut flips: Vec<(usize, u32)> = Vec::new();
        for (condition, ranges) in by_condition {
            let leaves_at = |position: usize| {
                let met = ranges.iter().filter(|(positions, _)| positions.contains(&position));
                members.leaves(condition, met.fold(0, |met, (_, place)| met | bit(*place)))
            };
            let mut alive = leaves_at(0);
            if !alive {
                remove(&mut bits, condition);
            }
            let mut turns: Vec<usize> = ranges
                .iter()
                .flat_map(|(positions, _)| [positions.start, positions.end])
                .filter(|at| *at < end)
                .collect();
            turns.sort_unstable();
            for position in turns {
                if leaves_at(position) != alive {
                    alive = !alive;
                    flips.push((position, condition));
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

    /// What the stored value leaves alive.
    #[inline]
    pub(super) fn mask(&self, stored: B::Stored<'_>) -> Mask {
        let rank = B::rank_of(stored);
        let mut below = self.ranks.partition_point(|other| *other < rank);
        let mut at = 0;
        while let Some(bound) = self.bounds.get(below)
            && self.ranks[below] == rank
        {
            match bound.order(stored) {
                std::cmp::Ordering::Less => break,
                std::cmp::Ordering::Equal => {
                    at = 1;
                    break;
                }
                std::cmp::Ordering::Greater => below += 1,
            }
        }
        let toggles = self.toggles[2 * below + at];
        let checkpoint = toggles >> self.stride_bits;
        let from = checkpoint << self.stride_bits;
        Mask { dense: self.checkpoints[checkpoint as usize], toggled: (self.conditions + from, toggles - from) }
    }
}
