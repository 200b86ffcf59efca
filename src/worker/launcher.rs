//! The launcher. It finds the databases, and starts a worker in each of them when there is something to do.
//!
//! It is connected to no database. A session that drops or renames a database waits some seconds for other connections
//! to end. So the launcher looks every second whether a session waits for a database, and ends the worker there.

use crate::pg::background::{self, Waited, Worker};
use crate::pg::process;
use crate::shared::board::{self, Woken};
use crate::shared::settings::{WORKERS, is_wanted_in};
use pgrx::pg_sys::Oid;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often the launcher looks for new databases, and how often it looks whether a session waits for a database with a
/// worker.
const LOOK: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_secs(1);

/// How long the launcher waits before it starts a failed worker again: the first time, and at most.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// A database that may have the extension.
struct KnownDatabase {
    /// When there will be something to do
    next: Instant,
    /// Whether the database was woken while its worker was running, which may have looked before
    is_woken: bool,
    failures: u32,
    running: Option<Running>,
}

impl KnownDatabase {
    fn new(next: Instant) -> Self {
        KnownDatabase { next, is_woken: false, failures: 0, running: None }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.running.is_none() && self.next <= now
    }

    fn wake(&mut self, now: Instant) {
        self.next = now;
        self.is_woken = true;
    }
}

/// A running worker.
struct Running {
    worker: Worker,
    place: usize,
    is_unwanted: bool,
}

/// Runs the launcher until the server ends it.
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
    databases: HashMap<Oid, KnownDatabase>,
    /// When the launcher last looked for databases
    looked_at: Option<Instant>,
}

impl Launcher {
    /// Does all work that is due. Returns how long there will be nothing to do.
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
        // If databases wait for a place, a worker that ends wakes the launcher.
        next.clamp(WATCH, if is_watching { WATCH } else { LOOK })
    }

    /// Frees the places of workers that have ended, and plans the next one for their databases.
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

    /// Reads from the board which databases were woken.
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

    /// Looks for new databases, and forgets those that are gone.
    fn look(&mut self, now: Instant) {
        self.looked_at = Some(now);
        // If the databases cannot be read, the known ones stay.
        let Ok(databases) = background::databases() else { return };
        let wanted: Vec<Oid> = databases
            .into_iter()
            .filter(|database| is_wanted_in(&database.name))
            .map(|database| database.oid)
            .collect();
        for database in &wanted {
            self.databases.entry(*database).or_insert_with(|| KnownDatabase::new(now));
        }
        self.databases.retain(|database, known| {
            let is_wanted = wanted.contains(database);
            if !is_wanted && let Some(running) = &mut known.running {
                running.end();
            }
            is_wanted || known.running.is_some()
        });
    }

    /// Ends the workers of databases for which a session waits.
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

    /// Starts workers for databases with something to do, the longest overdue first.
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
