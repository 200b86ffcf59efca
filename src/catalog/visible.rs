//! Whether the caller may see a cached count.

use crate::catalog::access::{extension_owner, is_shown_counts};
use crate::catalog::audience::{Audience, Subscriptions, TableKind, TableRef};
use crate::catalog::columns;
use crate::catalog::environment::CheckedCondition;
use crate::catalog::obstacle::Obstacle;
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::pg::{query, security};
use segments_core::error::Error;
use segments_core::expr::{Checked, Expr};
use segments_core::sql::{self, UsedRelation};
use std::collections::{HashMap, HashSet};

/// Whether the caller may see the cached count of a segment. The audience is `None` if it cannot be loaded.
pub fn shows_count(audience: Option<&Audience>, segment: &Definition) -> bool {
    match audience.and_then(|audience| Some((audience, Reads::of_segment(audience, segment)?))) {
        Some((audience, reads)) => Visible::default().shows(audience, &reads),
        None => is_shown_counts(&segment.audience),
    }
}

/// Whether the caller could have counted a segment without us: may SELECT every column that the condition uses, is not
/// restricted by row security, and does not read through another role's view.
pub fn may_count(audience: &Audience, segment: &Definition) -> bool {
    Reads::of_segment(audience, segment).is_some_and(|reads| may_select(audience, &reads))
}

/// Whether the caller may learn the ids of a segment's contacts: could have counted the segment, and may read the id
/// column.
pub fn may_identify(audience: &Audience, segment: &Definition) -> bool {
    may_read(&audience.relation, std::slice::from_ref(&audience.id.name)) && may_count(audience, segment)
}

/// The columns and tables that a condition reads, the audience's filter included.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reads {
    columns: Vec<String>,
    topics: bool,
    /// The names of relations, each with the columns of its table
    relations: Vec<(String, Vec<String>)>,
}

impl Reads {
    /// The columns and tables that a condition over the audience reads.
    pub fn of(audience: &Audience, checked: &Checked) -> Self {
        let checked = Expr::and([audience.restriction.clone(), checked.clone()]);
        let used = sql::used(&checked, &audience.table);
        let columns = used.columns.iter().map(|column| &column.name);
        let properties = used.properties.iter().map(|column| &column.name);
        let id = used.topics.iter().map(|topics| &topics.id_column);
        let mut columns: Vec<String> = columns.chain(properties).chain(id).cloned().collect();
        columns.sort();
        let of_relation = |used: UsedRelation<'_>| {
            let mut columns: Vec<String> = used.columns.into_iter().map(str::to_owned).collect();
            columns.sort();
            (used.relation.name.clone(), columns)
        };
        let mut relations: Vec<(String, Vec<String>)> = used.relations.into_iter().map(of_relation).collect();
        relations.sort();
        Reads { columns, topics: used.topics.is_some(), relations }
    }

    /// The same, and the whole column with the custom properties.
    pub fn with_properties(mut self, audience: &Audience) -> Self {
        self.columns.extend(audience.table.properties.as_ref().map(|properties| properties.name.clone()));
        self
    }

    /// What a segment's condition reads; `None` if it is no longer valid.
    fn of_segment(audience: &Audience, segment: &Definition) -> Option<Self> {
        let checked = security::as_role(extension_owner(), || scope::check_segment(audience, segment)).ok()?;
        Some(Reads::of(audience, &checked.checked))
    }

    /// The first obstacle to counting what is read with the rights of the owner of the contacts' table, as cached counts are;
    /// `None` if it can be counted.
    pub fn obstacle_to_counting(&self, audience: &Audience) -> Option<Obstacle> {
        self.relations.iter().find_map(|(name, columns)| Obstacle::to_counting(audience, name, columns))
    }

    /// Whether the column is read.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }
}

/// Decides for many segments of one audience which counts the caller may see.
#[derive(Default)]
pub struct Visible {
    /// Whether the caller may read the whole table. If so, single columns need not be checked
    reads_table: Option<bool>,
    known: HashMap<Reads, bool>,
    /// Whether the caller sees every count of the audience
    is_shown_counts: Option<bool>,
}

