//! Rewriting stored conditions after a rename of a segment or a column, so that they contain the present names.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::columns;
use crate::catalog::segment::{Definition, argument, id_of};
use crate::evaluate::condition;
use crate::pg::{query, relcache, snapshot};
use pgrx::prelude::*;
use segments_core::path::Path;
use segments_core::rename::Renaming;
use uuid::Uuid;

/// The present name and number of a stored column; as they are stored if the column does not exist any more.
#[pg_extern(sql = false)]
fn follow_column(
    relation: Option<pg_sys::Oid>,
    name: Option<String>,
    number: Option<i16>,
) -> TableIterator<'static, (name!(present_name, Option<String>), name!(present_number, Option<i16>))> {
    let present = relation.zip(name.clone()).and_then(|(relation, name)| {
        let number = columns::present(relation, &(name, number))?;
        Some((relcache::column_name(relation, number)?, number))
    });
    TableIterator::once(present.map_or((name, number), |(name, number)| (Some(name), Some(number))))
}

/// Rewrites the segments that refer to a segment by its name. Definitions are locked, so no other segment can begin to
/// refer to it meanwhile.
pub fn follow_name(before: &Definition, after: &Definition) {
    if before.name == after.name {
        return;
    }
    // A name that looks like an id would be read as an id, so the id itself is written.
    let name = if Uuid::parse_str(&after.name).is_ok() { after.id.to_string() } else { after.name.clone() };
    let by_name = [argument(after.id), before.name.as_str().into()];
    let holders = snapshot::latest(|| query::rows(HOLDERS, &by_name, |row| id_of(row.get(1))));
    for holder in holders {
        let holder = snapshot::latest(|| Definition::load(holder));
        let segment = |reference: &str| (reference == before.name).then(|| name.clone());
        store(&holder, &Renaming { field: &|_| None, segment: &segment });
        let reference = [argument(holder.id), before.name.as_str().into(), name.as_str().into(), argument(after.id)];
        access::write_latest(ADD_REFERENCE, &reference);
    }
    access::write_latest(FORGET_REFERENCES, &by_name);
}

/// Rewrites the declared properties of an audience after columns of its table were renamed, and the segments and the
/// filters of it and of those that are based on it. Each column has its old name and its new name.
pub fn follow_columns(source: &str, mut columns: Vec<(String, String)>) {
    let speaks = |condition: &str| {
        let fields = condition::stored(condition.as_bytes());
        let is_named = |path: &Path| columns.iter().any(|(before, after)| path.below_renamed(before, after).is_some());
        fields.paths().iter().any(is_named)
    };
    let before: Vec<&str> = columns.iter().map(|(before, _)| before.as_str()).collect();
    let mut segments = Definition::naming(source, &before);
    segments.retain(|segment| speaks(&segment.conditions));
    let named: Vec<String> = before.iter().map(|&before| before.to_owned()).collect();
    let filters =
        query::rows(FILTERS, &[source.into(), named.into()], |row| (row.get::<String>(1), row.get::<String>(2)));
    let filters: Vec<(String, String)> = filters.into_iter().filter(|(_, filter)| speaks(filter)).collect();
    let declared = query::rows(DECLARED, &[source.into()], |row| row.get::<String>(1));
    let is_declared = columns.iter().any(|(before, _)| declared.contains(before));
    // One table may have thousands of audiences, so those with nothing to rewrite are not loaded.
    if segments.is_empty() && filters.is_empty() && !is_declared {
        return;
    }
    // A condition cannot name a column that is no property, but it may name a custom property of the same name, which
    // must stay.
    let Ok(loaded) = Audience::unrestricted(source) else { return };
    columns.retain(|(_, after)| loaded.table.column(after).is_some());
    let field = |path: &Path| columns.iter().find_map(|(before, after)| path.below_renamed(before, after));
    let names = Renaming { field: &field, segment: &|_| None };
    for segment in &segments {
        store(segment, &names);
    }
    let filters = filters.into_iter().filter_map(|(audience, filter)| Some((audience, renamed(&filter, &names)?)));
    let (audiences, filters): (Vec<String>, Vec<String>) = filters.unzip();
    if !audiences.is_empty() {
        access::write_latest(STORE_FILTERS, &[audiences.into(), filters.into()]);
    }
    for (before, after) in columns.iter().filter(|(before, _)| declared.contains(before)) {
        access::write_latest(RENAME_PROPERTY, &[source.into(), before.as_str().into(), after.as_str().into()]);
    }
}

