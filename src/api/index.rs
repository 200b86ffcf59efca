//! Indexes on properties: the DDL that creates one, and advice on which indexes would help.

use crate::catalog::audience::{Audience, Related};
use crate::catalog::indexes;
use crate::pg::error::{Failure, internal, required};
use crate::pg::query;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::nearest::did_you_mean;
use segments_core::path::Path;
use segments_core::sql::{ColumnKind, Index, IndexOrder, TypedIndex};
use segments_core::types::{PropertyType, ScalarType};

mod advice;
mod existing;
mod fold;
mod status;

/// The DDL of an index that serves conditions on a property.
#[pg_extern(sql = false)]
fn index_property(name: Option<&str>, audience: Option<&str>) -> String {
    let (name, audience) = (required("name", name), required("audience", audience));
    let audience = Audience::load(audience);
    let place = IndexableTable::of(&audience);
    let index = best_index(&audience, name);
    if let Some(existing) = existing::read(&audience).into_iter().find(|existing| existing.serves.contains(&index)) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("index {} already serves property \"{name}\"", existing.name),
        )
        .detail("Another one would only cost space and time.")
        .hint("Create this one only to replace it.")
        .notice();
    }
    if place.is_partitioned {
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("writing to {} waits until the index is built", place.relation))
            .detail("An index on a partitioned table cannot be built concurrently.")
            .hint("To avoid that, create it ON ONLY the table, then CONCURRENTLY on each partition, and attach these with ALTER INDEX … ATTACH PARTITION.")
            .notice();
    }
    if indexes::has_heirs(audience.relation.oid) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("the index will not cover tables that inherit from {}", place.relation),
        )
        .detail("It serves conditions once each of these tables has such an index.")
        .hint("Create one like it on each table that inherits.")
        .notice();
    }
    place.ddl(&index)
}

/// The index that serves the most conditions on a property.
fn best_index(audience: &Audience, name: &str) -> Index {
    let path = Path::parse(name);
    if let Some(relation) = audience.related(path.first()) {
        of_rows(relation, name).raise()
    }
    if let Some(column) = audience.table.column(path.first()).filter(|_| path.rest().is_empty()) {
        return match &column.kind {
            ColumnKind::Json | ColumnKind::Jsonb => {
                let kind = if column.kind == ColumnKind::Json { "json" } else { "jsonb" };
                Failure::new(
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    format!("no index serves conditions on column \"{name}\" of type {kind}"),
                )
                .detail("Its values are read row by row.")
                .hint("Keep what segments ask for in a column of its own, or in the audience's properties column.")
                .raise()
            }
            ColumnKind::Array(_) => Index::Elements(column.name.clone()),
            kind if kind.has_patterns() => Index::Column(column.name.clone(), IndexOrder::Pattern),
            ColumnKind::Text { .. } | ColumnKind::Varchar { .. } | ColumnKind::Char { deterministic: false } => {
                Index::Column(column.name.clone(), IndexOrder::C)
            }
            _ => Index::Column(column.name.clone(), IndexOrder::Own),
        };
    }
    if let Some(column) = audience.table.column(path.first())
        && audience.property_at(&path).is_some()
    {
        Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("no index serves conditions on \"{name}\", which is inside column \"{}\"", column.name),
        )
        .detail("Its values are read row by row.")
        .hint("Keep what segments ask for in a column of its own, or in the audience's properties column.")
        .raise()
    }
    match audience.property_at(&path) {
        Some(PropertyType::Scalar(read_as)) => Index::Property(TypedIndex::of(&path, read_as)),
        Some(_) => Index::Properties,
        None if audience.table.properties.as_ref().is_some_and(|properties| properties.name == name) => {
            Index::Properties
        }
        None => unknown_property(audience, name).raise(),
    }
}

/// The error for a relation, or a property of its rows, whose index would be on the relation's table.
fn of_rows(relation: &Related, name: &str) -> Failure {
    let message = match Path::parse(name).rest() {
        [] => format!("\"{name}\" is a relation, whose rows have indexes of their own"),
        _ => format!("\"{name}\" is a property of rows of relation \"{}\"", relation.name),
    };
    let table = relation.rows.as_ref().map_or("its table".to_owned(), |related| related.rows.relation.quoted());
    Failure::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message)
        .detail("The function gives indexes on the audience's own table.")
        .hint(format!(
            "See suggest_indexes() for those that would help, or create an index on {table} with CREATE INDEX."
        ))
}

