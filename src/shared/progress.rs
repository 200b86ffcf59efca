//! How far a refresh has come, for every session to see.
//!
//! Where the library is preloaded the numbers are in shared memory. Elsewhere all that others can see of a refresh is
//! the lock that it holds on its audience, and so that it runs.

use crate::pg::shared::Cell;
use crate::pg::{process, query, turn};
use crate::shared::settings;

/// How many refreshes are shown at once.
const SLOTS: usize = 32;

/// What is shown of the refreshes that run.
#[derive(Clone, Copy)]
pub struct Refreshes([Progress; SLOTS]);

impl Refreshes {
    /// None is shown.
    pub const NONE: Refreshes = Refreshes([Progress::NONE; SLOTS]);
}

/// The refreshes of this server.
pub static REFRESHES: Cell<Refreshes> = Cell::new();

/// What is shown of one refresh.
#[derive(Clone, Copy)]
pub struct Progress {
    /// Tells this refresh from those before it; 0 where there is none
    token: u64,
    pub process: i32,
    database: u32,
    /// The audience's name, as much as there is room for
    audience: [u8; 256],
    pub phase: Phase,
    pub segments: u64,
    pub segments_done: u64,
    pub rows: Option<u64>,
    pub rows_done: u64,
}

/// What a refresh is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Preparing,
    /// All segments that a row alone decides
    CountingInOnePass,
    /// The others, and those for which an index makes that cheaper
    CountingOneByOne,
    Storing,
}

impl Phase {
    /// As it is shown.
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
    /// Nothing is shown.
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

    /// The audience that is refreshed.
    pub fn audience(&self) -> String {
        let end = self.audience.iter().position(|byte| *byte == 0).unwrap_or(self.audience.len());
        String::from_utf8_lossy(&self.audience[..end]).into_owned()
    }
}

/// A refresh that runs. It is no longer shown when this is dropped, also by an error.
pub struct Shown(Ticket);

/// What lets parallel workers tell how many rows they have seen.
#[derive(Clone, Copy)]
pub struct Ticket {
    slot: usize,
    token: u64,
}

impl Ticket {
    /// As plain data.
    pub fn to_parts(self) -> (usize, u64) {
        (self.slot, self.token)
    }

    /// From plain data, which may be anything: of no refresh that runs, it does nothing.
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

/// Shows a refresh; `None` where there is nowhere to, or no room.
pub fn show(audience: &str, segments: usize) -> Option<Shown> {
    let (process, database) = process::session();
    // Everybody can call the aggregate that reports rows.
    let token = process::secret();
    let mut name = [0; 256];
    let end = audience.floor_char_boundary(name.len());
    name[..end].copy_from_slice(&audience.as_bytes()[..end]);
    let shown = Progress { token, process, database, audience: name, segments: segments as u64, ..Progress::NONE };
    // A session that was terminated leaves its place taken.
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
    /// What the workers need.
    pub fn ticket(&self) -> Ticket {
        self.0
    }

    /// Says what comes next.
    pub fn enter(&self, phase: Phase) {
        self.0.change(|progress| progress.phase = phase);
    }

    /// Says how many rows there are, as far as is known.
    pub fn expect_rows(&self, rows: Option<u64>) {
        self.0.change(|progress| progress.rows = rows);
    }

    /// Says how many more segments are counted.
    pub fn counted(&self, segments: usize) {
        self.0.change(|progress| progress.segments_done += segments as u64);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.change(|progress| *progress = Progress::NONE);
    }
}

/// The refreshes in this database.
pub fn running() -> Vec<Progress> {
    let (_, database) = process::session();
    let Refreshes(all) = REFRESHES.get().unwrap_or(Refreshes::NONE);
    all.into_iter().filter(|progress| progress.token != 0 && progress.database == database).collect()
}

/// Tells of rows, now and then, and lets others have the processor.
pub struct Reporter {
    ticket: Option<Ticket>,
    untold: u64,
}

/// How many rows are told of at once.
const ROWS_AT_ONCE: u64 = 4096;

impl Reporter {
    /// For a refresh that is shown, or not.
    pub fn new(ticket: Option<Ticket>) -> Self {
        Reporter { ticket, untold: 0 }
    }

    /// One more row has been counted.
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

/// Lets one refresh of an audience run at a time, and others see that it does: until the transaction ends.
pub fn lock(audience: &str) {
    // The view segments.refresh_progress finds the audience by the same number.
    let number = query::first("SELECT hashtext($1)", &[audience.into()], |row| row.get(1));
    turn::take(number.unwrap_or_default());
}
