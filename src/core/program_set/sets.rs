//! Sets of conditions.

/// The number of words in a block; sets consist of whole blocks.
const BLOCK: usize = 4;

/// A set of conditions kept in [`Sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    /// A bit for each condition; this is the number of the set among the dense ones
    Dense(u32),
    /// A list of the conditions' numbers, ascending unless it is part of a list of bounds
    Sparse { from: u32, len: u32 },
}

/// A dense set and a list of the conditions in which the set that is meant differs from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    pub(super) dense: u32,
    /// The start and the length of the list
    pub(super) toggled: (u32, u32),
}

/// The storage of sets.
#[derive(Debug)]
pub(super) struct Sets {
    /// The number of words of a dense set
    words: usize,
    dense: Vec<u64>,
    sparse: Vec<u32>,
}

impl Sets {
    /// Makes the storage for sets of this many conditions.
    pub(super) fn of(conditions: usize) -> Self {
        Sets { words: conditions.div_ceil(64).next_multiple_of(BLOCK), dense: Vec::new(), sparse: Vec::new() }
    }

    /// The number of words of a dense set.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Whether a set of this many conditions is dense. It then takes at most eight times the memory of a list.
    pub(super) fn is_dense(&self, conditions: usize) -> bool {
        conditions * 4 > self.words
    }

    /// The most conditions that a [`Mask`] lists. With more, another dense set is made, which takes at most 32 times
    /// the memory of the list. They are at most 64, because [`Sets::keep`] remembers a bit for each in one word.
    pub(super) fn most_toggled(&self) -> usize {
        (self.words / 16).clamp(1, 64)
    }

    /// Stores a list. Returns its start and its length.
    pub(super) fn add_list(&mut self, conditions: &[u32]) -> (u32, u32) {
        let from = self.sparse.len() as u32;
        self.sparse.extend_from_slice(conditions);
        (from, conditions.len() as u32)
    }

    /// Stores a dense set. Returns its number.
    pub(super) fn add_bits(&mut self, bits: &[u64]) -> u32 {
        let number = (self.dense.len() / self.words) as u32;
        self.dense.extend_from_slice(bits);
        number
    }

    /// The bits of a dense set.
    #[inline]
    pub(super) fn bits(&self, number: u32) -> &[u64] {
        &self.dense[number as usize * self.words..][..self.words]
    }

    /// Removes from `alive` what is not in all of these dense sets.
    pub(super) fn intersect_all(&self, alive: &mut [u64], numbers: &[u32]) {
        let blocks = self.words / BLOCK;
        let dense = self.dense.as_chunks::<BLOCK>().0;
        for (index, alive) in alive.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            // A copy, which stays in registers.
            let mut block = *alive;
            for number in numbers {
                let bits = &dense[*number as usize * blocks + index];
                block = std::array::from_fn(|word| block[word] & bits[word]);
            }
            *alive = block;
        }
    }

    /// Removes from `alive` what is not in the mask.
    pub(super) fn keep(&self, mask: Mask, alive: &mut [u64]) {
        // alive & (dense ^ toggled) is (alive & dense) ^ (alive & toggled).
        let toggled = self.list(mask.toggled.0, mask.toggled.1);
        let were_alive =
            toggled.iter().rev().fold(0, |bits, condition| bits << 1 | u64::from(contains(alive, *condition)));
        intersect(alive, self.bits(mask.dense));
        for (index, condition) in toggled.iter().enumerate() {
            alive[*condition as usize / 64] ^= (were_alive >> index & 1) << (condition % 64);
        }
    }

    /// The numbers of a sparse set.
    #[inline]
    pub(super) fn list(&self, from: u32, len: u32) -> &[u32] {
        &self.sparse[from as usize..][..len as usize]
    }
}

/// Removes from `alive` what is not in `bits`.
#[inline]
pub(super) fn intersect(alive: &mut [u64], bits: &[u64]) {
    // Goes over whole blocks, which the compiler turns into vector instructions.
    let (alive, bits) = (alive.as_chunks_mut::<BLOCK>().0, bits.as_chunks::<BLOCK>().0);
    for (alive, bits) in alive.iter_mut().zip(bits) {
        for (alive, bits) in alive.iter_mut().zip(bits) {
            *alive &= bits;
        }
    }
}

/// Removes from `alive` what is in `bits`.
#[inline]
pub(super) fn subtract(alive: &mut [u64], bits: &[u64]) {
    alive.iter_mut().zip(bits).for_each(|(alive, bits)| *alive &= !bits);
}

/// Adds to `all` what is in `bits`.
#[inline]
pub(super) fn unite(all: &mut [u64], bits: &[u64]) {
    all.iter_mut().zip(bits).for_each(|(all, bits)| *all |= bits);
}

#[inline]
pub(super) fn contains(bits: &[u64], condition: u32) -> bool {
    bits[condition as usize / 64] >> (condition % 64) & 1 != 0
}

#[inline]
pub(super) fn insert(bits: &mut [u64], condition: u32) {
    bits[condition as usize / 64] |= 1 << (condition % 64);
}

#[inline]
pub(super) fn remove(bits: &mut [u64], condition: u32) {
    bits[condition as usize / 64] &= !(1 << (condition % 64));
}

#[inline]
pub(super) fn toggle(bits: &mut [u64], condition: u32) {
    bits[condition as usize / 64] ^= 1 << (condition % 64);
}

/// The numbers of the bits that are set, ascending.
pub(super) fn members(bits: &[u64]) -> impl Iterator<Item = usize> {
    members_of(bits.iter().copied())
}

pub(super) fn members_of(words: impl Iterator<Item = u64>) -> impl Iterator<Item = usize> {
    words.enumerate().flat_map(|(index, mut left)| {
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(index * 64 + bit)
        })
    })
}
