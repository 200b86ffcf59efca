//! Following DROP and ALTER commands on relations of audiences. The event triggers of sql/following.sql call these
//! functions, with the rights of the extension's owner.

use crate::ddl::invalidation::{forget_over, warn_unrecorded};
use crate::ddl::renamed::follow_columns;
use crate::pg::query::{self, Row};
use crate::pg::snapshot;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};

/// Removes relations that a command has dropped from the definitions of audiences.
#[pg_extern(sql = false)]
fn forget_dropped() {
    let dropped: Vec<Oid> = query::rows(DROPPED, &[], |row| row.get(1));
    let read = |row: &Row<'_>| (row.get::<String>(1), row.nullable::<Oid>(2));
    let concerned = query::rows(CONCERNED, &[dropped.clone().into()], read);
    // Even an UPDATE that finds no row would make every session compare the definitions again.
    if concerned.is_empty() {
        return;
    }
    query::write(FORGET_CONTACTS, &[dropped.clone().into()]);
    let without_subscriptions = concerned.into_iter().filter_map(|(audience, table)| Some((audience, table?)));
    let (audiences, tables) = without_subscriptions.unzip();
    warn_unrecorded(audiences);
    forget_over(tables);
    query::write(FORGET_SUBSCRIPTIONS, &[dropped.into()]);
}

/// Writes the new names of relations and columns that a command has renamed into the definitions of audiences, and into
/// the conditions of their segments.
#[pg_extern(sql = false)]
fn follow_altered() {
    let relations: Vec<Oid> = query::rows(ALTERED, &[], |row| row.get(1));
    // As above, nothing is updated if nothing has changed.
    if query::first(HAS_CHANGED, &[relations.clone().into()], |row| row.get(1)) != Some(true) {
        return;
    }
    let audiences = query::write_rows(FOLLOW, &[relations.into()], |row| Altered {
        audience: row.get(1),
        contacts: row.get(2),
        subscriptions: row.nullable(3),
        before: row.nullable(4).unwrap_or_default(),
        after: row.get(5),
    });
    let changed: Vec<&Altered> = audiences.iter().filter(|altered| altered.has_other_columns()).collect();
    let reread = changed.iter().filter(|altered| altered.watches_lost_columns());
    let reread = reread.map(|altered| altered.audience.clone()).collect();
    let mut tables = Vec::new();
    for altered in changed {
        let columns = altered.renamed_columns();
        if !columns.is_empty() {
            snapshot::latest(|| follow_columns(&altered.audience, columns));
        }
        tables.extend([Some(altered.contacts), altered.subscriptions].into_iter().flatten());
    }
    // A new column may take over the name of a custom property. This comes last, because it locks counts.
    forget_over(tables);
    warn_unrecorded(reread);
}

/// An audience with an altered table.
struct Altered {
    audience: String,
    contacts: Oid,
    subscriptions: Option<Oid>,
    /// The columns of both tables before the command and after it, each as the text `table number type name`
    before: Vec<String>,
    after: Vec<String>,
}

impl Altered {
    /// Whether the columns were listed before the command, and differ now.
    fn has_other_columns(&self) -> bool {
        !self.before.is_empty() && self.before != self.after
    }

    /// Whether watched segments may read columns that are gone or have another type now.
    fn watches_lost_columns(&self) -> bool {
        let kept: HashSet<_> = self.after.iter().filter_map(|column| Some(Listed::read(column)?.identity())).collect();
        let lost = self.before.iter().filter_map(|column| Listed::read(column));
        let lost: Vec<String> =
            lost.filter(|column| !kept.contains(&column.identity())).map(|column| column.name.to_owned()).collect();
        !lost.is_empty() && query::first(READS_COLUMNS, &[self.audience.as_str().into(), lost.into()], |_| ()).is_some()
    }

    /// The old and the new name of each renamed column of the contacts' table.
    fn renamed_columns(&self) -> Vec<(String, String)> {
        let (before, after) = (names(&self.before, self.contacts), names(&self.after, self.contacts));
        let renamed = before.into_iter().filter_map(|(number, before)| Some((before, *after.get(number)?)));
        let renamed = renamed.filter(|(before, after)| before != after);
        renamed.map(|(before, after)| (before.to_owned(), after.to_owned())).collect()
    }
}

/// The names of a table's columns by number, from such a list.
fn names(columns: &[String], table: Oid) -> HashMap<&str, &str> {
    let table = table.to_u32().to_string();
    let columns = columns.iter().filter_map(|column| Listed::read(column)).filter(|column| column.table == table);
    columns.map(|column| (column.number, column.name)).collect()
}

/// A column from such a list.
struct Listed<'a> {
    table: &'a str,
    number: &'a str,
    type_id: &'a str,
    name: &'a str,
}

impl<'a> Listed<'a> {
    fn read(column: &'a str) -> Option<Self> {
        let mut parts = column.splitn(4, ' ');
        Some(Listed { table: parts.next()?, number: parts.next()?, type_id: parts.next()?, name: parts.next()? })
    }

    /// The properties of a column that a rename does not change: its table, number and type.
    fn identity(&self) -> (&'a str, &'a str, &'a str) {
        (self.table, self.number, self.type_id)
    }
}

const DROPPED: &str = "
SELECT d.objid FROM pg_event_trigger_dropped_objects() d WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0";

// The audiences that use one of the tables, each with its table of subscriptions if that was dropped.
const CONCERNED: &str = "
SELECT a.name, CASE WHEN a.topics_relation::oid = ANY ($1) THEN a.topics_relation::oid END
  FROM segments.audience_config a
 WHERE a.relation::oid = ANY ($1) OR a.topics_relation::oid = ANY ($1)";

const FORGET_CONTACTS: &str = "
UPDATE segments.audience_config SET relation = 0::oid WHERE relation::oid = ANY ($1)";

const FORGET_SUBSCRIPTIONS: &str = "
UPDATE segments.audience_config SET topics_relation = 0::oid WHERE topics_relation::oid = ANY ($1)";

const ALTERED: &str = include_str!("../../sql/queries/altered_relations.sql");

const HAS_CHANGED: &str = "
SELECT EXISTS (SELECT FROM segments.audience_config a
                WHERE (a.relation::oid = ANY ($1) OR a.topics_relation::oid = ANY ($1))
                  AND to_jsonb(segments.follow_columns(a)) <> to_jsonb(a))";

const FOLLOW: &str = include_str!("../../sql/queries/follow_altered_relations.sql");

const READS_COLUMNS: &str = include_str!("../../sql/queries/reads_columns.sql");
