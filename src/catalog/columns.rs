//! The columns of a table, as the server's catalog has them.

use crate::catalog::column::ColumnRef;
use crate::pg::error::Failure;
use crate::pg::operator::ComparedColumn;
use crate::pg::{column_kind, query, relcache, text};
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::nearest::did_you_mean;
use segments_core::sql::{ColumnKind, ContactKey, NativeColumn, QualifiedName};
use segments_core::types::{PropertyType, ScalarType};

/// A column of a table.
pub struct CatalogColumn {
    pub number: i16,
    pub name: String,
    pub not_null: bool,
    /// The name of the type, qualified and quoted for a cast. For a domain, it is the type that the domain is over,
    /// because a cast to the domain would run its checks, which are its owner's code, with the caller's rights
    pub type_name: String,
    /// Whether the type is neither an array, a range nor a row. Any user can create such types, with casts
    pub is_plain: bool,
    /// Whether the column is declared as a `numeric` with a precision
    has_precision: bool,
    /// The schema of the operators that order the type
    operators: String,
    kind: Option<ColumnKind>,
    declared: pg_sys::Oid,
}

impl CatalogColumn {
    /// The column as a property; `None` if conditions cannot use its type.
    pub fn to_property(&self) -> Option<NativeColumn> {
        Some(NativeColumn {
            name: self.name.clone(),
            not_null: self.not_null,
            kind: self.kind.clone()?,
            has_precision: self.has_precision,
        })
    }

    /// The name of the type as `\d` shows it, if conditions cannot use it; otherwise `None`.
    pub fn unusable_type(&self) -> Option<String> {
        self.kind.is_none().then(|| text::type_name(self.declared))
    }

    /// The column as one with slugs or ids of topics; `None` if its type cannot hold them.
    pub fn to_topic(&self) -> Option<NativeColumn> {
        self.to_property().filter(|column| column.kind.property_type() == PropertyType::Scalar(ScalarType::String))
    }

    pub fn to_ref(&self) -> ColumnRef {
        ColumnRef {
            name: self.name.clone(),
            type_name: self.type_name.clone(),
            operators: self.operators.clone(),
            not_null: self.not_null,
            is_enum: matches!(self.kind, Some(ColumnKind::Enum { .. })),
        }
    }

    /// Whether the column's values are days or points in time.
    pub fn is_time(&self) -> bool {
        matches!(self.kind, Some(ColumnKind::Date | ColumnKind::Timestamp | ColumnKind::TimestampTz))
    }

    /// Whether the column's values are text that is compared byte by byte.
    fn is_text(&self) -> bool {
        matches!(
            self.kind,
            Some(ColumnKind::Text { deterministic: true } | ColumnKind::Varchar { deterministic: true })
        )
    }

    /// Whether the column is jsonb.
    pub fn is_jsonb(&self) -> bool {
        self.kind == Some(ColumnKind::Jsonb)
    }
}

/// The columns of a relation, in their order. A domain counts as the type that it is over.
pub fn read(relation: pg_sys::Oid) -> Vec<CatalogColumn> {
    query::rows(COLUMNS, &[relation.into()], |row| {
        let deterministic = row.get(9);
        let base = ColumnType { oid: row.get(5), schema: row.get(6), name: row.get(7), labels: row.nullable(8) };
        let kind = match row.nullable(10) {
            None => base.kind(row.get(15), deterministic),
            Some(oid) => {
                let element = ColumnType { oid, schema: row.get(11), name: row.get(12), labels: row.nullable(13) };
                let kind = element.kind(false, deterministic).filter(column_kind::may_be_element);
                kind.map(|kind| ColumnKind::Array(Box::new(kind)))
            }
        };
        CatalogColumn {
            number: row.get(1),
            name: row.get(2),
            not_null: row.get(3),
            type_name: row.get(4),
            is_plain: row.get(14),
            has_precision: row.get(18),
            operators: row.nullable(16).unwrap_or_else(|| "pg_catalog".to_owned()),
            kind,
            declared: row.get(17),
        }
    })
}

const COLUMNS: &str = include_str!("../../sql/queries/table_columns.sql");

