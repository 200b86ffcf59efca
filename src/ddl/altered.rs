//! Following DROP and ALTER commands on relations of audiences. The event triggers of sql/following.sql call these
//! functions, with the rights of the extension's owner.

use crate::catalog::audience::{Audience, Related};
use crate::catalog::source;
use crate::ddl::invalidation::{forget_over, warn_unrecorded};
use crate::ddl::renamed::{follow_columns, follow_row_columns};
use crate::pg::error::{Failure, listed};
use crate::pg::query::{self, Row};
use crate::pg::snapshot;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};

/// Removes relations that a command has dropped from the definitions of audiences.
#[pg_extern(sql = false)]
fn forget_dropped() {
    let dropped: Vec<Oid> = query::rows(DROPPED, &[], |row| row.get(1));
    forget_rows(&dropped);
    let read = |row: &Row<'_>| (row.get::<String>(1), row.nullable::<Oid>(2));
    let concerned = query::rows(CONCERNED, &[dropped.clone().into()], read);
    // Even an UPDATE that finds no row would make every session compare the definitions again.
    if concerned.is_empty() {
        return;
    }
    query::write(HOLD, &[dropped.clone().into()]);
    query::write(FORGET_CONTACTS, &[dropped.clone().into()]);
    let without_subscriptions = concerned.into_iter().filter_map(|(audience, table)| Some((audience, table?)));
    let (sources, tables): (Vec<String>, Vec<Oid>) = without_subscriptions.unzip();
    warn_unrecorded(sources.iter().flat_map(|source| source::live_audiences(source)).collect());
    forget_over(tables);
    query::write(FORGET_SUBSCRIPTIONS, &[dropped.into()]);
}

/// Writes the new names of relations and columns that a command has renamed into the definitions of audiences, and into
/// the conditions of their segments.
#[pg_extern(sql = false)]
fn follow_altered() {
    let relations: Vec<Oid> = query::rows(ALTERED, &[], |row| row.get(1));
    follow_rows(&relations);
    // As above, nothing is updated if nothing has changed.
    if query::first(HAS_CHANGED, &[relations.clone().into()], |row| row.get(1)) != Some(true) {
        return;
    }
    query::write(HOLD, &[relations.clone().into()]);
    let audiences = query::write_rows(FOLLOW, &[relations.into()], |row| Altered {
        source: row.get(1),
        contacts: row.get(2),
        subscriptions: row.nullable(3),
        before: row.nullable(4).unwrap_or_default(),
        after: row.get(5),
    });
    let changed: Vec<&Altered> = audiences.iter().filter(|altered| altered.has_other_columns()).collect();
    let reread = changed.iter().flat_map(|altered| altered.watching_lost_columns()).collect();
    let mut tables = Vec::new();
    for altered in changed {
        let columns = altered.renamed_columns();
        if !columns.is_empty() {
            snapshot::latest(|| follow_columns(&altered.source, columns));
        }
        if altered.may_change_members() {
            tables.extend([Some(altered.contacts), altered.subscriptions].into_iter().flatten());
        }
    }
    // This comes last, because it locks counts.
    forget_over(tables);
    warn_unrecorded(reread);
}

/// Removes tables that a command has dropped from the definitions of relations.
fn forget_rows(dropped: &[Oid]) {
    if Related::are_known() && query::first(HAS_ROWS, &[dropped.to_vec().into()], |row| row.get(1)) == Some(true) {
        query::write(HOLD_ROWS, &[dropped.to_vec().into()]);
        forget_counts_over(dropped.to_vec(), true);
        query::write(FORGET_ROWS, &[dropped.to_vec().into()]);
    }
}

