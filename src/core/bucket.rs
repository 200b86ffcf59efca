//! Stable shares of the contacts: each contact is in one of some buckets.

use sha2::{Digest, Sha256};

/// How many buckets there can be.
pub const MOST_BUCKETS: u32 = 10_000;

/// The bucket of a contact: the first 8 bytes of SHA-256 of the salt, a zero byte and the id, as a big-endian unsigned
/// number, modulo the number of buckets, which must not be 0. It is the same for ever, on every version and machine.
#[must_use]
pub fn bucket_of(id: &str, salt: &str, of: u32) -> u32 {
    let digest = Sha256::new().chain_update(salt).chain_update([0]).chain_update(id).finalize();
    let first = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    // Less than the number of buckets.
    (first % u64::from(of)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf 'salt\0id' | sha256sum` prints, its first 16 digits modulo the number of buckets.
    #[test]
    fn buckets_are_the_same_for_ever() {
        for (id, salt, of, expected) in BUCKETS {
            assert_eq!(bucket_of(id, salt, *of), *expected, "{id} {salt} {of}");
        }
    }

    const BUCKETS: &[(&str, &str, u32, u32)] = &[
        ("1", "spring", 10, 4),
        ("0190163d-8694-739b-aea5-966c26f8ad90", "holdout", 100, 23),
        ("é", "ß", 10_000, 8938),
        ("", "x", 2, 0),
        ("42", "spring", 2, 1),
        ("42", "spring", 7, 6),
    ];

    /// Pearson's chi-square of the sizes is within four standard deviations of what even buckets have.
    #[test]
    fn buckets_are_even() {
        const CONTACTS: u32 = 20_000;
        for (salt, of) in
            [("spring", 2), ("spring", 10), ("spring", 100), ("holdout", 3), ("holdout", 10), ("a/b", 1000)]
        {
            let mut sizes = vec![0u32; of as usize];
            (0..CONTACTS).for_each(|id| sizes[bucket_of(&id.to_string(), salt, of) as usize] += 1);
            let fair = f64::from(CONTACTS) / f64::from(of);
            let chi_square: f64 = sizes.iter().map(|size| (f64::from(*size) - fair).powi(2) / fair).sum();
            let freedom = f64::from(of - 1);
            let deviations = (chi_square - freedom) / (2.0 * freedom).sqrt();
            assert!(deviations.abs() < 4.0, "{salt} {of}: {chi_square}");
        }
    }

    /// A tenth of each bucket is in each bucket of another salt.
    #[test]
    fn salts_are_independent() {
        let mut sizes = [[0u32; 10]; 10];
        for id in 0..20_000 {
            let [one, other] = ["spring", "summer"].map(|salt| bucket_of(&id.to_string(), salt, 10) as usize);
            sizes[one][other] += 1;
        }
        // Four standard deviations of a fair share, which is 200.
        assert!(sizes.as_flattened().iter().all(|size| size.abs_diff(200) < 57), "{sizes:?}");
    }
}
