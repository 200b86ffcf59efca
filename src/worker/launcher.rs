//! The launcher: finds the databases, and has a worker in each of them when there is something to do.
//!
//! It is connected to no database. Whoever wants a database for themselves, to drop or to rename it, waits some seconds
//! for its connections to end; so each second it looks whether somebody does, and ends the worker there.

use crate::pg::background::{self, Waited, Worker};
use crate::pg::process;
use crate::shared::board::{self, Woken};
use crate::shared::settings::{WORKERS, is_wanted_in};
use pgrx::pg_sys::Oid;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often it looks for new databases, and whether somebody wants one with a worker for themselves.
const LOOK: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_secs(1);

/// How long it waits before a worker is started again that has failed, the first time and at most.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// A database that has the extension, or may have it.
struct Known {
    /// When there is something to do
    next: Instant,
    /// Whether a worker that runs may have looked too early
    is_woken: bool,
    failures: u32,
    running: Option<Running>,
}

impl Known {
    fn new(next: Instant) -> Self {
        Known { next, is_woken: false, failures: 0, running: None }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.running.is_none() && self.next <= now
    }

    fn wake(&mut self, now: Instant) {
        self.next = now;
        self.is_woken = true;
    }
}

/// A worker that runs.
struct Running {
    worker: Worker,
    place: usize,
    is_unwanted: bool,
}

/// Runs until the server ends it.
pub fn run() {
    background::connect(None);
    let (process, _) = process::session();
    board::open(process);
    let mut launcher = Launcher { databases: HashMap::new(), looked_at: None };
    loop {
        let nap = launcher.round();
        if background::wait(nap) == Waited::Reloaded {
            launcher.wake_all(Instant::now());
        }
    }
}

struct Launcher {
    databases: HashMap<Oid, Known>,
    /// When it last looked for databases
    looked_at: Option<Instant>,
}

impl Launcher {
    /// Does what there is to do; how long there will be nothing.
    fn round(&mut self) -> Duration {
        let now = Instant::now();
        self.collect(now);
        self.hear(now);
        let is_something_due = self.databases.values().any(|known| known.is_due(now));
        if is_something_due || self.looked_at.is_none_or(|looked_at| now - looked_at >= LOOK) {
            self.look(now);
        }
        self.watch();
        self.start(now);
        let is_watching = self.databases.values().any(|known| known.running.is_some());
        let idle = self.databases.values().filter(|known| known.running.is_none());
        let next = idle.map(|known| known.next.saturating_duration_since(now)).min().unwrap_or(LOOK);
        // Where there is no room, a worker that ends wakes the launcher.
        next.clamp(WATCH, if is_watching { WATCH } else { LOOK })
    }

    /// Hears of workers that have ended.
    fn collect(&mut self, now: Instant) {
        for known in self.databases.values_mut() {
            let Some(running) = known.running.take_if(|running| running.worker.has_ended()) else { continue };
            let wait = match board::take_back(running.place) {
                Some(time) => {
                    known.failures = 0;
                    time
                }
                None if running.is_unwanted => WATCH,
                None => {
                    known.failures += 1;
                    LONGEST_RETRY.min(RETRY * 2u32.saturating_pow(known.failures - 1))
                }
            };
            known.next = if known.is_woken { now } else { now + wait };
        }
    }

    /// Hears of databases that are to be looked at now.
    fn hear(&mut self, now: Instant) {
        match board::woken() {
            Woken::These(woken) => {
                for database in woken {
                    match self.databases.get_mut(&Oid::from(database)) {
                        Some(known) => known.wake(now),
                        None => self.looked_at = None,
                    }
                }
            }
            Woken::All => self.wake_all(now),
        }
    }

    fn wake_all(&mut self, now: Instant) {
        self.looked_at = None;
        self.databases.values_mut().for_each(|known| known.wake(now));
    }

    /// Looks for databases that are new, or gone.
    fn look(&mut self, now: Instant) {
        self.looked_at = Some(now);
        // Those that are known stay, where they cannot be read.
        let Ok(databases) = background::databases() else { return };
        let wanted: Vec<Oid> = databases
            .into_iter()
            .filter(|database| is_wanted_in(&database.name))
            .map(|database| database.oid)
            .collect();
        for database in &wanted {
            self.databases.entry(*database).or_insert_with(|| Known::new(now));
        }
        self.databases.retain(|database, known| {
            let is_wanted = wanted.contains(database);
            if !is_wanted && let Some(running) = &mut known.running {
                running.end();
            }
            is_wanted || known.running.is_some()
        });
    }

    /// Ends the workers of databases that somebody wants for themselves.
    fn watch(&mut self) {
        for (database, known) in &mut self.databases {
            if let Some(running) = &mut known.running
                && !running.is_unwanted
                && background::is_in_demand(*database)
            {
                running.end();
            }
        }
    }

    /// Starts workers where there is something to do, the longest overdue first.
    fn start(&mut self, now: Instant) {
        let mut due: Vec<_> = self.databases.iter_mut().filter(|(_, known)| known.is_due(now)).collect();
        due.sort_by_key(|(_, known)| known.next);
        let mut is_crowded = false;
        for (database, known) in due {
            if background::is_in_demand(*database) {
                known.next = now + WATCH;
                continue;
            }
            let Some(place) = board::give((*database).into(), WORKERS.get() as usize) else {
                is_crowded = true;
                break;
            };
            match Worker::start(place) {
                Some(worker) => {
                    known.is_woken = false;
                    known.running = Some(Running { worker, place, is_unwanted: false });
                }
                None => {
                    pgrx::log!("segments: there is no room for a worker: max_worker_processes is too small");
                    board::take_back(place);
                    known.next = now + LOOK;
                }
            }
        }
        board::set_crowded(is_crowded);
    }
}

impl Running {
    fn end(&mut self) {
        self.is_unwanted = true;
        self.worker.terminate();
    }
}
