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

/// Locks the definitions of an audience's segments and properties against changes by others until the transaction ends.
pub fn hold_definitions(audience: &str) {
    access::write(HOLD, &[audience.into()]);
}

const FRESHNESS: &str = "SELECT a.freshness FROM segments.audience_config a WHERE a.name = $1";
// In the order in which access::keep() locks.
const FRESHNESS_SHARED: &str = "
SELECT a.name, a.freshness FROM segments.audience_config a
 WHERE a.name = $1
    OR a.name = (SELECT b.based_on FROM segments.audience_config b WHERE b.name = $1)
 ORDER BY a.based_on NULLS FIRST FOR SHARE";
const HOLD: &str = "SELECT FROM segments.audience_config a WHERE a.name = $1 FOR NO KEY UPDATE";
