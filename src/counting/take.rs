//! Counting segments in one snapshot.
//!
//! The definitions of the segments, their members, and the pending deltas are read in one snapshot. The base that is
//! stored is the number of members minus the pending deltas. So every reader gets the right count by adding the deltas
//! that its own snapshot shows to the base. A delta that commits later is a change of the members that were counted
//! here.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::restricted;
use crate::catalog::environment::CheckedCondition;
use crate::catalog::segment::{Definition, datum};
use crate::catalog::visible::counted_condition;
use crate::counting::pending;
use crate::pg::error::Failure;
use crate::pg::{query, security};
use pgrx::datum::TimestampWithTimeZone;
use segments_core::date::Instant;
use segments_core::expr::Checked;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The result of counting segments in one snapshot.
pub struct Taken {
    /// `None` if the audience cannot be loaded, for example because its table is gone
    pub audience: Option<Audience>,
    pub outcomes: Vec<Outcome>,
    /// The sum of the pending deltas of each segment
    pending: HashMap<Uuid, i64>,
}

/// The result for one segment.
pub struct Outcome {
    pub id: Uuid,
    /// Its checked condition; `None` if the condition is not valid
    pub checked: Option<Checked>,
    /// When the meaning of the condition will change, because it is relative to now; `None` means never
    pub changes_at: Option<Instant>,
    /// The number of members, or the reason why they could not be counted
    pub count: Result<i64, String>,
}

impl Outcome {
    /// The result for a segment that could not be counted.
    pub fn failed(id: Uuid, message: String) -> Self {
        Outcome { id, checked: None, changes_at: None, count: Err(message) }
    }
}

/// The results as arrays, the arguments of SQL statements.
#[derive(Default)]
pub struct ResultArrays {
    pub segments: Vec<pgrx::Uuid>,
    pub counts: Vec<Option<i64>>,
    pub bases: Vec<Option<i64>>,
    pub errors: Vec<Option<String>>,
    pub changes_at: Vec<Option<TimestampWithTimeZone>>,
}

impl Taken {
    /// The result if none of the segments could be counted.
    pub fn failed(segments: impl IntoIterator<Item = Uuid>, message: &str) -> Self {
        let failed = |id| Outcome::failed(id, message.to_owned());
        Taken { audience: None, outcomes: segments.into_iter().map(failed).collect(), pending: HashMap::new() }
    }

    /// The results of several audiences as arrays, with one entry for each segment.
    pub fn columns_of(all: &[Taken]) -> ResultArrays {
        let mut columns = ResultArrays::default();
        for taken in all {
            let ResultArrays { segments, counts, bases, errors, changes_at } = taken.columns();
            columns.segments.extend(segments);
            columns.counts.extend(counts);
            columns.bases.extend(bases);
            columns.errors.extend(errors);
            columns.changes_at.extend(changes_at);
        }
        columns
    }

    /// The results as arrays, with one entry for each segment.
    pub fn columns(&self) -> ResultArrays {
        let count = |outcome: &Outcome| outcome.count.as_ref().ok().copied();
        let base = |outcome: &Outcome| Some(count(outcome)? - self.pending.get(&outcome.id).copied().unwrap_or(0));
        ResultArrays {
            segments: self.outcomes.iter().map(|outcome| datum(outcome.id)).collect(),
            counts: self.outcomes.iter().map(count).collect(),
            bases: self.outcomes.iter().map(base).collect(),
            errors: self.outcomes.iter().map(|outcome| outcome.count.as_ref().err().cloned()).collect(),
            changes_at: self.outcomes.iter().map(|outcome| timestamp(outcome.changes_at)).collect(),
        }
    }
}

/// Counts segments of an audience in the active snapshot. `count` counts the members of each condition. A segment whose
/// condition is no longer valid cannot be counted.
pub fn take(
    audience: &str,
    segments: &[Definition],
    count: impl FnOnce(&Audience, &[Checked]) -> Vec<Result<i64, String>>,
) -> Taken {
    let owner = access::extension_owner();
    // The caller may write contacts without being allowed to read definitions of segments, so these are read as the
    // extension's owner.
    let loaded = security::as_role(owner, || Ok(CheckedAudience::check(Audience::try_load(audience)?, segments)));
    match loaded {
        Ok(loaded) => {
            let conditions: Vec<Checked> = loaded.conditions().cloned().collect();
            let mut counts = count(&loaded.audience, &conditions).into_iter();
            loaded.taken(segments, &mut counts, &pending::of(owner, &ids(segments)))
        }
        Err(Failure { message, .. }) => Taken::failed(segments.iter().map(|segment| segment.id), &message),
    }
}

