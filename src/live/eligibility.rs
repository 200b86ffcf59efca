//! Which counts triggers can keep, and why they cannot keep the others.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::segment::Definition;
use crate::catalog::visible::Reads;
use crate::catalog::{scope, table_tree};
use crate::live::changes::watched;
use crate::pg::{query, security};
use segments_core::expr::{Atom, Checked, Expr};
use std::collections::HashSet;
use uuid::Uuid;

/// A segment whose count is kept by triggers.
pub struct LiveSegment {
    pub id: Uuid,
    pub checked: Checked,
    /// Whether its condition asks for subscriptions
    pub reads_topics: bool,
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
    /// Whether they see every change of subscriptions
    follows_topics: bool,
    /// The virtual generated columns (PostgreSQL 18). They are NULL in the rows that triggers see
    computed: Vec<String>,
}

impl Reach {
    pub fn of(audience: &Audience) -> Self {
        let computed = query::rows(
            "SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = $1 AND a.attgenerated = 'v'",
            &[audience.relation.oid.into()],
            |row| row.get(1),
        );
        Reach { follows_rows: sees_rows(audience), follows_topics: follows_topics(audience), computed }
    }
}

/// The segment, if triggers can keep its count: its condition is valid, and its members change only with their rows and
/// subscriptions, not with rows of other relations nor as time passes.
///
/// # Errors
/// Why they cannot.
pub fn kept(audience: &Audience, segment: &Definition, reach: &Reach) -> Result<LiveSegment, &'static str> {
    let checked = scope::check_segment(audience, segment).map_err(|_| "its condition is not valid any more")?;
    let reads_topics = reads_topics(&Expr::and([audience.restriction.clone(), checked.checked.clone()]));
    let reads_computed = || {
        let reads = Reads::of(audience, &checked.checked);
        reach.computed.iter().any(|column| reads.has_column(column))
    };
    if checked.changes_at.is_some() {
        return Err("it has dates that are relative to now, and members come and go as time passes");
    }
    if checked.checked.reads_rows() {
        return Err("it reads the rows of a relation, whose table has no triggers of ours");
    }
    if reads_topics && !reach.follows_topics {
        return Err("it asks for subscriptions, and triggers do not see every change of them");
    }
    if reads_computed() {
        return Err("it reads a virtual generated column, which triggers do not see");
    }
    Ok(LiveSegment { id: segment.id, checked: checked.checked, reads_topics, is_watched: false })
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

/// Whether triggers see every change of subscriptions.
pub fn follows_topics(audience: &Audience) -> bool {
    match &audience.topics {
        // Without a table there are no subscriptions.
        Subscriptions::None => true,
        Subscriptions::Lost(_) => false,
        Subscriptions::In(relation) => {
            let is_restricted =
                security::as_role(audience.relation.owner, || security::row_security_applies(relation.oid));
            table_tree::obstacle(relation.oid).is_none() && !is_restricted
        }
    }
}

fn reads_topics(checked: &Checked) -> bool {
    let mut found = false;
    checked.for_each(&mut |atom| found |= matches!(atom, Atom::Topic(_)));
    found
}
