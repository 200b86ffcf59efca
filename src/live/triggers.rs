//! The triggers on the tables of live audiences. They belong to the tables, so dumps contain them, and owners can
//! rename or disable them. So the extension recognises a trigger by what it does, not by its name.

use crate::catalog::access;
use crate::catalog::table_tree::describe;
use crate::live::{live_tables, own_commands};
use crate::pg::spi::QueryText;
use crate::pg::{query, snapshot};
use pgrx::pg_sys::Oid;
use pgrx::spi::quote_identifier;

/// A trigger that the table of a live audience must have.
struct Trigger {
    /// The name that it is created with. The table's owner may rename it
    name: &'static str,
    event: &'static str,
    /// `pg_trigger.tgtype` of that event
    kind: i16,
    /// Whether it has the transition tables of old and of new rows
    old: bool,
    new: bool,
}

const TRIGGERS: [Trigger; 6] = [
    // Triggers fire in the order of their names. Statements of a trigger that fires before this one are not recognised
    // as being inside the statement, so the name comes first.
    Trigger {
        name: "_segments_live_begin",
        event: "BEFORE INSERT OR DELETE OR UPDATE",
        kind: 30,
        old: false,
        new: false,
    },
    Trigger { name: "segments_live_insert", event: "AFTER INSERT", kind: 4, old: false, new: true },
    Trigger { name: "segments_live_update", event: "AFTER UPDATE", kind: 16, old: true, new: true },
    Trigger { name: "segments_live_delete", event: "AFTER DELETE", kind: 8, old: true, new: false },
    Trigger { name: "segments_live_truncate", event: "BEFORE TRUNCATE", kind: 34, old: false, new: false },
    Trigger { name: "segments_live_truncated", event: "AFTER TRUNCATE", kind: 32, old: false, new: false },
];

impl Trigger {
    fn create(&self, table: &str) -> String {
        let Trigger { name, event, .. } = self;
        let rows = match (self.old, self.new) {
            (false, false) => "",
            (true, false) => "REFERENCING OLD TABLE AS segments_old",
            (false, true) => "REFERENCING NEW TABLE AS segments_new",
            (true, true) => "REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new",
        };
        format!(
            "CREATE TRIGGER {name} {event} ON {table} {rows} FOR EACH STATEMENT EXECUTE FUNCTION segments.keep_counts()"
        )
    }

    /// Whether an existing trigger does the same: it fires for each statement of the event, with the same transition
    /// tables.
    fn is(&self, present: &Present) -> bool {
        let table = |has: bool, name: &str| has.then(|| name.to_owned());
        present.is_plain
            && present.kind == self.kind
            && present.old == table(self.old, "segments_old")
            && present.new == table(self.new, "segments_new")
    }
}

/// An existing trigger of a table that calls the extension's function.
struct Present {
    table: Oid,
    name: String,
    kind: i16,
    old: Option<String>,
    new: Option<String>,
    /// Whether it has no WHEN, no columns and no arguments
    is_plain: bool,
    fires: Fires,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fires {
    /// It fires whatever `session_replication_role` is
    Always,
    /// It does not fire in replicas, as after ENABLE TRIGGER ALL
    Elsewhere,
    Not,
}

/// Creates the missing triggers of a table and drops wrong ones. Returns whether something was missing or wrong.
pub fn add_triggers(table: Oid) -> bool {
    let mut present = snapshot::latest(|| triggers_of(&[table]));
    let quoted = describe(table).quoted();
    let mut changed = false;
    let mut change = |sql: &str| {
        change_triggers(sql);
        changed = true;
    };
    let mut missing = Vec::new();
    for trigger in TRIGGERS {
        match present.iter().position(|present| trigger.is(present)) {
            Some(position) => {
                let found = present.remove(position);
                if found.fires != Fires::Always {
                    change(&always(&quoted, &found.name));
                }
            }
            None => missing.push(trigger),
        }
    }
    for other in present {
        change(&drop(&quoted, &other.name));
    }
    for trigger in missing {
        change(&trigger.create(&quoted));
        change(&always(&quoted, trigger.name));
    }
    changed
}

/// Drops the triggers of a table that no live audience uses any more.
pub fn drop_unused_triggers(table: Oid) {
    if live_tables::has_live_audience(table) {
        return;
    }
    let quoted = describe(table).quoted();
    for Present { name, .. } in snapshot::latest(|| triggers_of(&[table])) {
        change_triggers(&drop(&quoted, &name));
    }
}

/// The tables whose triggers are missing, wrong or disabled. Triggers that their owner has enabled again with a plain
/// ENABLE TRIGGER are first set to fire always.
pub fn silent_tables(tables: &[Oid]) -> Vec<Oid> {
    let silent = without_triggers(tables);
    let enabled: Vec<Present> =
        triggers_of(&silent).into_iter().filter(|present| present.fires == Fires::Elsewhere).collect();
    if enabled.is_empty() {
        return silent;
    }
    for present in enabled {
        change_triggers(&always(&describe(present.table).quoted(), &present.name));
    }
    snapshot::latest(|| without_triggers(&silent))
}

/// The tables that do not have each trigger exactly once, unchanged and firing always, and no other one.
pub fn without_triggers(tables: &[Oid]) -> Vec<Oid> {
    let present = triggers_of(tables);
    let has_all = |table: Oid| {
        let of_table = || present.iter().filter(|present| present.table == table);
        let is_there =
            |trigger: &Trigger| of_table().any(|present| present.fires == Fires::Always && trigger.is(present));
        of_table().count() == TRIGGERS.len() && TRIGGERS.iter().all(is_there)
    };
    tables.iter().copied().filter(|table| !has_all(*table)).collect()
}

fn always(table: &str, name: &str) -> String {
    format!("ALTER TABLE ONLY {table} ENABLE ALWAYS TRIGGER {}", quote_identifier(name))
}

fn drop(table: &str, name: &str) -> String {
    format!("DROP TRIGGER {} ON {table}", quote_identifier(name))
}

fn change_triggers(sql: &str) {
    own_commands::unfollowed(|| access::write(QueryText::Made(sql), &[]));
}

fn triggers_of(tables: &[Oid]) -> Vec<Present> {
    query::rows(PRESENT, &[tables.to_vec().into()], |row| Present {
        table: row.get(1),
        name: row.get(2),
        kind: row.get(3),
        old: row.nullable(4),
        new: row.nullable(5),
        is_plain: row.get(6),
        fires: match row.get::<String>(7).as_str() {
            "A" => Fires::Always,
            "O" => Fires::Elsewhere,
            _ => Fires::Not,
        },
    })
}

const PRESENT: &str = "
SELECT t.tgrelid, t.tgname::text, t.tgtype, t.tgoldtable::text, t.tgnewtable::text,
       t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr::text = ''
       AND t.tgconstraint = 0, t.tgenabled::text
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal
   AND n.nspname = 'segments' AND p.proname = 'keep_counts'
 ORDER BY t.tgrelid, t.tgname";
