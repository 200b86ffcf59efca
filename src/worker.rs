//! The background worker. If the library is preloaded, it refreshes the counts that are due in every database with the
//! extension.
//!
//! | module | |
//! |---|---|
//! | [`launcher`] | finds databases, and starts a worker in each when there is something to do |
//! | [`database`] | what a worker does: counting what is due, folding and announcing what live audiences recorded |
//!
//! Nothing runs on a standby, because the launcher starts when the server accepts writes. If an error or an
//! administrator ends a worker, its work is rolled back and the launcher starts it again, after a longer pause each
//! time.

use crate::pg::{background, process};

pub mod database;
pub mod launcher;

/// Registers the launcher if the library is being preloaded. Call it when the library is loaded.
pub fn init() {
    if process::is_preloading() {
        background::register_launcher();
    }
}
