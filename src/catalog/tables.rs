//! Which tables the extension has. The library may be newer than the extension, until ALTER EXTENSION has updated it.

use crate::pg::query;
use crate::pg::relcache::{self, Changed};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    /// The tables that were found. An update adds tables; DROP EXTENSION, of which every session is told, takes them away
    static FOUND: RefCell<HashMap<&'static str, Oid>> = RefCell::default();
}

/// Whether the extension has a table of that name.
pub fn has(name: &'static str) -> bool {
    if FOUND.with_borrow(|found| found.contains_key(name)) {
        return true;
    }
    relcache::on_invalidation(heard);
    let found = query::first(FIND, &[name.into()], |row| row.get::<Oid>(1));
    FOUND.with_borrow_mut(|known| known.extend(found.map(|table| (name, table))));
    found.is_some()
}

/// Receives a message about a change.
fn heard(changed: Changed) {
    FOUND.with(|found| {
        // The map is borrowed only while an entry is looked up or added.
        let Ok(mut found) = found.try_borrow_mut() else { return };
        match changed {
            Changed::Relation(relation) => found.retain(|_, table| *table != relation),
            Changed::Anything => found.clear(),
            Changed::Type(_) | Changed::Schema => {}
        }
    });
}

const FIND: &str = "
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'segments' AND c.relname = $1";
