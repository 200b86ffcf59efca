//! Sets of conditions, as evaluation combines them.

/// Sets take whole blocks of so many words.
const BLOCK: usize = 4;

/// A set of conditions kept in [`Sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    /// A bit for each condition; the number of the set among those
    Dense(u32),
    /// Their numbers, ascending but for a part of a list of bounds
    Sparse { from: u32, len: u32 },
}

/// Conditions: a dense set, but that those listed are in it where it has them not, and the other way round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    pub(super) dense: u32,
    /// Where the list starts, and how long it is
    pub(super) toggled: (u32, u32),
}

/// Where the sets lie, beside each other.
#[derive(Debug)]
pub(super) struct Sets {
    /// How many words one dense set takes
    words: usize,
    dense: Vec<u64>,
    sparse: Vec<u32>,
}

impl Sets {
    /// For sets of that many conditions.
    pub(super) fn of(conditions: usize) -> Self {
        Sets { words: conditions.div_ceil(64).next_multiple_of(BLOCK), dense: Vec::new(), sparse: Vec::new() }
    }

    /// How many words one dense set takes.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Whether so many conditions are better kept as bits, which takes at most eight times the memory of a list.
    pub(super) fn is_dense(&self, conditions: usize) -> bool {
        conditions * 4 > self.words
    }

    /// How many conditions a [`Mask`] lists at most before another dense set is kept, which takes at most 32 times the
    /// memory of the list. It is no more than the bits of a word, in which [`Sets::keep`] remembers them.
    pub(super) fn most_toggled(&self) -> usize {
        (self.words / 16).clamp(1, 64)
    }

    /// Keeps a list as it is: where it starts, and how long it is.
    pub(super) fn add_list(&mut self, conditions: &[u32]) -> (u32, u32) {
        let from = self.sparse.len() as u32;
        self.sparse.extend_from_slice(conditions);
        (from, conditions.len() as u32)
    }

    /// Keeps bits as they are: their number.
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

    /// Takes out of `alive` what is not in all of those dense sets.
    pub(super) fn intersect_all(&self, alive: &mut [u64], numbers: &[u32]) {
        let blocks = self.words / BLOCK;
        let dense = self.dense.as_chunks::<BLOCK>().0;
        for (index, alive) in alive.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            // Stays in registers.
            let mut block = *alive;
            for number in numbers {
                let bits = &dense[*number as usize * blocks + index];
                block = std::array::from_fn(|word| block[word] & bits[word]);
            }
            *alive = block;
        }
    }

    /// Takes out of `alive` what is not in the mask.
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

/// Takes out of `alive` what is not in `bits`.
#[inline]
pub(super) fn intersect(alive: &mut [u64], bits: &[u64]) {
    // Whole blocks, as all sets are: the compiler makes vectors of them.
    let (alive, bits) = (alive.as_chunks_mut::<BLOCK>().0, bits.as_chunks::<BLOCK>().0);
    for (alive, bits) in alive.iter_mut().zip(bits) {
        for (alive, bits) in alive.iter_mut().zip(bits) {
            *alive &= bits;
        }
    }
}

/// Takes out of `alive` what is in `bits`.
#[inline]
pub(super) fn subtract(alive: &mut [u64], bits: &[u64]) {
    alive.iter_mut().zip(bits).for_each(|(alive, bits)| *alive &= !bits);
}

/// Puts what is in `bits` into `all`.
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

/// The numbers whose bits are set, ascending.
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
