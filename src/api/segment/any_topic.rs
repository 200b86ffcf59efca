//! Segments that ask whether a contact is subscribed to any topic. A new topic may change their members, because
//! subscriptions to it may exist already.

use crate::api::segment::write::with_dependents;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::catalog::{access, freshness, source};
use crate::counting::recount;
use crate::evaluate::condition;
use crate::live::definition_locks;
use crate::live::members::Members;
use crate::pg::{security, snapshot};
use std::collections::BTreeMap;

/// Adds a topic to an audience, and counts the segments again that ask for any topic, also those of audiences that are
/// based on it.
pub fn with_new_topic<T>(source: &str, add: impl FnOnce() -> T) -> T {
    // The lock keeps others from creating such a segment meanwhile.
    freshness::hold_definitions(source);
    let asking = security::as_role(access::extension_owner(), || snapshot::latest(|| asking(source)));
    if asking.is_empty() {
        return add();
    }
    definition_locks::hold_writers_of_source(source);
    let load = |audience: &str| {
        security::as_role(access::extension_owner(), || snapshot::latest(|| Audience::try_load(audience))).ok()
    };
    let members: Vec<Members> =
        asking.iter().filter_map(|(audience, asking)| Some(Members::of_watched(&load(audience)?, asking))).collect();
    let added = add();
    // The audiences are loaded again, because their filters may ask for any topic, too.
    for (audience, asking) in &asking {
        if let Some(audience) = load(audience) {
            recount::recount(&audience, asking);
        }
    }
    members.into_iter().for_each(Members::record_changes);
    added
}

/// The segments that ask for any topic, and the segments that refer to them, by audience.
fn asking(source: &str) -> BTreeMap<String, Vec<Definition>> {
    let asks = |text: &str| condition::stored(text.as_bytes()).asks_any_topic();
    let mut found: BTreeMap<String, Vec<Definition>> = BTreeMap::new();
    for audience in source::filters_containing(source, TOPIC).into_iter().filter(|(_, filter)| asks(filter)) {
        let all = Definition::all(&audience.0);
        found.insert(audience.0, all);
    }
    let containing = Definition::containing(source, vec![TOPIC.to_owned()]);
    for segment in containing.iter().filter(|segment| asks(&segment.conditions)).flat_map(with_dependents) {
        let known = found.entry(segment.audience.clone()).or_default();
        if known.iter().all(|known| known.id != segment.id) {
            known.push(segment);
        }
    }
    found.retain(|_, segments| !segments.is_empty());
    found
}

/// What every condition contains that asks for topics.
const TOPIC: &str = "$topic";
