//! Which counts triggers can keep, and why they cannot keep the others.

use crate::catalog::audience::{Audience, Other, Subscriptions, TOPICS};
use crate::catalog::segment::Definition;
use crate::catalog::visible::Reads;
use crate::catalog::{scope, table_tree};
use crate::live::changes::watched;
use crate::pg::{query, security};
use pgrx::pg_sys::Oid;
use segments_core::expr::{Atom, Checked, Expr};
use segments_core::sql;
use std::collections::HashSet;
use uuid::Uuid;

/// A segment whose count is kept by triggers.
#[derive(Clone)]
pub struct LiveSegment {
    pub id: Uuid,
    pub checked: Checked,
    /// The names of the other tables that its condition asks for: relations, and `$topic`
    pub asks_for: HashSet<String>,
    /// Whether triggers record its entries and exits
    pub is_watched: bool,
}

/// The segments of a live audience whose counts are kept by triggers.
pub fn segments(audience: &Audience) -> Vec<LiveSegment> {
    let watched: HashSet<Uuid> = watched::by_triggers(vec![audience.name.clone()]).collect();
    among(audience, Definition::all(&audience.name), &Reach::of(audience), &watched)
}

/// Those of an audience's segments whose counts are kept by triggers if it is live.
pub fn among(
    audience: &Audience,
    segments: Vec<Definition>,
    reach: &Reach,
    watched: &HashSet<Uuid>,
) -> Vec<LiveSegment> {
    if !reach.follows_rows || audience.changes_at.is_some() {
        return Vec::new();
    }
    let keep = |segment: Definition| {
        let is_watched = watched.contains(&segment.id);
        Some(LiveSegment { is_watched, ..kept(audience, &segment, reach).ok()? })
    };
    segments.into_iter().filter_map(keep).collect()
}

/// What the triggers on an audience's tables can see.
pub struct Reach {
    /// Whether they see every change of contacts
    follows_rows: bool,
    /// The names of the other tables of which they see every change
    followed: HashSet<String>,
    /// The virtual generated columns (PostgreSQL 18), by table. They are NULL in the rows that triggers see
    computed: HashSet<(Oid, String)>,
}

impl Reach {
    pub fn of(audience: &Audience) -> Self {
        let tables: Vec<Oid> = audience.tables().collect();
        let computed = query::rows(
            "SELECT a.attrelid, a.attname::text FROM pg_attribute a
              WHERE a.attrelid = ANY ($1) AND a.attgenerated = 'v'",
            &[tables.into()],
            |row| (row.get(1), row.get(2)),
        );
        let mut followed: HashSet<String> =
            audience.others().filter(|other| follows(audience, other)).map(|other| other.name.to_owned()).collect();
        if matches!(audience.topics, Subscriptions::None) {
            // Without a table there are no subscriptions.
            followed.insert(TOPICS.to_owned());
        }
        Reach { follows_rows: sees_rows(audience), followed, computed: computed.into_iter().collect() }
    }

    /// Whether a condition reads a column that triggers do not see.
    fn misses(&self, audience: &Audience, checked: &Checked) -> bool {
        if self.computed.is_empty() {
            return false;
        }
        let reads = Reads::of(audience, checked);
        let of_contacts = |(table, column): &(Oid, String)| *table == audience.relation.oid && reads.has_column(column);
        let of_rows = || {
            sql::used(checked, &audience.table).relations.into_iter().any(|used| {
                let table = audience.related(&used.relation.name).and_then(|related| related.relation());
                let is_missed =
                    |column: &&str| table.is_some_and(|table| self.computed.contains(&(table, (*column).to_owned())));
                used.columns.iter().any(is_missed)
            })
        };
        self.computed.iter().any(of_contacts) || of_rows()
    }
}

/// The segment, if triggers can keep its count: its condition is valid, and its members change only with their rows and
/// with rows of tables that are followed, not as time passes.
///
/// # Errors
/// Why they cannot.
pub fn kept(audience: &Audience, segment: &Definition, reach: &Reach) -> Result<LiveSegment, &'static str> {
    let checked = scope::check_segment(audience, segment).map_err(|_| "its condition is not valid any more")?;
    let whole = Expr::and([audience.restriction.clone(), checked.checked.clone()]);
    let asks_for = asked(&whole);
    if checked.changes_at.is_some() {
        return Err("it has dates that are relative to now, and members come and go as time passes");
    }
    if let Some(other) = asks_for.difference(&reach.followed).max() {
        return Err(match other.as_str() {
            TOPICS => "it asks for subscriptions, and triggers do not see every change of them",
            _ => "it reads the rows of a relation, and triggers do not see every change of them",
        });
    }
    if reach.misses(audience, &whole) {
        return Err("it reads a virtual generated column, which triggers do not see");
    }
    Ok(LiveSegment { id: segment.id, checked: checked.checked, asks_for, is_watched: false })
}

/// Why triggers cannot keep any count of an audience; `None` if they can.
pub fn obstacle_of_rows(audience: &Audience) -> Option<&'static str> {
    if audience.changes_at.is_some() {
        return Some("the audience's filter has dates that are relative to now");
    }
    let why = "row security applies to the owner of the contacts' table, with whose rights counts are kept";
    (!sees_rows(audience)).then_some(why)
}

fn sees_rows(audience: &Audience) -> bool {
    // With row security, the owner would count fewer rows than the triggers see.
    !security::as_role(audience.relation.owner, || security::row_security_applies(audience.relation.oid))
}

/// Whether triggers see every change of another table.
pub fn follows(audience: &Audience, other: &Other<'_>) -> bool {
    let is_restricted =
        || security::as_role(audience.relation.owner, || security::row_security_applies(other.relation.oid));
    table_tree::obstacle(other.relation.oid).is_none() && !is_restricted()
}

/// The names of the other tables that a condition asks for.
fn asked(checked: &Checked) -> HashSet<String> {
    let mut asked = HashSet::new();
    checked.for_each(&mut |atom| {
        asked.extend(match atom {
            Atom::Topic(_) => Some(TOPICS.to_owned()),
            Atom::Rows(rows) => Some(rows.relation.clone()),
            _ => None,
        });
    });
    asked
}