/// Writes the new names of tables and columns into the definitions of relations, and into the conditions of segments.
fn follow_rows(tables: &[Oid]) {
    let have_changed = || query::first(ROWS_HAVE_CHANGED, &[tables.to_vec().into()], |row| row.get(1)) == Some(true);
    if !(Related::are_known() && have_changed()) {
        return;
    }
    query::write(HOLD_ROWS, &[tables.to_vec().into()]);
    let read = |row: &Row<'_>| {
        let (before, after) = (row.nullable::<Vec<String>>(4).unwrap_or_default(), row.get::<Vec<String>>(5));
        let table: Oid = row.get(3);
        let gone: Vec<String> = before.iter().filter(|column| !after.contains(column)).cloned().collect();
        let is_lost = !before.is_empty() && !identities(&before).is_subset(&identities(&after));
        let is_other = !before.is_empty() && identities(&before) != identities(&after);
        let columns = renamed_columns(&before, &after, table);
        (row.get::<String>(1), row.get::<String>(2), columns, gone, is_other.then_some((table, is_lost)))
    };
    let mut others = Vec::new();
    for (source, relation, columns, gone, other) in query::write_rows(FOLLOW_ROWS, &[tables.to_vec().into()], read) {
        if !columns.is_empty() {
            snapshot::latest(|| follow_row_columns(&source, &relation, columns));
        }
        if !gone.is_empty() {
            warn_lost(&source, &relation, &gone);
        }
        others.extend(other);
    }
    // A column that is gone, or is new, may uncover a key of the same name, or hide one.
    for (table, is_lost) in others {
        forget_counts_over(vec![table], is_lost);
    }
}

/// Forgets the counts of the live audiences that have one of the tables as a relation, and warns of watched segments if
/// rows, or columns of them, are lost.
fn forget_counts_over(tables: Vec<Oid>, are_lost: bool) {
    if are_lost {
        let audiences = query::rows(LIVE_OVER_ROWS, &[tables.clone().into()], |row| row.get(1));
        warn_unrecorded(audiences);
    }
    forget_over(tables);
}

/// What a rename does not change of columns from such a list.
fn identities(columns: &[String]) -> HashSet<(&str, &str, &str)> {
    columns.iter().filter_map(|column| Some(Listed::read(column)?.identity())).collect()
}

/// Warns that a relation has lost columns that it was attached with, or cannot be read at all, because these columns of its
/// table are gone or have another name or type now.
fn warn_lost(source: &str, relation: &str, gone: &[String]) {
    let Ok(mut loaded) = snapshot::latest(|| Audience::unrestricted(source)) else { return };
    loaded.restrict_relations();
    let gone: Vec<&str> = gone.iter().filter_map(|column| Some(Listed::read(column)?.name)).collect();
    let lost = match loaded.related(relation).map(|related| &related.rows) {
        None => return,
        Some(Err(why)) => why.clone(),
        Some(Ok(related)) => {
            let lost = related.rows.lost.iter().filter(|column| gone.contains(&column.as_str())).cloned();
            let lost: Vec<String> = lost.collect();
            if lost.is_empty() {
                return;
            }
            format!("relation \"{relation}\" of audience \"{source}\" has lost {}", listed(&lost))
        }
    };
    Failure::new(PgSqlErrorCode::ERRCODE_WARNING, lost)
        .detail("Conditions that need it make no sense any more.")
        .hint("Attach the table again with attach_relation(), which keeps the segments.")
        .warning();
}

/// An audience with an altered table of its own.
struct Altered {
    source: String,
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

    /// Whether members may have changed: a column is gone or is read otherwise, or a new one takes over a name that a
    /// declaration or a filter has.
    fn may_change_members(&self) -> bool {
        let after: HashSet<&String> = self.after.iter().collect();
        if self.before.iter().any(|column| !after.contains(column)) {
            return true;
        }
        let before: HashSet<&String> = self.before.iter().collect();
        let added =
            self.after.iter().filter(|column| !before.contains(column)).filter_map(|column| Listed::read(column));
        let added: Vec<String> = added.map(|column| column.name.to_owned()).collect();
        query::first(TAKES_OVER, &[self.source.as_str().into(), added.into()], |row| row.get(1)) == Some(true)
    }

    /// The audiences whose watched segments may read columns that are gone or have another type now.
    fn watching_lost_columns(&self) -> Vec<String> {
        let kept: HashSet<_> = self.after.iter().filter_map(|column| Some(Listed::read(column)?.identity())).collect();
        let lost = self.before.iter().filter_map(|column| Listed::read(column));
        let lost: Vec<String> =
            lost.filter(|column| !kept.contains(&column.identity())).map(|column| column.name.to_owned()).collect();
        if lost.is_empty() {
            return Vec::new();
        }
        query::rows(READS_COLUMNS, &[self.source.as_str().into(), lost.into()], |row| row.get(1))
    }

