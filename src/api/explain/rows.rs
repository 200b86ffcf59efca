//! The rows of a relation that a line of an explanation reads.

use crate::catalog::audience::Audience;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::expr::{Atom, Checked, Expr, RowsTest};
use segments_core::path::Path;
use segments_core::sql::{self, ColumnKind, ContactKey, RelationTable, Style};

/// The alias of the table with the rows
const ROW: &str = "segments.row";

/// The rows that a contact has in a relation, as a jsonb array. Each is an object of what the tests read of it.
pub fn rows_sql(audience: &Audience, relation: &RelationTable, checked: &Checked) -> String {
    let style = Style { alias: Some(ROW.to_owned()), ..audience.style() };
    let scope = relation.scope.try_map(&mut |test| Some(test.clone().into())).unwrap_or(Expr::Const(false));
    let table =
        format!("{}.{}", quote_identifier(&relation.relation.schema), quote_identifier(&relation.relation.name));
    format!(
        "(SELECT COALESCE(pg_catalog.jsonb_agg({}), '[]'::pg_catalog.jsonb) FROM {table} {} WHERE {} AND ({}))",
        object_sql(relation, checked, &style),
        quote_identifier(ROW),
        is_of_contact(audience, relation),
        sql::where_clause(&scope, &relation.rows, &style)
    )
}

/// A row as an object; NULL columns are left out.
fn object_sql(relation: &RelationTable, checked: &Checked, style: &Style) -> String {
    let row = quote_identifier(ROW);
    let empty = "'{}'::pg_catalog.jsonb";
    let member = |key: &String| {
        let (is_there, value) = match (relation.rows.column(key), &relation.rows.properties) {
            (Some(column), _) => (format!("{row}.{}", quote_identifier(&column.name)), sql::seen(column, style)),
            (None, Some(properties)) => {
                let properties = quote_identifier(&properties.name);
                let value = format!("({row}.{properties} OPERATOR(pg_catalog.->) {})", quote_literal(key));
                (value.clone(), value)
            }
            (None, None) => return None,
        };
        let object = format!("pg_catalog.jsonb_build_object({}, {value})", quote_literal(key));
        Some(format!("CASE WHEN {is_there} IS NOT NULL THEN {object} ELSE {empty} END"))
    };
    let keys = keys_of(relation, checked);
    let joined = |left, right| format!("pg_catalog.jsonb_concat({left}, {right})");
    keys.iter().filter_map(member).reduce(joined).unwrap_or_else(|| empty.to_owned())
}

/// The first keys of the fields of rows that the condition reads.
fn keys_of(relation: &RelationTable, checked: &Checked) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    checked.for_each(&mut |atom| {
        if let Atom::Rows(rows) = atom
            && rows.relation == relation.name
        {
            keys.extend(rows.paths().into_iter().map(|path| path.first().to_owned()));
        }
    });
    keys.sort();
    keys.dedup();
    keys
}

/// Whether a row belongs to the contact of the query, whose table has no alias.
fn is_of_contact(audience: &Audience, relation: &RelationTable) -> String {
    let contact = format!("{}.{}", quote_identifier(ROW), quote_identifier(&relation.rows.id));
    let id = format!("{}.{}", quote_identifier(&audience.table.name), quote_identifier(&audience.id.name));
    match &relation.contact {
        ContactKey::Equals { operators } => {
            format!("{contact} OPERATOR({}.=) {id}", quote_identifier(operators))
        }
        ContactKey::AsText => format!("{contact} OPERATOR(pg_catalog.=) {}", audience.id.as_text(&id)),
    }
}

/// The test on rows, if the condition is one. `None` where it reads columns whose values are not compared as the texts that
/// [`rows_sql`] shows: found by text, they would be others.
pub fn test_on_rows<'c>(audience: &Audience, checked: &'c Checked) -> Option<&'c RowsTest> {
    let (mut tests, mut others) = (Vec::new(), false);
    checked.for_each(&mut |atom| match atom {
        Atom::Rows(rows) => tests.push(rows),
        _ => others = true,
    });
    let ([test], false) = (&tests[..], others) else { return None };
    let rows = &audience.table.relation(&test.relation)?.rows;
    let is_text = |path: &Path| rows.column(path.first()).is_none_or(|column| is_compared_as_text(&column.kind));
    test.paths().into_iter().all(is_text).then_some(test)
}

fn is_compared_as_text(kind: &ColumnKind) -> bool {
    match kind {
        ColumnKind::Array(element) => is_compared_as_text(element),
        kind => !matches!(kind, ColumnKind::Citext { .. } | ColumnKind::Char { .. } | ColumnKind::Uuid),
    }
}
