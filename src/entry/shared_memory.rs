//! The values that sessions and background processes share.

use crate::pg::process;
use crate::pg::shared::Shareable;
use crate::shared::board::{BOARD, Board};
use crate::shared::progress::{REFRESHES, Refreshes};
use pgrx::{pg_guard, pg_shmem_init, pg_sys};
use std::ffi::CStr;

// SAFETY: it holds no pointers.
unsafe impl Shareable for Board {
    const NAME: &'static CStr = c"segments_board";
}

// SAFETY: it holds no pointers.
unsafe impl Shareable for Refreshes {
    const NAME: &'static CStr = c"segments_progress";
}

/// Asks for the memory; to be called when the library is loaded.
#[allow(unexpected_cfgs, reason = "the macro asks for features of pgrx's own")]
pub fn init() {
    if process::is_preloading() {
        pg_shmem_init!(REFRESHES = Refreshes::NONE.into());
        pg_shmem_init!(BOARD = Board::NONE.into());
    }
}