/// Rewrites the scope and the declared properties of a relation after columns of its table were renamed, and the segments
/// that read it. Each column has its old name and its new name.
pub fn follow_row_columns(source: &str, relation: &str, mut columns: Vec<(String, String)>) {
    let Ok(loaded) = Audience::unrestricted(source) else { return };
    let Some(Ok(related)) = loaded.related(relation).map(|related| &related.rows) else { return };
    // A key of the same name must stay.
    columns.retain(|(_, after)| related.rows.table.column(after).is_some());
    let inside = |path: &Path| columns.iter().find_map(|(before, after)| path.in_rows_renamed(relation, before, after));
    for segment in Definition::naming(source, &[relation]) {
        store(&segment, &Renaming { field: &inside, segment: &|_| None });
    }
    let of_row = |path: &Path| columns.iter().find_map(|(before, after)| path.below_renamed(before, after));
    let scope = related.rows.filter.as_ref();
    let scope = scope.and_then(|scope| renamed(scope, &Renaming { field: &of_row, segment: &|_| None }));
    if let Some(scope) = scope {
        access::write_latest(STORE_SCOPE, &[source.into(), relation.into(), scope.into()]);
    }
    for declared in query::rows(DECLARED, &[source.into()], |row| row.get::<String>(1)) {
        if let Some(renamed) = inside(&Path::parse(&declared)) {
            access::write_latest(RENAME_PROPERTY, &[source.into(), declared.into(), renamed.text().into()]);
        }
    }
}

/// Stores the conditions of a segment with the new names, if they change.
fn store(segment: &Definition, names: &Renaming) {
    if let Some(conditions) = renamed(&segment.conditions, names) {
        access::write_latest(STORE, &[argument(segment.id), conditions.into()]);
    }
}

/// The text of a condition with the new names; `None` if it does not change.
fn renamed(text: &str, names: &Renaming) -> Option<String> {
    let condition = condition::stored(text.as_bytes());
    let renamed = condition.renamed(names);
    (renamed != condition).then(|| renamed.to_string())
}

const HOLDERS: &str = "
SELECT r.segment FROM segments.segment_reference r
 WHERE r.target = $1 AND r.reference = $2";

const ADD_REFERENCE: &str = "
INSERT INTO segments.segment_reference (segment, reference, target)
SELECT r.segment, $3, r.target FROM segments.segment_reference r
 WHERE r.segment = $1 AND r.reference = $2
   AND r.target = $4 ON CONFLICT DO NOTHING";

const FORGET_REFERENCES: &str = "
DELETE FROM segments.segment_reference r
 WHERE r.target = $1 AND r.reference = $2";

const STORE: &str = "
UPDATE segments.segment_config s SET conditions = $2 WHERE s.id = $1";

const FILTERS: &str = "
SELECT a.name, a.scope::text FROM segments.audience_config a
 WHERE a.source = $1 AND segments.fields_of(a.scope) && $2";

const DECLARED: &str = "SELECT p.name FROM segments.property_config p WHERE p.audience = $1";

const STORE_FILTERS: &str = "
UPDATE segments.audience_config a SET scope = f.scope
  FROM ROWS FROM (unnest($1), unnest($2)) f(name, scope) WHERE a.name = f.name";

const STORE_SCOPE: &str = "
UPDATE segments.relation_config r SET scope = $3 WHERE r.audience = $1 AND r.name = $2";

const RENAME_PROPERTY: &str = "
UPDATE segments.property_config p SET name = $3
 WHERE p.audience = $1 AND p.name = $2
   AND NOT EXISTS (SELECT FROM segments.property_config other
                    WHERE other.audience = $1 AND other.name = $3)";
