//! Segments that ask whether a contact is subscribed to any topic. A new topic may change their members, because
//! subscriptions to it may exist already.

use crate::api::segment::write::with_dependents;
use crate::catalog::audience::Audience;
use crate::catalog::freshness;
use crate::catalog::segment::Definition;
use crate::counting::recount;
use crate::evaluate::condition;
use crate::live::changes::members::Members;
use crate::live::definition_locks;
use crate::pg::snapshot;

/// Adds a topic to an audience, and counts the segments again that ask for any topic.
pub fn with_new_topic<T>(audience: &str, add: impl FnOnce() -> T) -> T {
    // The lock keeps others from creating such a segment meanwhile.
    freshness::hold_definitions(audience);
    let asking = snapshot::latest(|| asking(audience));
    if asking.is_empty() {
        return add();
    }
    let before = definition_locks::hold_writers(audience);
    let members = Members::of_watched(&before, &asking);
    let added = add();
    // The audience is loaded again, because its filter may ask for any topic, too.
    recount::recount(&snapshot::latest(|| Audience::load(audience)), &asking);
    members.record_changes();
    added
}

/// The segments that ask for any topic, and the segments that refer to them.
fn asking(audience: &str) -> Vec<Definition> {
    let asks = |text: &str| condition::stored(text.as_bytes()).asks_any_topic();
    let all = Definition::all(audience);
    if Audience::unrestricted(audience).is_ok_and(|audience| audience.scope.as_deref().is_some_and(asks)) {
        return all;
    }
    let mut found: Vec<Definition> = Vec::new();
    for segment in all.iter().filter(|segment| asks(&segment.conditions)).flat_map(with_dependents) {
        if found.iter().all(|known| known.id != segment.id) {
            found.push(segment);
        }
    }
    found
}
