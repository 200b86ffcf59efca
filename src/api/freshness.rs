//! Freshness: how the counts of an audience are kept.

use crate::catalog::access::{self, Scope, must_own};
use crate::catalog::audience::Audience;
use crate::catalog::freshness as freshness_of;
use crate::catalog::segment::{Definition, id_of};
use crate::counting::pending::fold;
use crate::live::definition_locks::lock_tables;
use crate::live::freshness::{notice_nobody_folds, start, stop};
use crate::live::recorders;
use crate::pg::error::{Failure, required};
use crate::pg::snapshot;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Sets how an audience's counts are kept.
#[pg_extern(sql = false)]
fn set_freshness(audience: Option<&str>, freshness: Option<&str>) {
    let (audience, freshness) = (required("audience", audience), required("freshness", freshness));
    let live = match freshness {
        "periodic" => false,
        "live" => true,
        other => {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unknown freshness \"{other}\""))
                .detail("Counts are kept live by triggers, or refreshed periodically.")
                .hint("Use 'live' or 'periodic'.")
                .raise()
        }
    };
    // An audience whose filter makes no sense any more can still become periodic, which removes its triggers.
    let load = |name: &str| match live {
        true => Audience::load(name),
        false => Audience::unrestricted(name).unwrap_or_else(|failure| failure.raise()),
    };
    access::must_have_audience(audience);
    let audience = load(audience);
    access::require(Scope::WriteSegments, &audience.name);
    must_own(audience.relation.oid);
    // The audience that this one is based on is locked first, as by those who detach both.
    if audience.source != audience.name {
        access::hold_attached(&audience.source);
    }
    let was_live = freshness_of::hold_alone(&audience.name) == Some(true);
    // Later declarations see that the audience is live.
    freshness_of::hold_definitions(&audience.source);
    let tables = lock_tables(&audience);
    let audience = snapshot::latest(|| load(&audience.name));
    if live {
        start(&audience, !was_live);
        notice_nobody_folds();
    } else {
        stop(&audience.name, tables);
        // Until the transaction ends, nobody writes, so this finds what the triggers have recorded.
        recorders::settle_all(&audience.name);
    }
}

/// How a segment's count is kept: `live` or `periodic`.
#[pg_extern(sql = false)]
fn how_kept(segment: pgrx::Uuid) -> &'static str {
    let segment = Definition::load(id_of(segment));
    let by_triggers = |audience: &Audience| recorders::are_triggers(audience, &segment);
    if Audience::try_load(&segment.audience).is_ok_and(|audience| by_triggers(&audience)) { "live" } else { "periodic" }
}

/// Why triggers do not keep the count of a segment of a live audience; NULL if they do, or if the audience is periodic.
#[pg_extern(sql = false)]
fn why_periodic(segment: pgrx::Uuid) -> Option<String> {
    let segment = Definition::load(id_of(segment));
    if !freshness_of::is_live(&segment.audience) {
        return None;
    }
    match Audience::try_load(&segment.audience) {
        Ok(audience) => recorders::why_not_triggers(&audience, &segment).map(str::to_owned),
        Err(failure) => Some(failure.message),
    }
}

/// Folds the pending deltas of all audiences into the bases. Readers see the same counts as before. Returns how many
/// rows of deltas were folded. Deltas of counts that another transaction has locked stay for the next time.
#[pg_extern(sql = false)]
fn fold_counts() -> i64 {
    fold(None)
}
