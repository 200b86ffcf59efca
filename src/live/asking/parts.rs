//! Parts of other tables that come and go: partitions that are attached and detached, tables that begin and cease to inherit.
//! They change whose rows there are without firing a trigger.

use super::AskingSegments;
use super::sql::{self, Moved};
use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::table_tree::describe;
use crate::counting::bases;
use crate::live::changes::record::Changing;
use crate::live::concern::RowsConcern;
use crate::live::deltas::{Effect, Journal};
use crate::live::eligibility::LiveSegment;
use crate::live::touched::Touched;
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;

/// Counts what it changes that parts of a table have come and gone, in which these relations of the audience have their
/// rows. It reads the parts, and what is known of the contacts whose rows in them may matter. These contacts are locked
/// first, as by a statement that writes such rows.
pub fn count(audience: &Audience, segments: &[LiveSegment], relations: &[String], added: &[Oid], detached: &[Oid]) {
    let Some(asking) = AskingSegments::new(audience, segments) else { return };
    let named = |part: &Oid| (*part, describe(*part).quoted());
    let detached: Vec<(Oid, String)> = detached.iter().map(named).collect();
    let parts: Vec<(Oid, String)> = added.iter().map(named).chain(detached.iter().cloned()).collect();
    let moved = Moved { relations, added: added.to_vec(), detached };
    let ids = segments.iter().map(|segment| segment.id);
    let (mut touched, mut effect) = (Touched::default(), Effect::default());
    security::as_role_restricted(audience.relation.owner, || {
        for other in audience.others().filter(|other| relations.iter().any(|name| name == other.name)) {
            let Some(rows) = RowsConcern::new(other.relation.oid, audience, &other, segments) else { continue };
            let contacts = parts.iter().flat_map(|part| {
                let sql = sql::whose_rows(audience, &rows, part);
                snapshot::latest(|| query::rows(&sql, &[], |row| row.get::<String>(1)))
            });
            touched.add(rows.lock(Touched { contacts: contacts.collect(), segments: ids.clone().collect() }));
        }
    });
    if touched.is_empty() {
        return;
    }
    // Until the transaction ends, nobody counts the parts together with the counts of before.
    let mut bases: Vec<pgrx::Uuid> = ids.map(crate::catalog::segment::datum).collect();
    bases.sort();
    bases::lock(access::extension_owner(), &bases);
    security::as_role_restricted(audience.relation.owner, || asking.evaluate_moved(&moved, &touched, &mut effect));
    let changes = effect.record_growth(&audience.name, Journal::find());
    let command = snapshot::current_command();
    let changing = Changing { audience: &audience.name, command, has_unique_ids: audience.has_unique_ids() };
    changing.record(changes, access::extension_owner());
}
