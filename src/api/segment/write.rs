//! Creating, changing and deleting segments.

use crate::api::segment::changes::{Changes, checked_description, checked_name};
use crate::api::segment::read::row;
use crate::catalog::access::{self, unknown_audience};
use crate::catalog::audience::Audience;
use crate::catalog::environment::CheckedCondition;
use crate::catalog::freshness;
use crate::catalog::scope;
use crate::catalog::segment::{Definition, argument, id_of, unknown};
use crate::catalog::visible::Reads;
use crate::counting::recount::recount;
use crate::ddl::renamed;
use crate::evaluate::condition;
use crate::live::definition_locks;
use crate::live::members;
use crate::pg::call::Call;
use crate::pg::error::{Failure, listed, required};
use crate::pg::{query, snapshot};
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use pgrx::{AnyElement, PgSqlErrorCode};
use uuid::Uuid;

/// What finds a condition's contacts without writing.
const PREVIEW: &str = "To see whom a condition finds, call count_contacts() or search_contacts().";

/// Creates a segment and counts its members at once.
#[pg_extern(sql = false)]
fn create_segment(
    name: Option<&str>,
    conditions: Option<&str>,
    description: Option<&str>,
    audience: Option<&str>,
    time_zone: Option<&str>,
) -> Option<AnyElement> {
    let segment = Definition {
        id: Uuid::now_v7(),
        audience: required("audience", audience).to_owned(),
        name: checked_name(required("name", name)).to_owned(),
        description: description.map(checked_description).map(str::to_owned),
        conditions: required("conditions", conditions).to_owned(),
        time_zone: time_zone.map(str::to_owned),
    };
    // A caller who does not name the arguments may pass the audience where the description belongs.
    let mistaken = description.filter(|text| *text != segment.audience && access::has_audience(text));
    if let Some(meant) = mistaken.filter(|_| !access::has_audience(&segment.audience)) {
        unknown_audience(&segment.audience).hint(hint_at_argument(meant)).raise()
    }
    snapshot::must_be_writable("create_segment()", PREVIEW);
    access::require_write(&segment.audience);
    let audience = definition_locks::hold_writers(&segment.audience);
    let checked = scope::check_new(&audience, &segment);
    let added = access::write(
        "INSERT INTO segments.segment_config (id, audience, name, description, conditions, time_zone)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            argument(segment.id),
            segment.audience.as_str().into(),
            segment.name.as_str().into(),
            segment.description.clone().into(),
            segment.conditions.as_str().into(),
            segment.time_zone.clone().into(),
        ],
    );
    if added == 0 {
        duplicate_name(&segment).raise()
    }
    record_references(&segment, &checked);
    condition::notice_constant(&checked.checked, &audience.table);
    if let Some(meant) = mistaken {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("the description is the name of an audience, \"{meant}\""),
        )
        .detail(format!("The segment is one of audience \"{}\".", audience.name))
        .hint(hint_at_argument(meant))
        .notice();
    }
    recount(&audience, std::slice::from_ref(&segment));
    notice_uncounted(&audience, &segment, &checked);
    row(segment.id)
}

fn hint_at_argument(audience: &str) -> String {
    format!("To have the segment in that audience, write audience => {}.", quote_literal(audience))
}

/// Changes a segment, and counts it again if necessary.
#[pg_extern(sql = false)]
fn update_segment(segment: Option<pgrx::Uuid>, call: Call) -> Option<AnyElement> {
    let id = id_of(required("segment", segment));
    let changes = Changes::read(&required("changes", call.jsonb_text(1)));
    let audience = Definition::load(id).audience;
    access::require_write(&audience);
    if ["name", "conditions", "time_zone"].into_iter().any(|key| changes.have(key)) {
        // The lock keeps two concurrent changes from creating a circle of references or from deadlocking, and keeps
        // others from referring to a segment by a name that it is about to lose.
        freshness::hold_definitions(&audience);
    }
    // If another transaction is changing the segment, this waits, so that its changes to other fields are kept.
    access::write("SELECT FROM segments.segment_config s WHERE s.id = $1 FOR UPDATE", &[argument(id)]);
    let before = Definition::load(id);
    let after = changes.made_to(before.clone());
    if after.name != before.name {
        must_have_own_name(&after);
    }
    // Name and description can be changed even if the audience's table is gone.
    if (&before.conditions, &before.time_zone) == (&after.conditions, &after.time_zone) {
        store(&after);
        renamed::follow_name(&before, &after);
    } else {
        redefine(&before, &after);
    }
    row(id)
}

