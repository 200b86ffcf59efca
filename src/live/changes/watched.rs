//! The watched segments, whose entries and exits are recorded.

use crate::catalog::access;
use crate::catalog::segment::id_of;
use crate::pg::{query, security};
use uuid::Uuid;

/// The watched segments of an audience, regardless of the caller's rights.
pub fn segments_of(audience: &str) -> Vec<Uuid> {
    segments_of_all(vec![audience.to_owned()])
}

/// The watched segments of many audiences, regardless of the caller's rights.
pub fn segments_of_all(audiences: Vec<String>) -> Vec<Uuid> {
    security::as_role(access::extension_owner(), || {
        query::rows(
            "SELECT w.segment FROM segments.watch_config w
               JOIN segments.segment_config s ON s.id = w.segment
              WHERE s.audience = ANY ($1) AND w.watched",
            &[audiences.into()],
            |row| id_of(row.get(1)),
        )
    })
}
