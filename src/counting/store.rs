//! Storing counts, and thinning out the history of counts as it ages.

use crate::catalog::segment::id_of;
use crate::counting::bases;
use crate::counting::take::ResultArrays;
use crate::pg::snapshot::{self, Command};
use crate::pg::{query, security};
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::cell::Cell;

thread_local! {
    /// The last transaction that has stored counts, and the number of its command then.
    static LAST: Cell<(u32, Command)> = const { Cell::new((0, 0)) };
}

fn note() {
    LAST.set((snapshot::local_transaction(), snapshot::latest_command()));
}

/// Whether this transaction has stored counts after a command began.
pub fn has_stored_since(command: Command) -> bool {
    let (transaction, stored) = LAST.get();
    transaction == snapshot::local_transaction() && stored > command
}

/// Stores the result of a recount. A segment that could not be counted loses its count. The caller has locked the
/// bases.
pub fn recounted(extension_owner: Oid, counted: ResultArrays) {
    note();
    let ResultArrays { segments, counts, bases, changes_at, .. } = counted;
    let arguments = [segments.into(), counts.into(), bases.into(), changes_at.into()];
    security::as_role(extension_owner, || query::write_latest(KEEP, &arguments));
}

/// The result of a refresh.
pub struct Refreshed {
    pub audiences: Vec<String>,
    pub counted: ResultArrays,
    /// When the snapshot was taken
    pub taken_at: TimestampWithTimeZone,
    pub seconds: f64,
    /// When the stored counts were taken that the snapshot shows, in the order of the segments
    pub seen_at: Vec<Option<TimestampWithTimeZone>>,
    /// Whether the refresh has locked bases before it counted. Then it must not wait for others now
    pub has_locked: bool,
}

impl Refreshed {
    /// Stores the result. A segment that could not be counted keeps its count, and the reason is recorded. A stored
    /// count that the snapshot did not see stays, and so does one that another transaction is about to change, if waiting
    /// for that one could be in a circle.
    pub fn store(mut self, extension_owner: Oid) {
        note();
        if self.has_locked {
            let locked = bases::lock_free(extension_owner, &self.counted.segments);
            self.retain(|segment| locked.contains(&id_of(segment)));
        } else {
            bases::lock_with_segments(extension_owner, &self.counted.segments);
        }
        let ResultArrays { segments, counts, bases, errors, changes_at } = self.counted;
        let arguments = [
            segments.into(),
            counts.into(),
            bases.into(),
            errors.into(),
            self.taken_at.into(),
            self.seconds.into(),
            self.seen_at.into(),
            changes_at.into(),
        ];
        security::as_role(extension_owner, || {
            query::write_latest(STORE, &arguments);
            thin(self.audiences);
        });
    }

    /// Leaves out the results of other segments.
    fn retain(&mut self, is_kept: impl Fn(pgrx::Uuid) -> bool) {
        fn retain<T>(values: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter();
            values.retain(|_| kept.next() == Some(&true));
        }
        let ResultArrays { segments, counts, bases, errors, changes_at } = &mut self.counted;
        let kept: Vec<bool> = segments.iter().map(|segment| is_kept(*segment)).collect();
        retain(segments, &kept);
        retain(counts, &kept);
        retain(bases, &kept);
        retain(errors, &kept);
        retain(changes_at, &kept);
        retain(&mut self.seen_at, &kept);
    }
}

/// Thins out the history of audiences, once an hour. Of counts older than an hour the last of each minute stays, of
/// those older than two days the last of each hour, and of those older than two months the last of each day. Each call
/// looks only at counts that have reached such an age since the last call.
fn thin(audiences: Vec<String>) {
    // In such a transaction, another one may have thinned the history since the snapshot, and deleting would raise an
    // error.
    if snapshot::is_kept_for_transaction() {
        return;
    }
    let thinned = query::write_rows(THINNED, &[audiences.into()], |row| {
        (row.get::<String>(1), row.nullable::<TimestampWithTimeZone>(2))
    });
    if !thinned.is_empty() {
        let (audiences, since): (Vec<String>, Vec<Option<TimestampWithTimeZone>>) = thinned.into_iter().unzip();
        query::write(THIN, &[audiences.into(), since.into()]);
    }
}

const KEEP: &str = "
WITH kept AS (
    UPDATE segments.segment_count c
       SET contact_count = n.base, counted_at = clock_timestamp(), changes_at = n.changes_at
      FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4))
           n(segment, contact_count, base, changes_at)
     WHERE c.segment = n.segment
    RETURNING n.segment, c.counted_at, n.contact_count)
INSERT INTO segments.count_record (segment, counted_at, contact_count)
SELECT k.segment, k.counted_at, k.contact_count FROM kept k WHERE k.contact_count IS NOT NULL
    ON CONFLICT DO NOTHING";

const STORE: &str = include_str!("../../sql/queries/store_counts.sql");

const THINNED: &str = "
INSERT INTO segments.history_state AS h (audience, thinned_at)
SELECT a.name, clock_timestamp() FROM segments.audience_config a WHERE a.name = ANY ($1) ORDER BY a.name
    ON CONFLICT (audience) DO UPDATE SET thinned_at = excluded.thinned_at, thinned_before = h.thinned_at
 WHERE h.thinned_at < excluded.thinned_at - interval '1 hour'
RETURNING h.audience, h.thinned_before";

const THIN: &str = include_str!("../../sql/queries/thin_history.sql");
