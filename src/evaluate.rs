//! Evaluating conditions for documents.

pub mod condition;
pub mod document;
pub mod implausible;
pub mod stored;
pub mod text_cache;
