//! Checksums, by which damage is noticed that makes sense as bytes.

/// The bytes that a checksum takes.
pub(super) const BYTES: usize = 4;

/// Lanes that do not wait for each other, so that a page takes a third of a microsecond.
const LANES: usize = 4;
const WORD: usize = size_of::<u64>();
/// 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// A checksum of two strings of bytes. Zeros at the end of the second do not change it, up to a multiple of 32 bytes; so its
/// length must be in the first.
///
/// Each step maps what was before to another value one to one, so a change of one word always changes its lane.
pub(super) fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut lanes = [FACTOR; LANES];
    for bytes in [header, payload] {
        let (blocks, rest) = bytes.as_chunks::<{ LANES * WORD }>();
        let mut last = [0; LANES * WORD];
        last[..rest.len()].copy_from_slice(rest);
        for block in blocks.iter().chain((!rest.is_empty()).then_some(&last)) {
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<WORD>().0) {
                *lane = step(*lane, u64::from_le_bytes(*word));
            }
        }
    }
    let all = lanes.into_iter().fold(0, step);
    (all ^ (all >> 32)) as u32
}

fn step(before: u64, word: u64) -> u64 {
    (before.rotate_left(29) ^ word).wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_bit_changes_it() {
        let (header, mut payload) = ([7; 20], [3; 100]);
        let right = checksum(&header, &payload);
        for bit in 0..8 * payload.len() {
            payload[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&header, &payload), right, "{bit}");
            payload[bit / 8] ^= 1 << (bit % 8);
        }
        let mut other = header;
        other[19] ^= 128;
        assert_ne!(checksum(&other, &payload), right);
        payload.swap(10, 50);
        assert_eq!(checksum(&header, &payload), right);
        payload[50] = 4;
        let moved = checksum(&header, &payload);
        payload.swap(10, 50);
        assert_ne!(checksum(&header, &payload), moved);
    }
}