/// Changes the condition of a segment, and counts it and the segments that refer to it again.
fn redefine(before: &Definition, after: &Definition) {
    let audience = definition_locks::hold_writers(&after.audience);
    let checked = snapshot::latest(|| scope::check_new(&audience, after));
    let members = members::Members::of_watched(&audience, &with_dependents(before));
    store(after);
    renamed::follow_name(before, after);
    access::write("DELETE FROM segments.segment_reference r WHERE r.segment = $1", &[argument(after.id)]);
    record_references(after, &checked);
    condition::notice_constant(&checked.checked, &audience.table);
    recount(&audience, &with_dependents(after));
    notice_uncounted(&audience, after, &checked);
    members.record_changes();
}

/// Raises a NOTICE if the owner of the contacts' table may not count a relation that a segment reads.
fn notice_uncounted(audience: &Audience, segment: &Definition, checked: &CheckedCondition) {
    let reads = checked.checked.reads_rows().then(|| Reads::of(audience, &checked.checked));
    if let Some(obstacle) = reads.and_then(|reads| reads.obstacle_to_counting(audience)) {
        obstacle.notice(&segment.name, &audience.name);
    }
}

fn must_have_own_name(segment: &Definition) {
    let others = access::write(
        "SELECT FROM segments.segment_config s
          WHERE s.audience = $1 AND s.name = $2
            AND s.id <> $3 FOR KEY SHARE",
        &[segment.audience.as_str().into(), segment.name.as_str().into(), argument(segment.id)],
    );
    if others > 0 {
        duplicate_name(segment).raise()
    }
}

fn store(segment: &Definition) {
    let changed = access::write(
        "UPDATE segments.segment_config s
            SET name = $2, description = $3, conditions = $4, time_zone = $5, updated_at = clock_timestamp()
          WHERE s.id = $1",
        &[
            argument(segment.id),
            segment.name.as_str().into(),
            segment.description.clone().into(),
            segment.conditions.as_str().into(),
            segment.time_zone.clone().into(),
        ],
    );
    if changed == 0 {
        unknown(segment.id).raise()
    }
}

/// Deletes a segment and returns its id.
#[pg_extern(sql = false)]
fn delete_segment(segment: Option<pgrx::Uuid>) -> pgrx::Uuid {
    let segment = required("segment", segment);
    let definition = Definition::load(id_of(segment));
    access::require_write(&definition.audience);
    let users = referring(definition.id);
    if !users.is_empty() {
        let names: Vec<String> = users.into_iter().map(|user| user.name).collect();
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("segment \"{}\" is in use by other segments", definition.name),
        )
        .detail(format!("They are {}.", listed(&names)))
        .hint("Take their $segment references to it out first, or delete them.")
        .raise()
    }
    let deleted = access::write("DELETE FROM segments.segment_config s WHERE s.id = $1", &[argument(definition.id)]);
    if deleted == 0 {
        unknown(definition.id).raise()
    }
    segment
}

/// A segment and all segments that refer to it, directly or through others.
pub(in crate::api) fn with_dependents(segment: &Definition) -> Vec<Definition> {
    let mut pending = vec![segment.clone()];
    let mut done = Vec::new();
    while let Some(segment) = pending.pop() {
        if done.iter().any(|done: &Definition| done.id == segment.id) {
            continue;
        }
        pending.extend(referring(segment.id));
        done.push(segment);
    }
    done
}

/// The segments that refer directly to a segment, even if they are newer than the transaction's snapshot.
fn referring(target: Uuid) -> Vec<Definition> {
    snapshot::latest(|| {
        let ids = query::rows(
            "SELECT r.segment FROM segments.segment_reference r
              WHERE r.target = $1 AND r.segment <> $1 ORDER BY r.segment",
            &[argument(target)],
            |row| id_of(row.get(1)),
        );
        ids.into_iter().map(Definition::load).collect()
    })
}

fn record_references(segment: &Definition, checked: &CheckedCondition) {
    for reference in &checked.references {
        let lock = "SELECT FROM segments.segment_config s WHERE s.id = $1 FOR KEY SHARE";
        if access::write(lock, &[argument(reference.target)]) == 0 {
            unknown(reference.target).raise()
        }
        access::write(
            "INSERT INTO segments.segment_reference (segment, reference, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[argument(segment.id), reference.text.as_str().into(), argument(reference.target)],
        );
    }
}

fn duplicate_name(segment: &Definition) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
        format!("segment \"{}\" already exists in audience \"{}\"", segment.name, segment.audience),
    )
    .detail("Names of segments are unique in an audience.")
    .hint("Choose another name, or change that segment with update_segment().")
}