/// Counts segments of several audiences of one source in the active snapshot, all in one pass over their table where
/// that is cheaper: each condition contains the filter of its audience.
pub fn take_together(
    source: &str,
    segments: &BTreeMap<String, Vec<Definition>>,
    count: impl FnOnce(&Audience, &[Checked]) -> Vec<Result<i64, String>>,
) -> Vec<Taken> {
    let owner = access::extension_owner();
    let failed = |segments: &[Definition], why: &str| Taken::failed(segments.iter().map(|segment| segment.id), why);
    let loaded = security::as_role(owner, || {
        let mut source = Audience::unrestricted(source)?;
        source.restrict_relations();
        let names: Vec<String> = segments.keys().cloned().collect();
        let filters = query::rows(FILTERS, &[names.into()], |row| (row.get::<String>(1), row.nullable::<String>(2)));
        let filters: HashMap<String, Option<String>> = filters.into_iter().collect();
        let load = |(name, segments): (&String, &Vec<Definition>)| {
            let mut audience = source.with_filter((name.clone(), filters.get(name).cloned().flatten()));
            audience.restrict()?;
            Ok(CheckedAudience::check(audience, segments))
        };
        let audiences: Vec<Result<CheckedAudience, Failure>> = segments.iter().map(load).collect();
        Ok((source, audiences))
    });
    let (source, audiences) = match loaded {
        Ok(loaded) => loaded,
        Err(Failure { message, .. }) => return segments.values().map(|segments| failed(segments, &message)).collect(),
    };
    let restricted = |loaded: &CheckedAudience| {
        loaded.conditions().map(|condition| restricted(&loaded.audience, condition)).collect::<Vec<Checked>>()
    };
    let conditions: Vec<Checked> = audiences.iter().flatten().flat_map(restricted).collect();
    let mut counts = count(&source, &conditions).into_iter();
    let all: Vec<pgrx::Uuid> = segments.values().flat_map(|segments| ids(segments)).collect();
    let pending = pending::of(owner, &all);
    let taken = segments.values().zip(audiences).map(|(segments, loaded)| match loaded {
        Ok(loaded) => loaded.taken(segments, &mut counts, &pending),
        Err(Failure { message, .. }) => failed(segments, &message),
    });
    taken.collect()
}

/// An audience with its segments checked.
struct CheckedAudience {
    audience: Audience,
    /// Their conditions, or the reasons why they cannot be counted
    segments: Vec<Result<CheckedCondition, String>>,
}

impl CheckedAudience {
    fn check(audience: Audience, segments: &[Definition]) -> Self {
        let segments = segments.iter().map(|segment| counted_condition(&audience, segment)).collect();
        CheckedAudience { audience, segments }
    }

    /// The conditions that can be counted.
    fn conditions(&self) -> impl Iterator<Item = &Checked> {
        self.segments.iter().flatten().map(|segment| &segment.checked)
    }

    /// The result, with the counts of these conditions.
    fn taken(
        self,
        segments: &[Definition],
        counts: &mut impl Iterator<Item = Result<i64, String>>,
        pending: &HashMap<Uuid, i64>,
    ) -> Taken {
        let audience = self.audience;
        let outcomes = segments.iter().zip(self.segments).map(|(segment, checked)| match checked {
            Ok(CheckedCondition { checked, changes_at, .. }) => {
                let count = counts.next().unwrap_or_else(|| Err("segment was not counted".to_owned()));
                let changes_at = changes_at.into_iter().chain(audience.changes_at).min();
                Outcome { id: segment.id, checked: Some(checked), changes_at, count }
            }
            Err(why) => Outcome::failed(segment.id, why),
        });
        let outcomes = outcomes.collect();
        let of_segment = |segment: &Definition| Some((segment.id, *pending.get(&segment.id)?));
        let pending = segments.iter().filter_map(of_segment).collect();
        Taken { audience: Some(audience), outcomes, pending }
    }
}

fn ids(segments: &[Definition]) -> Vec<pgrx::Uuid> {
    segments.iter().map(|segment| datum(segment.id)).collect()
}

const FILTERS: &str = "SELECT a.name, a.scope::text FROM segments.audience_config a WHERE a.name = ANY ($1)";

fn timestamp(instant: Option<Instant>) -> Option<TimestampWithTimeZone> {
    instant.and_then(|instant| TimestampWithTimeZone::try_from(instant.to_postgres()).ok())
}
