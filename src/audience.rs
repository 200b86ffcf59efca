//! Audiences: tables that segments speak of.

use crate::error::Failure;
use crate::pg::security;
use crate::query;
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::sql::{Column, PropertiesColumn, QualifiedName, Table, Topics};
use segments_core::types::PropertyType;

mod attach;
mod columns;

/// An audience as it is now: its configuration and what the catalog says of its table.
pub struct Audience {
    pub name: String,
    pub relation: Relation,
    /// The column that identifies contacts
    pub id: ColumnRef,
    /// The column that orders them, newest last
    pub created: Option<ColumnRef>,
    /// The condition that restricts which rows are contacts
    pub scope: Option<String>,
    /// What conditions become SQL over
    pub table: Table,
    /// Declared custom properties
    pub custom: Vec<(String, PropertyType)>,
    /// The schema that the extension's type, operator and functions are in
    pub extension_schema: String,
}

/// A table, view or foreign table.
#[derive(Clone)]
pub struct Relation {
    pub oid: pg_sys::Oid,
    pub name: QualifiedName,
    pub owner: pg_sys::Oid,
    pub kind: RelationKind,
}

/// The sorts of relations that matter here (`pg_class.relkind`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    Table,
    View,
    Foreign,
}

/// A column and its type, quoted and qualified as a cast takes it.
#[derive(Clone)]
pub struct ColumnRef {
    pub name: String,
    pub type_name: String,
    pub not_null: bool,
}

impl Relation {
    /// The name with its schema, quoted.
    pub fn quoted(&self) -> String {
        pgrx::spi::quote_qualified_identifier(&self.name.schema, &self.name.name)
    }
}

impl Audience {
    /// The audience of that name; raises 42704 where there is none that the caller may see.
    pub fn load(name: &str) -> Self {
        Self::try_load(name).unwrap_or_else(|failure| failure.raise())
    }

    /// The audience of that name.
    ///
    /// # Errors
    /// There is none, or its table is not what it was.
    pub fn try_load(name: &str) -> Result<Self, Failure> {
        let config = query::first(FIND, &[name.into()], |row| Config {
            relation: row.nullable::<pg_sys::Oid>(1).map(|oid| Relation {
                oid,
                name: QualifiedName { schema: row.get(2), name: row.get(3) },
                owner: row.get(4),
                kind: relation_kind(&row.get::<String>(5)),
            }),
            relation_name: row.get(6),
            id: (row.get(7), row.nullable(8)),
            properties: row.nullable(9).map(|name| (name, row.nullable(10))),
            created: row.nullable(11).map(|name| (name, row.nullable(12))),
            columns: row.nullable(13),
            scope: row.nullable(14),
            topics: row.nullable::<pg_sys::Oid>(15).map(|oid| TopicsConfig {
                oid,
                relation: QualifiedName { schema: row.get(16), name: row.get(17) },
                contact_column: row.get(18),
                topic_column: row.get(19),
            }),
            extension_schema: row.get(20),
        });
        config.ok_or_else(|| unknown(name))?.resolve(name)
    }

    /// The type of a property, native or custom.
    pub fn property(&self, name: &str) -> Option<PropertyType> {
        let native = self.table.column(name).map(|column| column.kind.property_type());
        native
            .or_else(|| self.custom.iter().find(|(custom, _)| custom == name).map(|(_, property_type)| *property_type))
    }

    /// The names of all properties.
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        let native = self.table.columns.iter().map(|column| column.name.as_str());
        native.chain(self.custom.iter().map(|(name, _)| name.as_str()))
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("audience \"{name}\" does not exist"))
        .detail("An audience is a table of contacts that segments speak of.")
        .hint("Make one with create_contacts(), or attach your own table with attach_audience(); segments.audience lists those that you may use.")
}

/// Whether the current role has the rights of `owner`.
pub fn owns(owner: pg_sys::Oid) -> bool {
    security::has_rights_of(owner)
}

const FIND: &str = "
SELECT c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relowner, c.relkind::pg_catalog.text,
       a.relation_name, a.id_column::pg_catalog.text, a.id_number,
       a.properties_column::pg_catalog.text, a.properties_number,
       a.created_column::pg_catalog.text, a.created_number, a.columns::pg_catalog.text[], a.scope::pg_catalog.text,
       tc.oid, tn.nspname::pg_catalog.text, tc.relname::pg_catalog.text,
       a.topics_contact_column::pg_catalog.text, a.topics_topic_column::pg_catalog.text,
       (SELECT en.nspname::pg_catalog.text FROM pg_catalog.pg_extension e
          JOIN pg_catalog.pg_namespace en ON en.oid OPERATOR(pg_catalog.=) e.extnamespace
         WHERE e.extname OPERATOR(pg_catalog.=) 'segments')
  FROM segments.audience_config a
  LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  LEFT JOIN pg_catalog.pg_class tc ON tc.oid OPERATOR(pg_catalog.=) a.topics_relation
  LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid OPERATOR(pg_catalog.=) tc.relnamespace
 WHERE a.name OPERATOR(pg_catalog.=) $1";

