//! The members of watched segments before and after a change that no transition table shows: a change of definition, or
//! a TRUNCATE.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::counting::strategy;
use crate::live::changes::{current, record, watched};
use crate::live::deltas::Change;
use crate::pg::{security, snapshot, subtransaction};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Watched segments, with their members at some time.
#[must_use = "what has changed is recorded by `record_changes`"]
pub struct Members {
    audience: String,
    before: HashMap<Uuid, HashSet<String>>,
}

impl Members {
    /// The present members of those segments that are watched. The caller holds writers of the audience's tables.
    pub fn of_watched(audience: &Audience, segments: &[Definition]) -> Self {
        let watched = snapshot::latest(|| watched::segments_of(&audience.name));
        let segments: Vec<Definition> =
            segments.iter().filter(|segment| watched.contains(&segment.id)).cloned().collect();
        // The user who empties a table need not be allowed to read the tables that the conditions use.
        let members = || security::as_role(access::extension_owner(), || current::members(audience, &segments));
        let before =
            subtransaction::attempt(members).unwrap_or_else(|raised| strategy::raise(raised, audience, &segments));
        Members { audience: audience.name.clone(), before }
    }

    /// Records who has entered and who has left since then.
    pub fn record_changes(self) {
        if self.before.is_empty() {
            return;
        }
        let after = security::as_role(access::extension_owner(), || {
            let (audience, segments) = snapshot::latest(|| {
                let segments: Vec<Definition> = self.before.keys().filter_map(|id| Definition::find(*id)).collect();
                (Audience::try_load(&self.audience), segments)
            });
            audience.map_or_else(|_| HashMap::new(), |audience| current::members(&audience, &segments))
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
