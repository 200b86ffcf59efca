//! The stored freshness of an audience: live or periodic.

use crate::catalog::access;
use crate::pg::{query, security};

/// Whether the audience is live.
pub fn is_live(audience: &str) -> bool {
    let freshness =
        security::as_role(access::extension_owner(), || query::first(FRESHNESS, &[audience.into()], |row| row.get(1)));
    freshness == Some("live".to_owned())
}

/// Whether the audience is live. Locks its freshness, and what its source declares, until the transaction ends.
pub fn stays_live(audience: &str) -> bool {
    let freshness = security::as_role(access::extension_owner(), || {
        query::write_rows(FRESHNESS_SHARED, &[audience.into()], |row| (row.get::<String>(1), row.get::<String>(2)))
    });
    freshness.iter().any(|(name, freshness)| name == audience && freshness == "live")
}

/// Locks an audience alone until the transaction ends: waits for those who have changed a definition, or have based an
/// audience on it, and later ones wait for this. Returns whether it is live; `None` if it is gone.
pub fn hold_alone(audience: &str) -> Option<bool> {
    let freshness = security::as_role(access::extension_owner(), || {
        query::write_rows(HOLD_ALONE, &[audience.into()], |row| row.get::<String>(1))
    });
    freshness.first().map(|freshness| freshness == "live")
}

/// Locks the definitions of an audience's segments and properties against changes by others until the transaction ends.
pub fn hold_definitions(audience: &str) {
    access::write(HOLD, &[audience.into()]);
}

const FRESHNESS: &str = "SELECT a.freshness FROM segments.audience_config a WHERE a.name = $1";
const FRESHNESS_SHARED: &str = access::source_first!("FOR SHARE");
const HOLD_ALONE: &str = "SELECT a.freshness FROM segments.audience_config a WHERE a.name = $1 FOR UPDATE";
const HOLD: &str = "SELECT FROM segments.audience_config a WHERE a.name = $1 FOR NO KEY UPDATE";
