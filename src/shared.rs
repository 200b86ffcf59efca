//! What sessions and background processes tell each other in shared memory.

pub mod board;
pub mod progress;
pub mod settings;
