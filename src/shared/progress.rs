//! The progress of refreshes, which every session can see.
//!
//! If the library is preloaded, the numbers are in shared memory. Otherwise other sessions see only the lock that a
//! refresh holds on its audience, which shows that it runs.

use crate::pg::shared::SharedCell;
use crate::pg::{process, query, turn};
use crate::shared::settings;

/// How many refreshes can be shown at once.
const SLOTS: usize = 32;

/// The progress of all running refreshes.
#[derive(Clone, Copy)]
pub struct Refreshes([Progress; SLOTS]);

impl Refreshes {
    /// No refresh is shown.
    pub const NONE: Refreshes = Refreshes([Progress::NONE; SLOTS]);
}

/// The running refreshes of this server.
pub static REFRESHES: SharedCell<Refreshes> = SharedCell::new();

/// The progress of one refresh.
#[derive(Clone, Copy)]
pub struct Progress {
    /// A random number that identifies the refresh; 0 if the slot is free
    token: u64,
    pub process: i32,
    database: u32,
    /// The name of the audience, cut to this length
    audience: [u8; 256],
    pub phase: Phase,
    pub segments: u64,
    pub segments_done: u64,
    pub rows: Option<u64>,
    pub rows_done: u64,
}

/// The phase of a refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Preparing,
    /// Counts the segments that a row alone decides
    CountingInOnePass,
    /// Counts the other segments, and those for which an index makes that cheaper
    CountingOneByOne,
    Storing,
}

impl Phase {
    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Preparing => "preparing",
            Phase::CountingInOnePass => "counting in one pass",
            Phase::CountingOneByOne => "counting one by one",
            Phase::Storing => "storing",
        }
    }
}

impl Progress {
    /// A free slot.
    pub const NONE: Progress = Progress {
        token: 0,
        process: 0,
        database: 0,
        audience: [0; 256],
        phase: Phase::Preparing,
        segments: 0,
        segments_done: 0,
        rows: None,
        rows_done: 0,
    };

    /// The name of the audience.
    pub fn audience(&self) -> String {
        let end = self.audience.iter().position(|byte| *byte == 0).unwrap_or(self.audience.len());
        String::from_utf8_lossy(&self.audience[..end]).into_owned()
    }
}

/// A refresh that is shown until this is dropped, also by an error.
pub struct Shown(Ticket);

/// Permission for parallel workers to report how many rows they have counted.
#[derive(Clone, Copy)]
pub struct Ticket {
    slot: usize,
    token: u64,
}

impl Ticket {
    /// The ticket as plain data.
    pub fn to_parts(self) -> (usize, u64) {
        (self.slot, self.token)
    }

    /// The ticket from plain data. If it is not the ticket of a running refresh, it has no effect.
    pub fn from_parts((slot, token): (usize, u64)) -> Self {
        Ticket { slot, token }
    }

    fn change(self, change: impl FnOnce(&mut Progress)) {
        if self.token == 0 {
            return;
        }
        REFRESHES.change(|Refreshes(board)| {
            if let Some(progress) = board.get_mut(self.slot).filter(|progress| progress.token == self.token) {
                change(progress);
            }
        });
    }
}

/// Shows a refresh; `None` if there is no shared memory, or no free slot.
pub fn show(audience: &str, segments: usize) -> Option<Shown> {
    let (process, database) = process::session();
    // Every user can call the aggregate that reports rows, so the token must be hard to guess.
    let token = process::secret();
    let mut name = [0; 256];
    let end = audience.floor_char_boundary(name.len());
    name[..end].copy_from_slice(&audience.as_bytes()[..end]);
    let shown = Progress { token, process, database, audience: name, segments: segments as u64, ..Progress::NONE };
    // A session that was terminated has not freed its slot.
    let ended: Vec<u64> = REFRESHES
        .get()?
        .0
        .iter()
        .filter(|progress| progress.token != 0 && !process::is_running(progress.process))
        .map(|progress| progress.token)
        .collect();
    let slot = REFRESHES.change(|Refreshes(board)| {
        let free = |progress: &Progress| progress.token == 0 || ended.contains(&progress.token);
        let slot = board.iter().position(free)?;
        board[slot] = shown;
        Some(slot)
    })??;
    Some(Shown(Ticket { slot, token }))
}

impl Shown {
    /// The ticket for workers.
    pub fn ticket(&self) -> Ticket {
        self.0
    }

    /// Shows that the next phase begins.
    pub fn enter(&self, phase: Phase) {
        self.0.change(|progress| progress.phase = phase);
    }

    /// Shows how many rows there are to count, if that is known.
    pub fn expect_rows(&self, rows: Option<u64>) {
        self.0.change(|progress| progress.rows = rows);
    }

    /// Shows that further segments have been counted.
    pub fn counted(&self, segments: usize) {
        self.0.change(|progress| progress.segments_done += segments as u64);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.change(|progress| *progress = Progress::NONE);
    }
}

/// The refreshes that run in this database.
pub fn running() -> Vec<Progress> {
    let (_, database) = process::session();
    let Refreshes(all) = REFRESHES.get().unwrap_or(Refreshes::NONE);
    all.into_iter().filter(|progress| progress.token != 0 && progress.database == database).collect()
}

/// Reports rows that have been counted, and pauses for other work of the server, once for many rows.
pub struct Reporter {
    ticket: Option<Ticket>,
    untold: u64,
}

/// How many rows are reported at once.
const ROWS_AT_ONCE: u64 = 4096;

impl Reporter {
    /// A reporter for the refresh with that ticket; without one it reports nothing.
    pub fn new(ticket: Option<Ticket>) -> Self {
        Reporter { ticket, untold: 0 }
    }

    /// Counts one more row.
    #[inline]
    pub fn row(&mut self) {
        self.untold += 1;
        if self.untold == ROWS_AT_ONCE {
            self.untold = 0;
            if let Some(ticket) = self.ticket {
                ticket.change(|progress| progress.rows_done += ROWS_AT_ONCE);
            }
            settings::yield_to_load();
        }
    }
}

/// Takes the turn of an audience until the transaction ends, so that one refresh has it at a time and other sessions see
/// that it runs.
pub fn lock(audience: &str) {
    // The view segments.refresh_progress computes the same number.
    let number = query::first("SELECT hashtext($1)", &[audience.into()], |row| row.get(1));
    turn::take(number.unwrap_or_default());
}
