//! The stored configuration of audiences, and what it resolves to: the table as it is now.

use super::{Audience, Contacts, Fields, Related, Subscriptions, TableKind, TableRef};
use crate::catalog::column::ColumnRef;
use crate::catalog::columns::{self, CatalogColumn, StoredColumn};
use crate::pg::error::Failure;
use crate::pg::query::{self, Row};
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::expr::Expr;
use segments_core::path::Path;
use segments_core::sql::{ContactTable, QualifiedName, Topics};

/// The stored configuration of an audience.
pub(super) struct Config {
    relation: Option<TableRef>,
    relation_name: String,
    id: StoredColumn,
    properties: Option<StoredColumn>,
    created: Option<StoredColumn>,
    columns: Option<Vec<String>>,
    filter: Option<String>,
    topics: Option<TopicsConfig>,
    extension_schema: String,
    time_zone: String,
    source: String,
}

struct TopicsConfig {
    relation: Option<TableRef>,
    relation_name: String,
    contact: StoredColumn,
    topic: StoredColumn,
}

impl Config {
    pub fn read(row: &Row<'_>) -> Self {
        Config {
            relation: table_ref(row, 1),
            relation_name: row.get(6),
            id: (row.get(7), row.nullable(8)),
            properties: row.nullable(9).map(|name| (name, row.nullable(10))),
            created: row.nullable(11).map(|name| (name, row.nullable(12))),
            columns: row.nullable(13),
            filter: row.nullable(14),
            topics: row.nullable::<String>(20).map(|relation_name| TopicsConfig {
                relation: table_ref(row, 15),
                relation_name,
                contact: (row.get(21), row.nullable(22)),
                topic: (row.get(23), row.nullable(24)),
            }),
            extension_schema: row.get(25),
            time_zone: row.get(26),
            source: row.get(27),
        }
    }

    /// The audience of that name, without its filter.
    ///
    /// # Errors
    /// Its table is missing or has lost the id column.
    pub fn resolve(self, name: &str) -> Result<Audience, Failure> {
        let Some(relation) = self.relation else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("the table of audience \"{name}\" does not exist any more"),
            )
            .detail(format!("It was {}.", self.relation_name))
            .hint(format!("Make the table again and attach it as audience \"{}\" with attach_audience(), which keeps the segments, or detach the audience.", self.source)));
        };
        let catalog = columns::read(relation.oid);
        let id = columns::find(relation.oid, &catalog, &self.id);
        let what = if id.is_none() { "does not exist" } else { "cannot identify contacts" };
        let id = id.filter(|column| column.is_plain).ok_or_else(|| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{}\" of the table of audience \"{name}\" {what} any more", self.id.0),
            )
            .detail(format!("The table is {}.", relation.quoted()))
            .hint(format!(
                "Attach the table again as audience \"{}\" with attach_audience(), which keeps the segments.",
                self.source
            ))
        })?;
        let id = id.to_ref();
        let find = |column| columns::find(relation.oid, &catalog, column);
        // A lost column is no error, so that everything that does not need it goes on working.
        let created = self.created.as_ref().and_then(find);
        let created = created.filter(|column| column.is_plain).map(CatalogColumn::to_ref);
        let properties = self.properties.as_ref().and_then(find);
        let properties = properties.filter(|column| column.is_jsonb());
        let lost_created = self.created.filter(|_| created.is_none());
        let lost_properties = self.properties.filter(|_| properties.is_none());
        let lost: Vec<String> = lost_created.into_iter().chain(lost_properties).map(|(column, _)| column).collect();
        let is_listed = |column: &CatalogColumn| {
            self.columns.as_ref().is_none_or(|listed| listed.contains(&column.name) || column.name == id.name)
        };
        let fields = Fields::of(relation.oid, &catalog, properties, is_listed, &self.extension_schema);
        let (topics, subscriptions) = match self.topics.map(|topics| topics.resolve(relation.oid, &id)) {
            None => (None, Subscriptions::None),
            Some(Ok((relation, topics))) => (Some(topics), Subscriptions::In(relation)),
            Some(Err(lost)) => (None, Subscriptions::Lost(lost)),
        };
        let mut declared = query::rows(CUSTOM, &[self.source.as_str().into()], |row| {
            (Path::parse(&row.get::<String>(1)), row.get::<String>(2))
        });
        let contacts = Contacts {
            relation: relation.oid,
            id: &id,
            source: &self.source,
            time_zone: &self.time_zone,
            extension_schema: &self.extension_schema,
        };
        let relations = Related::all(&contacts, &mut declared);
        let custom = fields.custom(declared);
        let Fields { properties, columns, typed_indexes, unusable } = fields;
        Ok(Audience {
            name: name.to_owned(),
            source: self.source,
            created,
            filter: self.filter,
            time_zone: self.time_zone,
            restriction: Expr::Const(true),
            changes_at: None,
            table: ContactTable {
                schema: relation.name.schema.clone(),
                name: relation.name.name.clone(),
                id: id.name.clone(),
                operators: id.operators.clone(),
                properties,
                columns,
                typed_indexes,
                topics,
                relations: relations.iter().filter_map(Related::table).collect(),
            },
            id,
            topics: subscriptions,
            lost,
            unusable,
            custom,
            relations,
            extension_schema: self.extension_schema,
            relation,
        })
    }
}

const CUSTOM: &str = "
SELECT p.name, p.type FROM segments.property_config p
 WHERE p.audience = $1 ORDER BY p.name";

impl TopicsConfig {
    /// The table of subscriptions and its columns, or the reason why `$topic` cannot be used any more.
    fn resolve(self, contacts: pg_sys::Oid, id: &ColumnRef) -> Result<(TableRef, Topics), String> {
        let Some(relation) = self.relation else {
            return Err(format!("the table of subscriptions, {}, does not exist any more", self.relation_name));
        };
        let catalog = columns::read(relation.oid);
        let find = |column: &StoredColumn| {
            columns::find(relation.oid, &catalog, column)
                .ok_or_else(|| format!("column \"{}\" of {} does not exist any more", column.0, relation.quoted()))
        };
        let contact = find(&self.contact)?;
        if !columns::refers_to(relation.oid, contact, contacts, id) {
            return Err(format!(
                "column \"{}\" of {} does not hold ids of contacts any more",
                contact.name,
                relation.quoted()
            ));
        }
        let topic_column = find(&self.topic)?;
        let topic_column = topic_column.to_topic().ok_or_else(|| {
            format!("column \"{}\" of {} cannot hold topics any more", topic_column.name, relation.quoted())
        })?;
        let topics = Topics {
            relation: relation.name.clone(),
            contact_column: contact.name.clone(),
            topic_column,
            id_column: id.name.clone(),
            operators: id.operators_with(&contact.type_name).to_owned(),
            held: None,
        };
        Ok((relation, topics))
    }
}

/// A table from the columns of a row, beginning at `column`: OID, schema, name, owner and kind. `None` if it does not
/// exist.
pub(super) fn table_ref(row: &Row<'_>, column: usize) -> Option<TableRef> {
    Some(TableRef {
        oid: row.nullable(column)?,
        name: QualifiedName { schema: row.get(column + 1), name: row.get(column + 2) },
        owner: row.get(column + 3),
        kind: table_kind(&row.get::<String>(column + 4)),
    })
}

fn table_kind(relkind: &str) -> TableKind {
    match relkind {
        "v" => TableKind::View,
        "f" => TableKind::Foreign,
        _ => TableKind::Table,
    }
}
