//! Whether contacts are members of segments now.

use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::catalog::visible::counted_condition;
use crate::catalog::{contact_sql, scope};
use crate::live::deltas::Change;
use crate::pg::{query, security, snapshot};
use pgrx::spi::quote_identifier;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A segment, and a contact by its id as text.
pub type Member = (Uuid, String);

/// For each change, how many contacts with its id are members of its segment now. A missing entry means 0. The caller
/// has the rights of the extension's owner.
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
            let checked = counted_condition(&audience, &definition).ok()?.checked;
            let id = quote_identifier(&audience.id.name);
            let sql = audience.reading(&format!(
                "SELECT {}, pg_catalog.count(*) FROM {} WHERE {} AND ({}) GROUP BY 1",
                audience.id.as_text(&id),
                audience.relation.quoted(),
                audience.id.is_any(&id, "$1"),
                contact_sql::executable_sql_for_one(&audience, &checked)
            ));
            let read = || query::rows(&sql, &[contacts.into()], |row| ((segment, row.get(1)), row.get(2)));
            Some(security::as_role_restricted(audience.relation.owner, read))
        };
        asked.into_iter().filter_map(rows).flatten().collect()
    })
}

/// The ids of the members of segments, as text. An invalid segment has none. A segment whose members must not be read with
/// the rights of the owner of the contacts' table is left out.
pub fn members(audience: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    members_in(&audience.relation.quoted(), audience, segments)
}

/// Like [`members`], for an audience over a part of a table, without the parts of this part.
pub fn members_of_part(part: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    members_in(&format!("ONLY {}", part.relation.quoted()), part, segments)
}

fn members_in(rows: &str, audience: &Audience, segments: &[Definition]) -> HashMap<Uuid, HashSet<String>> {
    let ids = |segment: &Definition| {
        let Ok(checked) = counted_condition(audience, segment) else {
            return scope::check_segment(audience, segment).is_err().then(HashSet::new);
        };
        let sql = audience.reading(&format!(
            "SELECT {} FROM {rows} WHERE {}",
            audience.id.as_text(&quote_identifier(&audience.id.name)),
            contact_sql::executable_sql(audience, &checked.checked)
        ));
        let read = || query::rows(&sql, &[], |row| row.nullable::<String>(1));
        Some(security::as_role_restricted(audience.relation.owner, read).into_iter().flatten().collect())
    };
    if segments.is_empty() {
        return HashMap::new();
    }
    snapshot::latest(|| segments.iter().filter_map(|segment| Some((segment.id, ids(segment)?))).collect())
}
