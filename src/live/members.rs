//! The members of watched segments before and after a change that no transition table shows: a change of definition, or
//! a TRUNCATE.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::counting::strategy;
use crate::live::changes::{current, record, unrecorded, watched};
use crate::live::deltas::Change;
use crate::live::recorders;
use crate::pg::{security, snapshot, subtransaction};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Watched segments, with their members at some time.
#[must_use = "what has changed is recorded by `record_changes`"]
pub struct Members {
    audience: String,
    watched: Vec<Uuid>,
    /// The members of those segments whose entries and exits triggers record. Those of the others are stored
    before: HashMap<Uuid, HashSet<String>>,
}

impl Members {
    /// The present members of those segments that are watched. The caller holds writers of the audience's tables, if it
    /// is live.
    pub fn of_watched(audience: &Audience, segments: &[Definition]) -> Self {
        let watched = snapshot::latest(|| watched::of(&audience.name));
        let watched: Vec<(&Definition, bool)> = segments
            .iter()
            .filter_map(|segment| {
                let watched = watched.iter().find(|watched| watched.segment == segment.id)?;
                Some((segment, watched.is_live && !watched.has_set))
            })
            .collect();
        let by_triggers: Vec<Definition> =
            watched.iter().filter(|(_, by_triggers)| *by_triggers).map(|(segment, _)| (*segment).clone()).collect();
        // The user who empties a table need not be allowed to read the tables that the conditions use.
        let members = || security::as_role(access::extension_owner(), || current::members(audience, &by_triggers));
        let before =
            subtransaction::attempt(members).unwrap_or_else(|raised| strategy::raise(raised, audience, &by_triggers));
        let watched = watched.into_iter().map(|(segment, _)| segment.id).collect();
        Members { audience: audience.name.clone(), watched, before }
    }

    /// Records who has entered and who has left since then. The caller has locked the bases of the segments.
    pub fn record_changes(self) {
        if self.watched.is_empty() {
            return;
        }
        let (audience, segments) = security::as_role(access::extension_owner(), || {
            snapshot::latest(|| {
                let segments: Vec<Definition> = self.watched.iter().filter_map(|id| Definition::find(*id)).collect();
                (Audience::try_load(&self.audience).ok(), segments)
            })
        });
        let is_recorded = |segment: &&Definition| self.before.contains_key(&segment.id);
        let by_triggers: Vec<Definition> = segments.iter().filter(is_recorded).cloned().collect();
        let after = audience
            .as_ref()
            .map(|audience| security::as_role(access::extension_owner(), || current::members(audience, &by_triggers)));
        let mut before = self.before;
        if let Some(after) = &after {
            let known = before.len();
            let is_unread = |id: &Uuid| by_triggers.iter().any(|segment| segment.id == *id) && !after.contains_key(id);
            before.retain(|segment, _| !is_unread(segment));
            if before.len() < known {
                unrecorded::warn(vec![self.audience], UNREAD);
            }
        }
        let after = after.unwrap_or_default();
        let nobody = HashSet::new();
        let change = |segment, contact: &String, net| Change { segment, contact: contact.clone(), net };
        let mut changes = Vec::new();
        for (segment, before) in before {
            let after = after.get(&segment).unwrap_or(&nobody);
            changes.extend(before.difference(after).map(|contact| change(segment, contact, -1)));
            changes.extend(after.difference(&before).map(|contact| change(segment, contact, 1)));
        }
        security::as_role(access::extension_owner(), || record::append(&changes));
        if let Some(audience) = audience {
            recorders::settle(&audience, &segments);
        }
    }
}

const UNREAD: &str =
    "A condition reads a relation that cannot be read with the rights of the owner of the contacts' table.";
