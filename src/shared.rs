//! State that sessions and background processes share, and the settings of counting.

pub mod board;
pub mod progress;
pub mod settings;
