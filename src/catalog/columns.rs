//! The columns of a table, as the server's catalog has them.

use crate::catalog::column::ColumnRef;
use crate::pg::error::Failure;
use crate::pg::operator::Compared;
use crate::pg::{query, text};
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::nearest::did_you_mean;
use segments_core::sql::{ColumnKind, NativeColumn, QualifiedName};
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
    /// The schema of the operators that order the type
    operators: String,
    kind: Option<ColumnKind>,
    declared: pg_sys::Oid,
}

impl CatalogColumn {
    /// The column as a property; `None` if conditions cannot use its type.
    pub fn to_property(&self) -> Option<NativeColumn> {
        Some(NativeColumn { name: self.name.clone(), not_null: self.not_null, kind: self.kind.clone()? })
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

    /// Whether the column is jsonb.
    pub fn is_jsonb(&self) -> bool {
        self.kind == Some(ColumnKind::Jsonb)
    }
}

/// The columns of a relation, in their order. A domain counts as the type that it is over.
pub fn read(relation: pg_sys::Oid) -> Vec<CatalogColumn> {
    query::rows(COLUMNS, &[relation.into()], |row| {
        let base = BaseType {
            schema: row.get(5),
            name: row.get(6),
            labels: row.nullable(7),
            is_domain: row.get(13),
            deterministic: row.get(8),
        };
        let kind = match row.nullable::<String>(9) {
            None => base.kind(),
            Some(schema) => {
                let element = BaseType {
                    schema,
                    name: row.get(10),
                    labels: row.nullable(11),
                    is_domain: false,
                    deterministic: base.deterministic,
                };
                element.kind().filter(is_scalar).map(|kind| ColumnKind::Array(Box::new(kind)))
            }
        };
        CatalogColumn {
            number: row.get(1),
            name: row.get(2),
            not_null: row.get(3),
            type_name: row.get(4),
            is_plain: row.get(12),
            operators: row.nullable(14).unwrap_or_else(|| "pg_catalog".to_owned()),
            kind,
            declared: row.get(15),
        }
    })
}

// PostgreSQL 18 marks a column NOT NULL while the constraint is not valid yet, but the column may hold NULLs. OFFSET 0
// makes Postgres look the types of elements up one by one. Hashing all types of the database would take half a
// millisecond.
const COLUMNS: &str = "
SELECT a.attnum, a.attname::text,
       a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_constraint k
            WHERE k.conrelid = a.attrelid AND k.contype = 'n'
              AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated),
       format('%I.%I', base.nspname, base.typname),
       base.nspname::text, base.typname::text, base.labels,
       COALESCE((SELECT l.collisdeterministic FROM pg_collation l WHERE l.oid = a.attcollation), true),
       element.nspname::text, element.typname::text, element.labels,
       base.typtype = ANY ('{b,e}') AND base.typcategory <> 'A',
       base.oid <> a.atttypid,
       CASE WHEN base.nspname <> 'pg_catalog' THEN
           (SELECT n.nspname::text FROM pg_opclass c
              JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
              JOIN pg_amop e ON e.amopfamily = c.opcfamily AND e.amopstrategy = 3
               AND e.amoplefttype = base.oid AND e.amoprighttype = base.oid
              JOIN pg_operator o ON o.oid = e.amopopr
              JOIN pg_namespace n ON n.oid = o.oprnamespace
             WHERE c.opcintype = base.oid AND c.opcdefault)
       END,
       a.atttypid
  FROM pg_attribute a
 CROSS JOIN LATERAL (
        WITH RECURSIVE type(oid, typtype, typbasetype, typelem, typcategory, typnamespace, typname) AS (
            SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory, t.typnamespace, t.typname
              FROM pg_type t WHERE t.oid = a.atttypid
            UNION ALL
            SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory, t.typnamespace, t.typname
              FROM type JOIN pg_type t ON t.oid = type.typbasetype
             WHERE type.typtype = 'd')
        SELECT type.*, n.nspname,
               (SELECT array_agg(e.enumlabel::text) FROM pg_enum e WHERE e.enumtypid = type.oid) AS labels
          FROM type JOIN pg_namespace n ON n.oid = type.typnamespace
         WHERE type.typtype <> 'd') base
  LEFT JOIN LATERAL (
        SELECT t.typname, n.nspname,
               (SELECT array_agg(e.enumlabel::text) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE t.oid = base.typelem AND base.typcategory = 'A'
        OFFSET 0) element ON true
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum";

/// The type of a column, with domains resolved.
struct BaseType {
    schema: String,
    name: String,
    /// The labels of an enum
    labels: Option<Vec<String>>,
    /// Whether the column has a domain over the type
    is_domain: bool,
    /// Whether the column's collation is deterministic
    deterministic: bool,
}

impl BaseType {
    fn kind(self) -> Option<ColumnKind> {
        let deterministic = self.deterministic;
        if let Some(labels) = self.labels {
            return Some(ColumnKind::Enum {
                type_name: QualifiedName { schema: self.schema, name: self.name },
                labels,
                is_domain: self.is_domain,
            });
        }
        if self.name == "citext" {
            return Some(ColumnKind::Citext { schema: self.schema });
        }
        if self.schema != "pg_catalog" {
            return None;
        }
        Some(match self.name.as_str() {
            "text" => ColumnKind::Text { deterministic },
            "varchar" => ColumnKind::Varchar { deterministic },
            "bpchar" => ColumnKind::Char { deterministic },
            "name" => ColumnKind::Name,
            "uuid" => ColumnKind::Uuid,
            "inet" => ColumnKind::Inet,
            "int2" => ColumnKind::SmallInt,
            "int4" => ColumnKind::Integer,
            "int8" => ColumnKind::BigInt,
            "numeric" => ColumnKind::Numeric,
            "float4" => ColumnKind::Real,
            "float8" => ColumnKind::Double,
            "bool" => ColumnKind::Boolean,
            "date" => ColumnKind::Date,
            "timestamp" => ColumnKind::Timestamp,
            "timestamptz" => ColumnKind::TimestampTz,
            "json" => ColumnKind::Json,
            "jsonb" => ColumnKind::Jsonb,
            _ => return None,
        })
    }
}

fn is_scalar(kind: &ColumnKind) -> bool {
    !matches!(kind, ColumnKind::Json | ColumnKind::Jsonb)
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
    let (reference, own) = (Compared::find(relation, &contact.name), Compared::find(contacts, &id.name));
    let operators = id.operators_with(&contact.type_name);
    reference.zip(own).is_some_and(|(reference, own)| own.is_identified_by(reference, operators))
}