impl Visible {
    /// Whether the caller may see the count of a segment with these reads.
    pub fn shows(&mut self, audience: &Audience, reads: &Reads) -> bool {
        let reads_table = *self.reads_table.get_or_insert_with(|| may_read_table(&audience.relation));
        if reads_table && !reads.topics && reads.relations.is_empty() {
            return true;
        }
        if let Some(known) = self.known.get(reads) {
            return *known;
        }
        let mut is_shown_counts = || *self.is_shown_counts.get_or_insert_with(|| is_shown_counts(&audience.name));
        let shows =
            (may_select(audience, reads) || is_shown_counts()) && reads.obstacle_to_counting(audience).is_none();
        self.known.insert(reads.clone(), shows);
        shows
    }
}

/// Whether the caller may SELECT everything that a condition reads, and sees the same rows as the table's owner.
pub fn may_select(audience: &Audience, reads: &Reads) -> bool {
    let may_read_topics = match (reads.topics, &audience.topics, &audience.table.topics) {
        (true, Subscriptions::In(relation), Some(topics)) => {
            may_read(relation, &[topics.contact_column.clone(), topics.topic_column.name.clone()])
        }
        _ => true,
    };
    let may_read_rows = |(name, columns): &(String, Vec<String>)| {
        let rows = audience.related(name).and_then(|related| related.rows.as_ref().ok());
        rows.is_some_and(|related| may_read(&related.rows.relation, columns))
    };
    may_read_topics && may_read(&audience.relation, &reads.columns) && reads.relations.iter().all(may_read_rows)
}

/// The checked condition of a segment whose members are to be read with the rights of the owner of the contacts' table. The
/// caller has the rights of the extension's owner.
///
/// # Errors
/// Why they cannot be read: the condition is not valid, or there is an obstacle.
pub fn counted_condition(audience: &Audience, segment: &Definition) -> Result<CheckedCondition, String> {
    let first = |errors: Vec<Error>| errors.into_iter().next().map(|error| error.message).unwrap_or_default();
    let condition = scope::check_segment(audience, segment).map_err(first)?;
    let reads = condition.checked.reads_rows().then(|| Reads::of(audience, &condition.checked));
    let obstacle = reads.and_then(|reads| reads.obstacle_to_counting(audience));
    obstacle.map_or(Ok(condition), |obstacle| Err(obstacle.message()))
}

/// The columns of an audience's table that the caller may SELECT.
pub fn readable_columns(audience: &Audience) -> HashSet<String> {
    query::rows(READABLE, &[audience.relation.oid.into()], |row| row.get::<String>(1)).into_iter().collect()
}

/// Whether the caller may SELECT the columns of a relation, and sees all of its rows. Without named columns, one
/// readable column is enough.
fn may_read(relation: &TableRef, columns: &[String]) -> bool {
    sees_all_rows(relation) && columns::may_select(relation.oid, columns)
}

fn may_read_table(relation: &TableRef) -> bool {
    let granted = || query::first(MAY_SELECT_TABLE, &[relation.oid.into()], |row| row.get::<bool>(1)) == Some(true);
    sees_all_rows(relation) && granted()
}

fn sees_all_rows(relation: &TableRef) -> bool {
    match relation.kind {
        TableKind::Table => !security::row_security_applies(relation.oid),
        // The rows of a view may depend on the role that reads it, and the view reads tables with its owner's rights.
        TableKind::View => security::has_rights_of(relation.owner),
        TableKind::Foreign => {
            let arguments = [relation.oid.into(), security::current_role().into(), relation.owner.into()];
            query::first(SAME_MAPPING, &arguments, |row| row.get::<bool>(1)) == Some(true)
        }
    }
}

const READABLE: &str = "
SELECT a.attname::text FROM pg_attribute a
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')";

const MAY_SELECT_TABLE: &str = "
SELECT has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
  FROM pg_class c WHERE c.oid = $1";

// With another user mapping, the foreign server may show the caller other rows than the owner.
const SAME_MAPPING: &str = "
SELECT $2 = $3 OR NOT EXISTS (
       SELECT FROM pg_foreign_table f
         JOIN pg_user_mappings m ON m.srvid = f.ftserver
        WHERE f.ftrelid = $1 AND m.umuser = ANY (ARRAY[$2, $3]))";
