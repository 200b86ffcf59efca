//! What is wrong with stored bytes.

use std::fmt;

/// Bytes that are not what a chunk of this generation has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The piece belongs to another chunk, or has another place in it. If the chunk was given up meanwhile, its pages may
    /// have been used again; otherwise the index is damaged
    OtherPiece {
        /// The piece that was wanted
        wanted: super::Place,
        /// The piece that is there
        found: super::Place,
    },
    /// The bytes of the right piece make no sense
    Malformed(&'static str),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::OtherPiece { wanted, found } => write!(f, "{found} is where {wanted} should be"),
            Damage::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Damage {}