    /// The old and the new name of each renamed column of the contacts' table.
    fn renamed_columns(&self) -> Vec<(String, String)> {
        renamed_columns(&self.before, &self.after, self.contacts)
    }
}

/// The old and the new name of each renamed column of a table, from two such lists.
fn renamed_columns(before: &[String], after: &[String], table: Oid) -> Vec<(String, String)> {
    let (before, after) = (names(before, table), names(after, table));
    let renamed = before.into_iter().filter_map(|(number, before)| Some((before, *after.get(number)?)));
    let renamed = renamed.filter(|(before, after)| before != after);
    renamed.map(|(before, after)| (before.to_owned(), after.to_owned())).collect()
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
SELECT t.audience, CASE WHEN t.topics_relation::oid = ANY ($1) THEN t.topics_relation::oid END
  FROM segments.table_config t
 WHERE t.relation::oid = ANY ($1) OR t.topics_relation::oid = ANY ($1)";

/// Which definitions use one of the tables: those of audiences, and those of relations.
macro_rules! audiences {
    () => {
        "segments.table_config d WHERE (d.relation::oid = ANY ($1) OR d.topics_relation::oid = ANY ($1))"
    };
}
macro_rules! relations {
    () => {
        "segments.relation_config d WHERE d.relation::oid = ANY ($1)"
    };
}

/// Locks the audiences of definitions. Whoever creates or changes a segment waits for the names that it is then checked
/// against.
macro_rules! hold {
    ($definitions:expr) => {
        concat!(
            "SELECT FROM segments.audience_config a WHERE a.name IN (SELECT d.audience FROM ",
            $definitions,
            ") ORDER BY a.name FOR NO KEY UPDATE"
        )
    };
}

/// Whether names in definitions are not the present ones.
macro_rules! have_changed {
    ($definitions:expr) => {
        concat!(
            "SELECT EXISTS (SELECT FROM ",
            $definitions,
            " AND to_jsonb(segments.follow_columns(d)) <> to_jsonb(d))"
        )
    };
}

/// Takes the tables out of a column of definitions.
macro_rules! forget {
    ($table:literal, $column:literal) => {
        concat!("UPDATE segments.", $table, " SET ", $column, " = 0::oid WHERE ", $column, "::oid = ANY ($1)")
    };
}

const HOLD: &str = hold!(audiences!());
const HOLD_ROWS: &str = hold!(relations!());

const FORGET_CONTACTS: &str = forget!("table_config", "relation");
const FORGET_SUBSCRIPTIONS: &str = forget!("table_config", "topics_relation");
const FORGET_ROWS: &str = forget!("relation_config", "relation");

const HAS_CHANGED: &str = have_changed!(audiences!());
const ROWS_HAVE_CHANGED: &str = have_changed!(relations!());

const HAS_ROWS: &str = concat!("SELECT EXISTS (SELECT FROM ", relations!(), ")");

const LIVE_OVER_ROWS: &str = "
SELECT DISTINCT a.name FROM segments.relation_config r
  JOIN segments.audience_config a ON a.source = r.audience AND a.freshness = 'live'
 WHERE r.relation::oid = ANY ($1)";

const FOLLOW_ROWS: &str = include_str!("../../sql/queries/follow_altered_rows.sql");

const ALTERED: &str = include_str!("../../sql/queries/altered_relations.sql");

const FOLLOW: &str = include_str!("../../sql/queries/follow_altered_relations.sql");

// A property inside another is declared by its path.
const TAKES_OVER: &str = "
SELECT EXISTS (SELECT FROM segments.property_config p, unnest($2) c(name)
                WHERE p.audience = $1 AND (p.name = c.name OR starts_with(p.name, c.name || '.') OR c.name ~ '[.\\\\$]'))
    OR EXISTS (SELECT FROM segments.audience_config a WHERE a.source = $1 AND segments.fields_of(a.scope) && $2)";

const READS_COLUMNS: &str = include_str!("../../sql/queries/reads_columns.sql");
