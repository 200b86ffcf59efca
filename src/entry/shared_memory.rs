//! The values in shared memory, one for each type.

use crate::pg::process;
use crate::pg::shared::Shareable;
use crate::shared::board::{BOARD, Board};
use crate::shared::progress::{REFRESHES, Refreshes};
use pgrx::pg_shmem_init;
use std::ffi::CStr;

// SAFETY: it contains no pointers, and no other type has the name.
unsafe impl Shareable for Board {
    const NAME: &'static CStr = c"segments_board";
}

// SAFETY: it contains no pointers, and no other type has the name.
unsafe impl Shareable for Refreshes {
    const NAME: &'static CStr = c"segments_progress";
}

/// Asks Postgres for the shared memory. Call it when the library is loaded.
#[allow(unexpected_cfgs, reason = "the macro asks for features of pgrx's own")]
pub fn init() {
    if process::is_preloading() {
        pg_shmem_init!(REFRESHES = Refreshes::NONE.into());
        pg_shmem_init!(BOARD = Board::NONE.into());
    }
}
