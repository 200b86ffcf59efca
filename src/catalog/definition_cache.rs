//! Whether what a backend has compiled of definitions and tables can still be used.
//!
//! Every session hears of each change: of definitions by the triggers of the tables that hold them (see sql/live.sql),
//! of tables and the types of their columns by Postgres's own invalidation of its caches. Most of that is about other
//! audiences, or comes of a VACUUM. So what was heard of is looked at, which is cheap beside compiling a thousand
//! conditions.

use crate::catalog::access;
use crate::pg::relcache::{self, Changed, TypeHash};
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// What a thing was compiled from.
pub struct Sources {
    pub audiences: Vec<String>,
    /// Those of the audiences, and what they are parts of
    pub tables: Vec<Oid>,
}

/// Of one thing that was compiled.
pub struct Validity {
    sources: Sources,
    /// What they were like
    described: OnceCell<String>,
    /// The types of the tables' columns, and what these are made of: SQL that was compiled names them
    types: Vec<TypeHash>,
    /// The tables that hold definitions
    definitions: Vec<Oid>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Current,
    /// If its sources are still as they were
    Perhaps,
    /// That is being looked at; or was, and an error came of it
    Looking,
    Outdated,
}

thread_local! {
    static WATCHED: RefCell<Vec<Weak<Validity>>> = RefCell::default();
}

impl Validity {
    /// Of what is to be compiled now from what `find` finds. To be asked for before anything is looked up, so that word
    /// of a change that arrives meanwhile is not lost.
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

    /// Whether all is still as it was: as of the latest definitions that were committed, or made by this transaction.
    pub fn holds(&self) -> bool {
        if matches!(self.state.get(), State::Perhaps | State::Looking) {
            // Before looking: what is heard meanwhile counts.
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
        let arguments = [self.audiences.clone().into(), self.tables.clone().into()];
        let read = || query::first(DESCRIBE, &arguments, |row| row.nullable(1)).flatten().unwrap_or_default();
        security::as_role(access::extension_owner(), || snapshot::latest(read))
    }
}

/// Hears that something has changed.
fn heard(changed: Changed) {
    WATCHED.with(|watched| {
        // It is borrowed only to be added to.
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

const DEFINITIONS: &str = "
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'segments'
   AND c.relname = ANY ('{audience_config,property_config,topic_config,segment_config,segment_reference,watch_config}')";

macro_rules! with_types {
    ($tables:literal, $select:literal) => {
        concat!(
            "WITH RECURSIVE type(oid) AS (
                SELECT a.atttypid FROM pg_attribute a
                 WHERE a.attrelid = ANY (",
            $tables,
            ") AND a.attnum > 0
                UNION
                SELECT part.oid FROM type
                  JOIN pg_type t ON t.oid = type.oid
                 CROSS JOIN LATERAL unnest(ARRAY[t.typelem, t.typbasetype]) part(oid)) ",
            $select
        )
    };
}

const TYPES: &str = with_types!("$1", "SELECT type.oid FROM type WHERE type.oid <> 0");

// Of definitions, which version of each row it is. Of tables, all that conditions depend on: names, columns and owner,
// whether row security applies to that, which indexes are unique, what they are parts of, and foreign keys, whose triggers may be off. Of their
// columns' types, the names.
const DESCRIBE: &str = with_types!("$2", "
SELECT concat_ws(';',
    (SELECT string_agg(concat_ws(' ', t.oid, n.nspname, t.typname), ',' ORDER BY t.oid)
       FROM type JOIN pg_type t ON t.oid = type.oid
       JOIN pg_namespace n ON n.oid = t.typnamespace),
    (SELECT string_agg(concat_ws(' ', a.name, a.xmin, a.ctid), ',' ORDER BY a.name)
       FROM segments.audience_config a
      WHERE a.name = ANY ($1) OR a.relation::oid = ANY ($2)
         OR a.topics_relation::oid = ANY ($2)),
    (SELECT md5(string_agg(concat_ws(' ', s.id, s.xmin, s.ctid, w.watched), ',' ORDER BY s.id))
       FROM segments.segment_config s LEFT JOIN segments.watch_config w ON w.segment = s.id
      WHERE s.audience = ANY ($1)),
    (SELECT md5(string_agg(concat_ws(' ', p.audience, p.name, p.xmin, p.ctid), ',' ORDER BY p.audience, p.name))
       FROM segments.property_config p WHERE p.audience = ANY ($1)),
    (SELECT md5(string_agg(concat_ws(' ', t.id, t.xmin, t.ctid), ',' ORDER BY t.id))
       FROM segments.topic_config t WHERE t.audience = ANY ($1)),
    (SELECT md5(string_agg(concat_ws(' ', r.segment, r.reference, r.target), ',' ORDER BY r.segment, r.reference))
       FROM segments.segment_reference r JOIN segments.segment_config s ON s.id = r.segment
      WHERE s.audience = ANY ($1)),
    (SELECT string_agg(concat_ws(' ', c.oid, c.relnamespace, c.relname, c.relowner, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
                (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.attcollation, a.attnotnull, a.attgenerated), ',' ORDER BY a.attnum)
                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
                (SELECT string_agg(i.indexrelid::text, ',' ORDER BY i.indexrelid) FROM pg_index i
                  WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid),
                EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid),
                (SELECT string_agg(i.inhparent::text, ',' ORDER BY i.inhparent)
                   FROM pg_inherits i WHERE i.inhrelid = c.oid),
                (SELECT string_agg(concat_ws(' ', k.oid, k.confrelid, k.convalidated, k.condeferrable,
                           (SELECT string_agg(t.tgenabled::text, '' ORDER BY t.oid) FROM pg_trigger t
                             WHERE t.tgrelid = c.oid AND t.tgconstraint = k.oid)), ',' ORDER BY k.oid)
                   FROM pg_constraint k
                  WHERE k.conrelid = c.oid AND k.contype = ANY ('{f,n}'))), '|' ORDER BY c.oid)
       FROM pg_class c WHERE c.oid = ANY ($2)))");