/// The error for a property that an audience does not have.
pub fn unknown_property(audience: &Audience, name: &str) -> Failure {
    let names: Vec<String> = audience.property_names().collect();
    let hint = match did_you_mean(name, &names) {
        Some(question) => format!("{question} Otherwise declare it with create_property()."),
        None => "Declare it with create_property(), or see segments.property for those that exist.".to_owned(),
    };
    Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("property \"{name}\" does not exist"))
        .detail(format!("The audience is \"{}\".", audience.name))
        .hint(hint)
}

/// A table that can have indexes.
struct IndexableTable<'a> {
    audience: &'a Audience,
    /// The quoted name of the table
    relation: String,
    is_partitioned: bool,
}

impl<'a> IndexableTable<'a> {
    /// The audience's table. Raises 42809 if no index can cover all of its rows.
    fn of(audience: &'a Audience) -> Self {
        IndexableTable::find(audience).unwrap_or_else(|failure| failure.raise())
    }

    /// The audience's table. Fails if it is a view or a foreign table, or has foreign partitions.
    fn find(audience: &'a Audience) -> Result<Self, Failure> {
        let relation = audience.relation.quoted();
        let oid = audience.relation.oid;
        let kind = query::first("SELECT c.relkind::text FROM pg_class c WHERE c.oid = $1", &[oid.into()], |row| {
            row.get::<String>(1)
        });
        let foreign_part = indexes::foreign_part(oid);
        let (problem, hint) = match (kind.as_deref(), foreign_part) {
            (Some("r" | "p"), Some(part)) => (
                format!("no index covers all of {relation}, because {part}, a part of it, is a foreign table"),
                "Create indexes on the parts that are not foreign, and for the others on their own server.",
            ),
            (Some(kind @ ("r" | "m" | "p")), _) => {
                return Ok(IndexableTable { audience, relation, is_partitioned: kind == "p" });
            }
            (Some("v"), _) => (
                format!("{relation} is a view, which cannot have an index"),
                "Create the index on the table that the view reads.",
            ),
            _ => (
                format!("{relation} is a foreign table, which cannot have an index"),
                "Create the index where the table is.",
            ),
        };
        Err(Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, problem)
            .detail(format!("It is the table of audience \"{}\".", audience.name))
            .hint(hint))
    }

    /// The statement that creates an index.
    fn ddl(&self, index: &Index) -> String {
        let (table, definition) = (&self.audience.relation, self.definition(index));
        indexes::create(table.oid, &table.name, self.property(index), &definition)
    }

    /// The statement that drops an index.
    fn drop(&self, index: &str) -> String {
        format!("DROP INDEX{} {index}", if self.is_partitioned { "" } else { " CONCURRENTLY" })
    }

    /// The property that an index is on. For an index on all custom properties, it is their column.
    fn property<'i>(&'i self, index: &'i Index) -> &'i str {
        match index {
            Index::Column(column, _) | Index::Elements(column) => column,
            Index::Property(typed) => &typed.property,
            Index::Properties => self.properties(),
        }
    }

    fn properties(&self) -> &str {
        match &self.audience.table.properties {
            Some(properties) => &properties.name,
            None => internal("an index on custom properties without a column for them").raise(),
        }
    }

    fn definition(&self, index: &Index) -> String {
        match index {
            Index::Column(column, IndexOrder::Own) => format!("({})", quote_identifier(column)),
            Index::Column(column, IndexOrder::C) => format!("({} COLLATE \"C\")", quote_identifier(column)),
            Index::Column(column, IndexOrder::Pattern) => {
                let kind = self.audience.table.column(column).map(|column| &column.kind);
                let class = match kind {
                    Some(ColumnKind::Varchar { .. }) => "varchar_pattern_ops",
                    _ => "text_pattern_ops",
                };
                format!("({} {class})", quote_identifier(column))
            }
            Index::Elements(column) => format!("USING gin ({})", quote_identifier(column)),
            Index::Property(typed) => {
                let schema = quote_identifier(&self.audience.extension_schema);
                let function = TypedIndex::function(typed.read_as);
                let properties = quote_identifier(self.properties());
                let collation = if typed.read_as == ScalarType::String { " COLLATE \"C\"" } else { "" };
                format!("({schema}.{function}({properties}, {}){collation})", quote_literal(&typed.property))
            }
            Index::Properties => format!("USING gin ({} jsonb_path_ops)", quote_identifier(self.properties())),
        }
    }
}
