//! Counting segments in one snapshot.
//!
//! Three things are read in one snapshot: the definitions of the segments, their members, and the differences that are
//! pending. The base that is stored is the number of members less the pending differences. So whoever reads the base and
//! the differences that their own snapshot shows gets the right count: differences that commit later were made to
//! members that were counted here.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::scope::{self, CheckedCondition};
use crate::catalog::segment::{Definition, datum};
use crate::counting::pending;
use crate::pg::error::Failure;
use crate::pg::security;
use pgrx::datum::TimestampWithTimeZone;
use segments_core::date::Instant;
use segments_core::expr::Checked;
use std::collections::HashMap;
use uuid::Uuid;

/// What was counted in one snapshot.
pub struct Taken {
    /// `None` where its table is not what it was
    pub audience: Option<Audience>,
    pub outcomes: Vec<Outcome>,
    /// What recorded differences add to the bases
    pending: HashMap<Uuid, i64>,
}

/// What came of counting a segment.
pub struct Outcome {
    pub id: Uuid,
    /// Its condition, where it makes sense
    pub checked: Option<Checked>,
    /// When the condition will mean something else; `None`: never
    pub changes_at: Option<Instant>,
    /// The members, or why they could not be counted
    pub count: Result<i64, String>,
}

impl Outcome {
    /// That a segment could not be counted, and why.
    pub fn failed(id: Uuid, message: String) -> Self {
        Outcome { id, checked: None, changes_at: None, count: Err(message) }
    }
}

/// The outcomes as arrays, which statements take.
pub struct Columns {
    pub segments: Vec<pgrx::Uuid>,
    pub counts: Vec<Option<i64>>,
    pub bases: Vec<Option<i64>>,
    pub errors: Vec<Option<String>>,
    pub changes_at: Vec<Option<TimestampWithTimeZone>>,
}

impl Taken {
    /// That none of the segments could be counted, and why.
    pub fn failed(segments: impl IntoIterator<Item = Uuid>, message: &str) -> Self {
        let failed = |id| Outcome::failed(id, message.to_owned());
        Taken { audience: None, outcomes: segments.into_iter().map(failed).collect(), pending: HashMap::new() }
    }

    /// The outcomes as arrays, one entry for each segment.
    pub fn columns(&self) -> Columns {
        let count = |outcome: &Outcome| outcome.count.as_ref().ok().copied();
        let base = |outcome: &Outcome| Some(count(outcome)? - self.pending.get(&outcome.id).copied().unwrap_or(0));
        Columns {
            segments: self.outcomes.iter().map(|outcome| datum(outcome.id)).collect(),
            counts: self.outcomes.iter().map(count).collect(),
            bases: self.outcomes.iter().map(base).collect(),
            errors: self.outcomes.iter().map(|outcome| outcome.count.as_ref().err().cloned()).collect(),
            changes_at: self.outcomes.iter().map(|outcome| timestamp(outcome.changes_at)).collect(),
        }
    }
}

/// Counts segments of an audience in the snapshot that is active; `count` counts the members of each condition. A
/// segment that makes no sense any more cannot be counted.
pub fn take(
    audience: &str,
    segments: &[Definition],
    count: impl FnOnce(&Audience, &[Checked]) -> Vec<Result<i64, String>>,
) -> Taken {
    let owner = access::extension_owner();
    // Whoever changes contacts may not read what segments say of them.
    let loaded = security::as_role(owner, || {
        let audience = Audience::try_load(audience)?;
        let checked: Vec<_> = segments.iter().map(|segment| scope::check_segment(&audience, segment)).collect();
        Ok((audience, checked))
    });
    let (audience, checked) = match loaded {
        Ok(loaded) => loaded,
        Err(Failure { message, .. }) => return Taken::failed(segments.iter().map(|segment| segment.id), &message),
    };
    let conditions: Vec<Checked> =
        checked.iter().filter_map(|checked| Some(checked.as_ref().ok()?.checked.clone())).collect();
    let mut counts = count(&audience, &conditions).into_iter();
    let outcomes = segments.iter().zip(checked).map(|(segment, checked)| match checked {
        Ok(CheckedCondition { checked, changes_at, .. }) => {
            let count = counts.next().unwrap_or_else(|| Err("segment was not counted".to_owned()));
            let changes_at = changes_at.into_iter().chain(audience.changes_at).min();
            Outcome { id: segment.id, checked: Some(checked), changes_at, count }
        }
        Err(errors) => {
            Outcome::failed(segment.id, errors.into_iter().next().map(|error| error.message).unwrap_or_default())
        }
    });
    let outcomes = outcomes.collect();
    let ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| datum(segment.id)).collect();
    let pending = pending::of(owner, &ids);
    Taken { audience: Some(audience), outcomes, pending }
}

fn timestamp(instant: Option<Instant>) -> Option<TimestampWithTimeZone> {
    instant.and_then(|instant| TimestampWithTimeZone::try_from(instant.to_postgres()).ok())
}