/// The type of a column, with domains resolved, or that of an array's elements.
struct ColumnType {
    oid: pg_sys::Oid,
    schema: String,
    name: String,
    /// The labels of an enum
    labels: Option<Vec<String>>,
}

impl ColumnType {
    /// `None` if conditions cannot use the type. `is_domain` says whether the column has a domain over the type, and
    /// `deterministic` whether its collation is deterministic.
    fn kind(self, is_domain: bool, deterministic: bool) -> Option<ColumnKind> {
        match self.labels {
            Some(labels) => {
                let type_name = QualifiedName { schema: self.schema, name: self.name };
                Some(ColumnKind::Enum { type_name, labels, is_domain })
            }
            None => column_kind::of_type(self.oid, deterministic),
        }
    }
}

/// A column as it is stored: by its name, so that a dump restores it, and by its number, so that it follows a rename.
pub type StoredColumn = (String, Option<i16>);

/// The present number of a stored column: that of the column of its name or, after a rename, its own. `None` if there is
/// neither.
pub fn present(relation: pg_sys::Oid, (name, number): &StoredColumn) -> Option<i16> {
    let by_number = || number.filter(|number| relcache::column_name(relation, *number).is_some());
    relcache::column_number(relation, name).or_else(by_number)
}

/// A stored column among the columns of its table.
pub fn find<'c>(
    relation: pg_sys::Oid,
    catalog: &'c [CatalogColumn],
    stored: &StoredColumn,
) -> Option<&'c CatalogColumn> {
    let number = present(relation, stored)?;
    catalog.iter().find(|found| found.number == number)
}

/// The column of that name. Raises 42703 if the table has no such column.
pub fn find_column<'c>(catalog: &'c [CatalogColumn], column: &str, table: &str) -> &'c CatalogColumn {
    catalog.iter().find(|found| found.name == column).unwrap_or_else(|| {
        let meant = did_you_mean(column, catalog.iter().map(|found| &found.name));
        Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("column \"{column}\" of {table} does not exist"))
            .detail(format!(
                "Its columns are {}.",
                catalog.iter().map(|found| found.name.as_str()).collect::<Vec<_>>().join(", ")
            ))
            .hint(meant.unwrap_or_else(|| "Name one of these.".to_owned()))
            .raise()
    })
}

/// Whether a column can refer to ids of contacts: queries can compare the two, with the same result as comparing ids.
pub fn refers_to(relation: pg_sys::Oid, contact: &CatalogColumn, contacts: pg_sys::Oid, id: &ColumnRef) -> bool {
    let (reference, own) = (ComparedColumn::find(relation, &contact.name), ComparedColumn::find(contacts, &id.name));
    let operators = id.operators_with(&contact.type_name);
    reference.zip(own).is_some_and(|(reference, own)| own.is_identified_by(reference, operators))
}

/// How a column says whose row it is; `None` if it cannot be compared with ids of contacts.
pub fn contact_key(
    relation: pg_sys::Oid,
    contact: &CatalogColumn,
    contacts: pg_sys::Oid,
    id: &ColumnRef,
) -> Option<ContactKey> {
    if refers_to(relation, contact, contacts, id) {
        return Some(ContactKey::Equals { operators: id.operators_with(&contact.type_name).to_owned() });
    }
    (contact.is_text() && id.has_plain_text()).then_some(ContactKey::AsText)
}

/// Whether the current role may SELECT columns of a table. Without named columns, one readable column is enough.
pub fn may_select(table: pg_sys::Oid, columns: &[String]) -> bool {
    let arguments = [table.into(), columns.to_vec().into()];
    query::first(MAY_SELECT, &arguments, |row| row.get::<bool>(1)) == Some(true)
}

const MAY_SELECT: &str = "
SELECT has_schema_privilege(c.relnamespace, 'USAGE')
   AND (has_table_privilege(c.oid, 'SELECT')
        OR (has_any_column_privilege(c.oid, 'SELECT')
            AND NOT EXISTS (SELECT FROM pg_attribute a
                             WHERE a.attrelid = c.oid
                               AND a.attname = ANY ($2::name[])
                               AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT'))))
  FROM pg_class c WHERE c.oid = $1";
