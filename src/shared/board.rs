//! The board: messages between the launcher, the workers and sessions, in shared memory.

use crate::pg::shared::SharedCell;
use crate::pg::{background, process};
use pgrx::{PgXactCallbackEvent, register_xact_callback};
use std::time::Duration;

/// The board of this server.
pub static BOARD: SharedCell<Board> = SharedCell::new();

/// How many workers can run at once.
pub const PLACES: usize = 16;

/// The contents of the board.
#[derive(Clone, Copy)]
pub struct Board {
    /// The process id of the launcher; 0 if there is none
    launcher: i32,
    places: [WorkerPlace; PLACES],
    /// Whether databases wait for a place
    is_crowded: bool,
    /// The databases that a worker should look at now
    woken: [u32; 32],
    woken_count: usize,
}

/// A place for one worker.
#[derive(Clone, Copy)]
struct WorkerPlace {
    /// The database that the worker is for; 0 if the place is free
    database: u32,
    /// The process id of the worker; 0 until it has arrived
    process: i32,
    /// Set by a worker that has finished: in how many milliseconds there will be something to do again
    done: Option<u64>,
}

impl Board {
    /// An empty board.
    pub const NONE: Board = Board {
        launcher: 0,
        places: [WorkerPlace { database: 0, process: 0, done: None }; PLACES],
        is_crowded: false,
        woken: [0; 32],
        woken_count: 0,
    };
}

/// The databases that a worker should look at now.
pub enum Woken {
    These(Vec<u32>),
    /// More databases than the board has room for
    All,
}

/// Clears the board for a new launcher. Workers of an earlier launcher then find that they have no place.
pub fn open(process: i32) {
    BOARD.change(|board| *board = Board { launcher: process, ..Board::NONE });
}

/// Reserves a place for a worker of a database; `None` if the first `most` places are taken.
pub fn give(database: u32, most: usize) -> Option<usize> {
    BOARD.change(|board| {
        let place = board.places.iter().take(most).position(|place| place.database == 0)?;
        board.places[place] = WorkerPlace { database, process: 0, done: None };
        Some(place)
    })?
}

/// Frees the place of a worker that has ended. Returns in how long there will be something to do, if the worker has
/// said so.
pub fn take_back(place: usize) -> Option<Duration> {
    let left = BOARD.change(|board| std::mem::replace(&mut board.places[place], Board::NONE.places[0]))?;
    left.done.map(Duration::from_millis)
}

/// Sets whether databases wait for a place.
pub fn set_crowded(is_crowded: bool) {
    BOARD.change(|board| board.is_crowded = is_crowded);
}

/// Takes the list of databases that were woken since the last call.
pub fn woken() -> Woken {
    let told = BOARD.change(|board| {
        let count = std::mem::take(&mut board.woken_count);
        (board.woken, count)
    });
    match told {
        Some((woken, count)) if count <= woken.len() => Woken::These(woken[..count].to_vec()),
        Some(_) => Woken::All,
        None => Woken::These(Vec::new()),
    }
}

/// Called by a worker when it starts: takes its place and returns the database.
pub fn arrive(place: usize, process: i32) -> Option<u32> {
    BOARD.change(|board| {
        let place = board.places.get_mut(place).filter(|place| place.database != 0 && place.process == 0)?;
        place.process = process;
        Some(place.database)
    })?
}

/// Whether a worker should leave although it could stay, because databases wait for a place or it has lost its own.
pub fn is_crowded(place: usize, process: i32) -> bool {
    BOARD.get().is_none_or(|board| board.is_crowded || board.places[place].process != process)
}

/// Called by a worker before it ends: leaves the time until there will be something to do again.
pub fn leave(place: usize, process: i32, time: Duration) {
    BOARD.change(|board| {
        let place = &mut board.places[place];
        if place.process == process {
            place.done = Some(time.as_millis() as u64);
        }
    });
}

/// Wakes the launcher and the worker of a database, to look at the database now.
fn wake_now(database: u32) {
    let processes = BOARD.change(|board| {
        let count = board.woken_count;
        if !board.woken.iter().take(count).any(|woken| *woken == database) {
            if let Some(woken) = board.woken.get_mut(count) {
                *woken = database;
            }
            board.woken_count = (count + 1).min(board.woken.len() + 1);
        }
        let worker = board.places.iter().find(|place| place.database == database).map(|place| place.process);
        [Some(board.launcher), worker]
    });
    processes.into_iter().flatten().flatten().filter(|process| *process != 0).for_each(background::wake);
}

/// Makes the worker look at this database once the transaction commits.
pub fn wake() {
    let (_, database) = process::session();
    register_xact_callback(PgXactCallbackEvent::Commit, move || wake_now(database));
}
