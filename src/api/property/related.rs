//! Properties of the rows of a relation, such as `orders.channel`.

use super::{Users, already_exists, below_another, declare};
use crate::catalog::access;
use crate::catalog::audience::{Audience, Related, RelatedRows};
use crate::catalog::scope;
use crate::catalog::segment::Definition;
use crate::pg::error::Failure;
use crate::pg::security;
use pgrx::PgSqlErrorCode;
use segments_core::check::UNUSABLE;
use segments_core::expr::Checked;
use segments_core::path::Path;
use segments_core::types::PropertyType;

/// The declared properties of rows: their names in a row, and their types.
type Declared = Vec<(String, PropertyType)>;

/// Declares a property of the rows of a relation.
pub(super) fn create(
    audience: &Audience,
    relation: &Related,
    path: &Path,
    property_type: PropertyType,
    label: Option<&str>,
) {
    if let Some(obstacle) = obstacle(audience, relation, path, property_type) {
        obstacle.raise()
    }
    if !declare(audience, path.text(), property_type, label) {
        already_exists(audience, path.text())
    }
}

/// Why a property of the rows cannot be declared: there is none like it, or something that is valid now would change its
/// meaning or become invalid. `None` also if it is declared already.
pub fn obstacle(audience: &Audience, relation: &Related, path: &Path, property_type: PropertyType) -> Option<Failure> {
    let (name, text) = (&relation.name, path.text());
    let rows = match &relation.rows {
        Ok(RelatedRows { rows, .. }) => rows,
        Err(why) => {
            let failure = Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, why.as_str());
            let failure = failure.detail(format!("\"{text}\" would be a property of its rows."));
            return Some(
                failure.hint("Attach a table as the relation with attach_relation(), which keeps the segments."),
            );
        }
    };
    if path.rest().is_empty() {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("\"{name}\" is a relation of audience \"{}\"", audience.name),
        );
        let hint = format!("For a property of its rows write {name}.channel, for one of contacts choose another name.");
        return Some(failure.detail("Conditions read it as the array of its rows.").hint(hint));
    }
    let inside = Path::from_keys(path.rest().to_vec());
    if inside.rest().is_empty() && rows.table.column(inside.first()).is_some() {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("{} has a column \"{}\"", rows.relation.quoted(), inside.first()),
        );
        let hint = "Use it as it is. The name of a key that should have a type must be another one.";
        return Some(failure.detail(format!("\"{text}\" is that column.")).hint(hint));
    }
    if let Some((column, type_name)) = rows.unusable.iter().find(|(column, _)| column == inside.first()) {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("conditions cannot use column \"{column}\" of type {type_name}"),
        );
        return Some(failure.detail("No property can be declared under the name of a column.").hint(UNUSABLE));
    }
    if rows.property_at(&inside).is_some() {
        return None;
    }
    let around = rows.property_around(&inside);
    if around.is_none() && rows.table.properties.is_none() {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("relation \"{name}\" of audience \"{}\" has no column for properties", audience.name),
        );
        let detail = format!("\"{}\" is not a column of its table either.", inside.first());
        return Some(failure.detail(detail).hint("Attach the relation with a properties_column."));
    }
    if let Some(conflict) = below_another(rows, &inside, around.as_ref(), property_type) {
        return Some(conflict);
    }
    let added = |declared: &mut Declared| declared.push((inside.text().to_owned(), property_type));
    if let Some(used) = changed_scope(relation, rows, text, added) {
        return Some(used.hint("Declare it with the type that the scope reads it as, or choose another name."));
    }
    let users = changed_segments(audience, name, added);
    (!users.are_none()).then(|| {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("segments use \"{text}\" as a path without a type, and would mean something else"),
        );
        let hint = "Change or delete them first: declared, the path is read as its type.";
        failure.detail(users.listed()).hint(hint)
    })
}

/// Raises 2BP01 if something uses a declared property of the rows of a relation.
pub(super) fn must_be_unused(audience: &Audience, relation: &Related, path: &Path) {
    let inside = Path::from_keys(path.rest().to_vec());
    let dropped = |declared: &mut Declared| declared.retain(|(name, _)| name != inside.text());
    let users = match &relation.rows {
        Ok(rows) if rows.rows.lost.is_empty() => changed_segments(audience, &relation.name, dropped),
        // It, or a column of it, is lost, and segments that read it are not valid. They will be once it is attached again.
        _ => Users::find(audience, path, |used| used.keys().starts_with(path.keys())),
    };
    if !users.are_none() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("property \"{}\" is in use by segments", path.text()),
        )
        .detail(users.listed())
        .hint("Change or delete them first.")
        .raise()
    }
    if let Ok(RelatedRows { rows, .. }) = &relation.rows
        && let Some(used) = changed_scope(relation, rows, path.text(), dropped)
    {
        used.hint("Attach the relation again with another scope first.").raise()
    }
}

/// The error for a change of declarations that changes the scope of the relation; `None` if it does not.
fn changed_scope(
    relation: &Related,
    rows: &Audience,
    property: &str,
    change: impl Fn(&mut Declared),
) -> Option<Failure> {
    let meaning = |rows: &Audience| scope::row_scope(rows).ok().map(|scope| scope.checked);
    let before = meaning(rows)?;
    let mut changed = rows.clone();
    change(&mut changed.custom);
    (meaning(&changed) != Some(before)).then(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("\"{property}\" is in use by the scope of relation \"{}\"", relation.name),
        )
        .detail(format!("The scope is {}.", rows.filter.as_deref().unwrap_or("{}")))
    })
}

/// The segments that are valid, and that a change of declarations would change.
fn changed_segments(audience: &Audience, relation: &str, change: impl Fn(&mut Declared)) -> Users {
    let mut segments = Definition::naming(&audience.name, &[relation]);
    if segments.is_empty() {
        return Users::default();
    }
    let (mut before, mut after) = (audience.clone(), audience.clone());
    before.restrict_relations();
    for related in after.relations.iter_mut().filter(|related| related.name == relation) {
        if let Ok(RelatedRows { rows, .. }) = &mut related.rows {
            change(&mut rows.custom);
        }
    }
    after.restrict_relations();
    let is_changed = |segment: &Definition| {
        let before = meaning(&before, segment);
        before.is_some() && before != meaning(&after, segment)
    };
    security::as_role(access::extension_owner(), || segments.retain(is_changed));
    Users::among(segments)
}

/// The checked condition of a segment of an audience, or of one that is based on it; `None` if it is invalid.
fn meaning(source: &Audience, segment: &Definition) -> Option<Checked> {
    let audience = source.with_filter((segment.audience.clone(), None));
    scope::check_segment(&audience, segment).ok().map(|condition| condition.checked)
}
