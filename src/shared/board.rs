//! What launcher, workers and sessions tell each other in shared memory.

use crate::pg::shared::Cell;
use crate::pg::{background, process};
use pgrx::{PgXactCallbackEvent, register_xact_callback};
use std::time::Duration;

/// The board of this server.
pub static BOARD: Cell<Board> = Cell::new();

/// How many workers there can be at once.
pub const PLACES: usize = 16;

/// What is told.
#[derive(Clone, Copy)]
pub struct Board {
    /// The launcher's process; 0 where there is none
    launcher: i32,
    places: [Place; PLACES],
    /// Whether databases wait for a place
    is_crowded: bool,
    /// Databases that are to be looked at now
    woken: [u32; 32],
    woken_count: usize,
}

/// A worker's place.
#[derive(Clone, Copy)]
struct Place {
    /// The database that the worker is for; 0 where the place is free
    database: u32,
    /// The worker's process, once it is there
    process: i32,
    /// In how many milliseconds there will be something to do again, from a worker that is done
    done: Option<u64>,
}

impl Board {
    /// Nothing is told.
    pub const NONE: Board = Board {
        launcher: 0,
        places: [Place { database: 0, process: 0, done: None }; PLACES],
        is_crowded: false,
        woken: [0; 32],
        woken_count: 0,
    };
}

/// Which databases were asked to be looked at.
pub enum Woken {
    These(Vec<u32>),
    /// More than there is room to tell apart
    All,
}

/// The launcher is there, and no worker yet: those of an earlier launcher find that they have no place.
pub fn open(process: i32) {
    BOARD.change(|board| *board = Board { launcher: process, ..Board::NONE });
}

/// Gives a worker a place for a database; `None` where those that may be taken are.
pub fn give(database: u32, most: usize) -> Option<usize> {
    BOARD.change(|board| {
        let place = board.places.iter().take(most).position(|place| place.database == 0)?;
        board.places[place] = Place { database, process: 0, done: None };
        Some(place)
    })?
}

/// Takes a place back from a worker that has ended, with what it left there: in how long there will be something to do.
pub fn take_back(place: usize) -> Option<Duration> {
    let left = BOARD.change(|board| std::mem::replace(&mut board.places[place], Board::NONE.places[0]))?;
    left.done.map(Duration::from_millis)
}

/// Says whether databases wait for a place.
pub fn set_crowded(is_crowded: bool) {
    BOARD.change(|board| board.is_crowded = is_crowded);
}

/// The databases that were asked to be looked at since the last time.
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

/// The database of a worker's place, which it takes.
pub fn arrive(place: usize, process: i32) -> Option<u32> {
    BOARD.change(|board| {
        let place = board.places.get_mut(place).filter(|place| place.database != 0 && place.process == 0)?;
        place.process = process;
        Some(place.database)
    })?
}

/// Whether a worker that could stay is to make room.
pub fn is_crowded(place: usize, process: i32) -> bool {
    BOARD.get().is_none_or(|board| board.is_crowded || board.places[place].process != process)
}

/// The worker is done; there will be something to do again in so long.
pub fn leave(place: usize, process: i32, time: Duration) {
    BOARD.change(|board| {
        let place = &mut board.places[place];
        if place.process == process {
            place.done = Some(time.as_millis() as u64);
        }
    });
}

/// Has a database looked at now.
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

/// Has the worker look at this database once the transaction commits.
pub fn wake() {
    let (_, database) = process::session();
    register_xact_callback(PgXactCallbackEvent::Commit, move || wake_now(database));
}
