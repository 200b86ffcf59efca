//! Whether something that a backend has compiled from definitions and tables is still valid.
//!
//! Every backend is told of each change. Triggers on the tables of definitions tell of changed definitions (see
//! sql/live.sql); Postgres's own invalidation messages tell of changed tables and types. Most messages are about other
//! audiences, or result from a VACUUM. So after a message the sources are read and compared, which is cheap in
//! comparison with compiling a thousand conditions.

use crate::catalog::access;
use crate::catalog::audience::Related;
use crate::pg::relcache::{self, Changed, TypeHash};
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// The sources that something was compiled from.
pub struct Sources {
    pub audiences: Vec<String>,
    /// The tables of the audiences, and their parents
    pub tables: Vec<Oid>,
}

/// The validity of one compiled thing.
pub struct Validity {
    sources: Sources,
    /// A description of the sources as they were
    described: OnceCell<String>,
    /// The types of the tables' columns, and the types that these are made of. Compiled SQL names them
    types: Vec<TypeHash>,
    /// The tables that hold definitions
    definitions: Vec<Oid>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Current,
    /// Valid if the sources have not changed
    Perhaps,
    /// The sources are being compared, or comparing them has raised an error
    Looking,
    Outdated,
}

thread_local! {
    static WATCHED: RefCell<Vec<Weak<Validity>>> = RefCell::default();
}

impl Validity {
    /// The validity of something that will be compiled from the sources that `find` finds. Call it before you read
    /// anything, so that no message about a change is missed.
    pub fn watch(find: impl FnOnce() -> Sources) -> Rc<Self> {
        relcache::on_invalidation(heard);
        let while_finding = Self::of(Sources { audiences: Vec::new(), tables: Vec::new() });
        let validity = Self::of(find());
        if while_finding.state.get() != State::Current {
            validity.state.set(State::Outdated);
        }
        validity
    }

    fn of(sources: Sources) -> Rc<Self> {
        let definitions = query::rows(DEFINITIONS, &[], |row| row.get(1));
        let types = query::rows(TYPES, &[sources.tables.clone().into()], |row| TypeHash::of(row.get(1)));
        let state = Cell::new(State::Current);
        let validity = Rc::new(Validity { sources, described: OnceCell::new(), types, definitions, state });
        WATCHED.with_borrow_mut(|watched| {
            watched.retain(|known| known.strong_count() > 0);
            watched.push(Rc::downgrade(&validity));
        });
        validity.described.get_or_init(|| validity.sources.describe());
        validity
    }

    /// The tables whose invalidation tells of changed definitions.
    pub fn definitions(&self) -> &[Oid] {
        &self.definitions
    }

    /// Whether nothing has changed, according to the latest definitions that are committed or made by this transaction.
    pub fn holds(&self) -> bool {
        if matches!(self.state.get(), State::Perhaps | State::Looking) {
            // The state is set before the comparison, so that a message that arrives during it counts.
            self.state.set(State::Looking);
            let is_same = self.described.get() == Some(&self.sources.describe());
            match (is_same, self.state.get()) {
                (false, _) => self.state.set(State::Outdated),
                (true, State::Looking) => self.state.set(State::Current),
                (true, _) => {}
            }
        }
        self.state.get() == State::Current
    }
}

impl Sources {
    fn describe(&self) -> String {
        if self.audiences.is_empty() && self.tables.is_empty() {
            return String::new();
        }
        let arguments = [self.tables.clone().into(), self.audiences.clone().into()];
        let read = || {
            let described = query::first(DESCRIBE, &arguments, |row| row.nullable::<String>(1)).flatten();
            let relations = || query::first(DESCRIBE_RELATIONS, &arguments, |row| row.nullable::<String>(1));
            let relations = if Related::are_known() { relations().flatten() } else { None };
            format!("{} {}", described.unwrap_or_default(), relations.unwrap_or_default())
        };
        security::as_role(access::extension_owner(), || snapshot::latest(read))
    }
}

/// Receives a message about a change.
fn heard(changed: Changed) {
    WATCHED.with(|watched| {
        // The list is mutably borrowed only while an entry is added.
        let Ok(watched) = watched.try_borrow() else { return };
        for validity in watched.iter().filter_map(Weak::upgrade) {
            let concerns = match changed {
                Changed::Relation(relation) => {
                    validity.definitions.contains(&relation) || validity.sources.tables.contains(&relation)
                }
                Changed::Type(hash) => validity.types.contains(&hash),
                Changed::Schema => !validity.types.is_empty(),
                Changed::Anything => {
                    validity.state.set(State::Outdated);
                    continue;
                }
            };
            if concerns && validity.state.get() != State::Outdated {
                validity.state.set(State::Perhaps);
            }
        }
    });
}

// The tables whose triggers tell every session of changes (see sql/live.sql).
const DEFINITIONS: &str = "
SELECT t.tgrelid FROM pg_namespace n
  JOIN pg_class c ON c.relnamespace = n.oid
  JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'definitions_changed'
 WHERE n.nspname = 'segments'";

const TYPES: &str =
    concat!(include_str!("../../sql/queries/types_of_columns.sql"), "SELECT type.oid FROM type WHERE type.oid <> 0");

const DESCRIBE_RELATIONS: &str = "
SELECT concat_ws(' ',
    (SELECT md5(string_agg(concat_ws(' ', r.audience, r.name, r.xmin, r.ctid), ',' ORDER BY r.audience, r.name))
       FROM segments.relation_config r
      WHERE r.audience IN (SELECT a.source FROM segments.audience_config a WHERE a.name = ANY ($2))),
    -- Which live audiences have one of the tables as a relation
    (SELECT md5(string_agg(concat_ws(' ', a.name, a.xmin, a.ctid, r.name), ',' ORDER BY a.name, r.name))
       FROM segments.relation_config r
       JOIN segments.audience_config a ON a.source = r.audience AND a.freshness = 'live'
      WHERE r.relation::oid = ANY ($1)))";

const DESCRIBE: &str =
    concat!(include_str!("../../sql/queries/types_of_columns.sql"), include_str!("../../sql/queries/fingerprint.sql"));
