//! Deleting old entries and exits.

use crate::catalog::access;
use crate::pg::snapshot;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// `segments.change_retention`: for how many minutes changes are kept.
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(7 * 24 * 60);

/// Declares the setting. Call it when the library is loaded.
pub fn define_settings() {
    GucRegistry::define_int_guc(
        c"segments.change_retention",
        c"How long entries and exits of watched segments are kept.",
        c"-1 keeps them for ever.",
        &RETENTION,
        -1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
}

/// Deletes changes that are older than `segments.change_retention`. Returns how many there were.
pub fn prune() -> i64 {
    let minutes = RETENTION.get();
    // In an older snapshot, deleting changes that others have deleted since would raise an error.
    if minutes < 0 || snapshot::is_kept_for_transaction() {
        return 0;
    }
    let deleted = access::write(
        "DELETE FROM segments.change_record r
          WHERE r.changed_at <
                (clock_timestamp() - make_interval(mins => $1))",
        &[minutes.into()],
    );
    deleted as i64
}
