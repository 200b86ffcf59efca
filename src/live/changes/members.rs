//! Who the members of watched segments are, before and after what no transition table shows: a change of definition, or
//! a TRUNCATE.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::counting::count;
use crate::live::changes as change;
use crate::live::changes::record;
use crate::live::deltas::Change;
use crate::pg::query;
use crate::pg::{security, snapshot, subtransaction};
use pgrx::spi::quote_identifier;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Watched segments, and who their members were.
#[must_use = "what has changed is recorded by `record_changes`"]
pub struct Members {
    audience: String,
    before: HashMap<Uuid, HashSet<String>>,
}

impl Members {
    /// The members of those of the segments that are watched, as of now; writers of the audience's tables are held.
    pub fn of_watched(audience: &Audience, segments: &[Definition]) -> Self {
        let watched = snapshot::latest(|| change::watched(&audience.name));
        let segments: Vec<Definition> =
            segments.iter().filter(|segment| watched.contains(&segment.id)).cloned().collect();
        // Whoever empties a table may not read what the conditions speak of.
        let members = || security::as_role(access::extension_owner(), || members(audience, &segments));
        let before =
            subtransaction::attempt(members).unwrap_or_else(|raised| count::raise(raised, audience, &segments));
        Members { audience: audience.name.clone(), before }
    }

    /// Records who has come and who has gone since.
    pub fn record_changes(self) {
        if self.before.is_empty() {
            return;
        }
        let after = security::as_role(access::extension_owner(), || {
            let (audience, segments) = snapshot::latest(|| {
                let segments: Vec<Definition> = self.before.keys().filter_map(|id| Definition::find(*id)).collect();
                (Audience::try_load(&self.audience), segments)
            });
            audience.map_or_else(|_| HashMap::new(), |audience| members(&audience, &segments))
        });
        let nobody = HashSet::new();
        let change = |segment, contact: &String, net| Change { segment, contact: contact.clone(), net };
        let mut changes = Vec::new();
        for (segment, before) in self.before {
            let after = after.get(&segment).unwrap_or(&nobody);
            changes.extend(before.difference(after).map(|contact| change(segment, contact, -1)));
            changes.extend(after.difference(&before).map(|contact| change(segment, contact, 1)));
        }
        security::as_role(access::extension_owner(), || record::append(&changes));
    }
}

/// A segment, and a contact by its id as text.
pub type Member = (Uuid, String);

/// How many contacts of each change's id are members of its segment now; 0 where it is not among them. With the rights
/// of the extension's owner.
pub fn rows_now<'c>(audience: &str, changes: impl Iterator<Item = &'c Change>) -> HashMap<Member, i64> {
    let mut asked: HashMap<Uuid, Vec<String>> = HashMap::new();
    changes.for_each(|change| asked.entry(change.segment).or_default().push(change.contact.clone()));
    if asked.is_empty() {
        return HashMap::new();
    }
    snapshot::latest(|| {
        let audience = Audience::load(audience);
        let rows = |(segment, contacts): (Uuid, Vec<String>)| {
            let definition = Definition::find(segment)?;
            let checked = scope::check_segment(&audience, &definition).ok()?.checked;
            let id = quote_identifier(&audience.id.name);
            let sql = audience.reading(&format!(
                "SELECT {}, pg_catalog.count(*) FROM {} WHERE {} AND ({}) GROUP BY 1",
                audience.id.as_text(&id),
                audience.relation.quoted(),
                audience.id.is_any(&id, "$1"),
                contact_sql::executable_sql(&audience, &checked)
            ));
            let read = || query::rows(&sql, &[contacts.into()], |row| ((segment, row.get(1)), row.get(2)));
            Some(security::as_role_restricted(audience.relation.owner, read))
        };
        asked.into_iter().filter_map(rows).flatten().collect()
    })
}

/// The ids of the segments' members, as text.
pub fn members(audience: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    members_in(&audience.relation.quoted(), audience, segments)
}

/// As [`members`], of an audience over a part of a table, without the parts that this has itself.
pub fn members_of_part(part: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    members_in(&format!("ONLY {}", part.relation.quoted()), part, segments)
}

fn members_in(rows: &str, audience: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    let ids = |segment: &Definition| {
        let Ok(checked) = scope::check_segment(audience, segment) else { return HashSet::new() };
        let sql = audience.reading(&format!(
            "SELECT {} FROM {rows} WHERE {}",
            audience.id.as_text(&quote_identifier(&audience.id.name)),
            contact_sql::executable_sql(audience, &checked.checked)
        ));
        let read = || query::rows(&sql, &[], |row| row.nullable::<String>(1));
        security::as_role_restricted(audience.relation.owner, read).into_iter().flatten().collect()
    };
    if segments.is_empty() {
        return HashMap::new();
    }
    snapshot::latest(|| segments.iter().map(|segment| (segment.id, ids(segment))).collect())
}
