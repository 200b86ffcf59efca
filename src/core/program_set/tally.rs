//! Counts the documents that satisfy each of many conditions.

use super::Matches;
use super::sets::members;

/// The number of matches of each condition.
///
/// Bits are added for 64 conditions at a time: each plane has one binary digit of the counts of all conditions, and a
/// document's matches are added to the first plane and carried from plane to plane. Before the last plane overflows,
/// the planes are added to the counts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: Vec<i64>,
    planes: [Vec<u64>; PLANES],
    /// The number of documents that are counted in the planes
    added: u32,
}

const PLANES: usize = 4;

impl Tally {
    /// Makes a tally for this many conditions, without any match.
    #[must_use]
    pub fn new(conditions: usize) -> Self {
        let words = conditions.div_ceil(64);
        Tally { counts: vec![0; conditions], planes: std::array::from_fn(|_| vec![0; words]), added: 0 }
    }

    /// Counts one more document's matches.
    #[inline]
    pub fn add(&mut self, matches: &Matches) {
        let [ones, twos, fours, eights] = &mut self.planes;
        let planes = ones.iter_mut().zip(twos).zip(fours.iter_mut().zip(eights));
        for (((ones, twos), (fours, eights)), word) in planes.zip(&matches.alive) {
            let mut carry = *word;
            for plane in [ones, twos, fours, eights] {
                (*plane, carry) = (*plane ^ carry, *plane & carry);
            }
        }
        self.added += 1;
        if self.added + 1 == 1 << PLANES {
            self.settle();
        }
    }

    /// Adds the counts of another tally of the same conditions.
    pub fn merge(&mut self, other: &Tally) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        add_planes(&mut self.counts, &other.planes);
    }

    /// The counts.
    pub fn counts(&mut self) -> &[i64] {
        self.settle();
        &self.counts
    }

    fn settle(&mut self) {
        add_planes(&mut self.counts, &self.planes);
        self.planes.iter_mut().for_each(|plane| plane.fill(0));
        self.added = 0;
    }
}

fn add_planes(counts: &mut [i64], planes: &[Vec<u64>; PLANES]) {
    for (digit, plane) in planes.iter().enumerate() {
        members(plane).for_each(|condition| counts[condition] += 1 << digit);
    }
}

impl From<Vec<i64>> for Tally {
    fn from(counts: Vec<i64>) -> Self {
        let conditions = counts.len();
        Tally { counts, ..Tally::new(conditions) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_one_by_one() {
        let mut expected = vec![0; 130];
        let (mut tally, mut other) = (Tally::new(130), Tally::from(vec![5; 130]));
        expected.iter_mut().for_each(|count| *count += 5);
        for document in 0..100_u64 {
            let words = [document.wrapping_mul(0x9E37_79B9_7F4A_7C15), u64::MAX, document & 3];
            let mut matches = Matches::new();
            matches.alive = words.to_vec();
            let tally = if document < 70 { &mut tally } else { &mut other };
            tally.add(&matches);
            matches.iter().for_each(|condition| expected[condition] += 1);
        }
        tally.merge(&other);
        assert_eq!(tally.counts(), expected);
    }
}