/// What is stored of an audience. A column is a name, and the number that finds it after a rename.
struct Config {
    relation: Option<Relation>,
    relation_name: String,
    id: (String, Option<i16>),
    properties: Option<(String, Option<i16>)>,
    created: Option<(String, Option<i16>)>,
    columns: Option<Vec<String>>,
    scope: Option<String>,
    topics: Option<TopicsConfig>,
    extension_schema: String,
}

struct TopicsConfig {
    oid: pg_sys::Oid,
    relation: QualifiedName,
    contact_column: String,
    topic_column: String,
}

impl Config {
    fn resolve(self, name: &str) -> Result<Audience, Failure> {
        let Some(relation) = self.relation else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("the table of audience \"{name}\" does not exist any more"),
            )
            .detail(format!("It was {}.", self.relation_name))
            .hint("Detach the audience with detach_audience(), or make the table again and attach it."));
        };
        let catalog = columns::read(relation.oid);
        let find = |(column, number): &(String, Option<i16>)| {
            let by_name = catalog.iter().find(|found| found.name == *column);
            by_name.or_else(|| catalog.iter().find(|found| Some(found.number) == *number)).ok_or_else(|| {
                Failure::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                    format!("column \"{column}\" of the table of audience \"{name}\" does not exist any more"),
                )
                .detail(format!("The table is {}.", relation.quoted()))
                .hint("Detach the audience with detach_audience() and attach the table again.")
            })
        };
        let id = find(&self.id)?.to_ref();
        let created = self.created.as_ref().map(find).transpose()?.map(columns::CatalogColumn::to_ref);
        let properties = self.properties.as_ref().map(find).transpose()?;
        let typed_indexes = match properties {
            Some(column) => columns::typed_indexes(relation.oid, column.number, &self.extension_schema),
            None => Vec::new(),
        };
        let properties =
            properties.map(|found| PropertiesColumn { name: found.name.clone(), not_null: found.not_null });
        let is_property = |column: &&columns::CatalogColumn| {
            properties.as_ref().is_none_or(|properties| properties.name != column.name)
                && self.columns.as_ref().is_none_or(|listed| listed.contains(&column.name) || column.name == id.name)
        };
        let columns: Vec<Column> =
            catalog.iter().filter(is_property).filter_map(columns::CatalogColumn::to_property).collect();
        let topics = self.topics.map(|topics| topics.resolve(&id, name)).transpose()?;
        let custom = query::rows(CUSTOM, &[name.into()], |row| (row.get::<String>(1), row.get::<String>(2)));
        let custom = custom
            .into_iter()
            .filter(|(property, _)| !columns.iter().any(|column| column.name == *property))
            .filter_map(|(property, type_name)| Some((property, PropertyType::parse(&type_name)?)))
            .collect();
        Ok(Audience {
            name: name.to_owned(),
            id,
            created,
            scope: self.scope,
            table: Table { name: relation.name.name.clone(), properties, columns, typed_indexes, topics },
            custom,
            extension_schema: self.extension_schema,
            relation,
        })
    }
}

const CUSTOM: &str = "
SELECT p.name, p.type FROM segments.property_config p
 WHERE p.audience OPERATOR(pg_catalog.=) $1 ORDER BY p.name";

impl TopicsConfig {
    fn resolve(self, id: &ColumnRef, audience: &str) -> Result<Topics, Failure> {
        let columns = columns::read(self.oid);
        let topic_column = columns.iter().find(|column| column.name == self.topic_column);
        let Some(topic_column) = topic_column.and_then(columns::CatalogColumn::to_property) else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!(
                    "column \"{}\" with the topics of audience \"{audience}\" does not exist any more",
                    self.topic_column
                ),
            )
            .detail(format!("The table is {}.{}.", self.relation.schema, self.relation.name))
            .hint("Map the subscriptions again with attach_topics()."));
        };
        Ok(Topics {
            relation: self.relation,
            contact_column: self.contact_column,
            topic_column,
            id_column: id.name.clone(),
        })
    }
}

fn relation_kind(relkind: &str) -> RelationKind {
    match relkind {
        "v" | "m" => RelationKind::View,
        "f" => RelationKind::Foreign,
        _ => RelationKind::Table,
    }
}
