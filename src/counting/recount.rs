//! Counting segments again because their definitions or their tables have changed.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::{Definition, datum};
use crate::counting::strategy::{self, Rights};
use crate::counting::take::take;
use crate::counting::{bases, store};
use crate::pg::{security, snapshot, subtransaction};
use segments_core::expr::Checked;

/// Counts segments of an audience again and stores the counts. A segment whose condition is no longer valid gets no
/// count. Raises if counting raises.
///
/// This needs no lock against writers, because everything is read in one snapshot.
pub fn recount(audience: &Audience, segments: &[Definition]) {
    recount_by(audience, segments, |audience, conditions| {
        let counted = subtransaction::attempt(|| strategy::all(audience, conditions, Rights::Owner, None));
        counted.unwrap_or_else(|raised| strategy::raise(raised, audience, segments)).into_iter().map(Ok).collect()
    });
}

/// Like [`recount`], but a segment whose counting raises gets no count, and so is due. The next refresh records why.
pub fn recount_each(audience: &Audience, segments: &[Definition]) {
    recount_by(audience, segments, |audience, conditions| strategy::each(audience, conditions, None));
}

fn recount_by(
    audience: &Audience,
    segments: &[Definition],
    count: impl Fn(&Audience, &[Checked]) -> Vec<Result<i64, String>>,
) {
    let mut ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| datum(segment.id)).collect();
    ids.sort();
    let owner = access::extension_owner();
    bases::lock(owner, &ids);
    let taken = snapshot::latest(|| {
        let current = || segments.iter().filter_map(|segment| Definition::find(segment.id)).collect::<Vec<_>>();
        take(&audience.name, &security::as_role(owner, current), count)
    });
    store::recounted(owner, taken.columns());
}
