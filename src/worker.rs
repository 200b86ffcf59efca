//! The background worker: where the library is preloaded it counts what is due, in every database with the extension.
//!
//! | module | |
//! |---|---|
//! | [`launcher`] | finds databases, and starts a worker in each when there is something to do |
//! | [`database`] | what a worker does: counting what is due, folding and announcing what live audiences recorded |
//!
//! Nothing runs on a standby: the launcher starts when the server accepts writes. Whatever ends a worker, be it an
//! error or an administrator, the launcher starts it again, later and later; what it was doing is rolled back.

use crate::pg::{background, process};

pub mod database;
pub mod launcher;

/// Has the launcher started, where the library is preloaded; called when it is loaded.
pub fn init() {
    if process::is_preloading() {
        background::register_launcher();
    }
}
