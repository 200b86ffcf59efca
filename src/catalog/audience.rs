//! Audiences: the tables whose contacts segments select.

use crate::catalog::access::unknown_audience;
use crate::catalog::column::ColumnRef;
use crate::catalog::columns::{self, CatalogColumn, StoredColumn};
use crate::pg::error::Failure;
use crate::pg::query::{self, Row};
use crate::pg::{guard, security};
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::date::Instant;
use segments_core::expr::{Checked, Expr};
use segments_core::limits;
use segments_core::path::Path;
use segments_core::sql::{self, ContactTable, Names, QualifiedName, Style, Topics};
use segments_core::types::PropertyType;

mod fields;
mod related;

use fields::Fields;
use related::Contacts;
pub use related::{Related, RelatedRows};

/// An audience as it is now: its configuration, and what the catalog says of its table.
#[derive(Clone)]
pub struct Audience {
    pub name: String,
    /// The audience that declares its table, zone, properties, topics and relations: the one that it is based on, or itself
    pub source: String,
    pub relation: Relation,
    /// The column that identifies contacts
    pub id: ColumnRef,
    /// The column that orders contacts, newest last
    pub created: Option<ColumnRef>,
    /// The filter: the condition that restricts which rows are contacts
    pub filter: Option<String>,
    /// The name of the zone in which the filter and segments without a zone of their own read dates
    pub time_zone: String,
    /// The checked filter
    pub restriction: Checked,
    /// When the filter will change its meaning, because it has dates that are relative to now; `None` means never
    pub changes_at: Option<Instant>,
    /// The table as the SQL writer needs it
    pub table: ContactTable,
    /// The table of subscriptions
    pub topics: Subscriptions,
    /// The columns that the audience was attached with, except the id, that are missing now or have an unusable type
    pub lost: Vec<String>,
    /// The columns that conditions cannot use because of their type, with the type
    pub unusable: Vec<(String, String)>,
    /// The declared custom properties. [`Path::from_keys`] has written the names
    pub custom: Vec<(String, PropertyType)>,
    /// The tables whose rows belong to contacts
    pub relations: Vec<Related>,
    /// The schema of the extension's type, operator and functions
    pub extension_schema: String,
}

/// The subscriptions of an audience.
#[derive(Clone)]
pub enum Subscriptions {
    /// No table was attached
    None,
    /// The subscriptions are the rows of this table
    In(Relation),
    /// The table that was attached cannot be read any more, for this reason
    Lost(String),
}

/// A table, view or foreign table.
#[derive(Clone)]
pub struct Relation {
    pub oid: pg_sys::Oid,
    pub name: QualifiedName,
    pub owner: pg_sys::Oid,
    pub kind: RelationKind,
}

/// The kinds of relations that are distinguished here (`pg_class.relkind`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, partitioned or not, or a materialized view. Except for row security, everyone sees the same rows
    Table,
    View,
    Foreign,
}

impl Relation {
    /// The name with its schema, quoted.
    pub fn quoted(&self) -> String {
        pgrx::spi::quote_qualified_identifier(&self.name.schema, &self.name.name)
    }
}

impl Audience {
    /// The audience of that name, without its filter. This is for changing declarations, which must work even if the
    /// filter has become invalid. Do not count with it.
    ///
    /// # Errors
    /// The audience does not exist, or its table is missing or has lost the id column.
    pub fn unrestricted(name: &str) -> Result<Self, Failure> {
        let read = |row: &Row<'_>| Config {
            relation: relation(row, 1),
            relation_name: row.get(6),
            id: (row.get(7), row.nullable(8)),
            properties: row.nullable(9).map(|name| (name, row.nullable(10))),
            created: row.nullable(11).map(|name| (name, row.nullable(12))),
            columns: row.nullable(13),
            filter: row.nullable(14),
            topics: row.nullable::<String>(20).map(|relation_name| TopicsConfig {
                relation: relation(row, 15),
                relation_name,
                contact: (row.get(21), row.nullable(22)),
                topic: (row.get(23), row.nullable(24)),
            }),
            extension_schema: row.get(25),
            time_zone: row.get(26),
            source: row.get(27),
        };
        let config = security::with_fixed_settings(|| query::first(FIND, &[name.into()], read));
        config.ok_or_else(|| unknown_audience(name))?.resolve(name)
    }

    /// Marks the text of a query that reads contacts, subscriptions and relations with the rights of the table's owner, for
    /// [`guard`].
    pub fn reading(&self, sql: &str) -> String {
        guard::reading(self.tables_read(), sql)
    }

    /// The tables that conditions may read: of contacts, subscriptions and relations.
    pub fn tables_read(&self) -> impl Iterator<Item = pg_sys::Oid> {
        self.tables().chain(self.relations.iter().filter_map(Related::relation))
    }

    /// Whether the filter, or the scope of a relation, has dates that are relative to now.
    pub fn is_relative(&self) -> bool {
        let is_relative =
            |related: &Related| related.rows.as_ref().is_ok_and(|related| related.rows.changes_at.is_some());
        self.changes_at.is_some() || self.relations.iter().any(is_relative)
    }

    /// The relation of that name.
    pub fn related(&self, name: &str) -> Option<&Related> {
        self.relations.iter().find(|related| related.name == name)
    }

    /// The table of contacts and, where it has one that can be read, that of their subscriptions. Triggers on them keep
    /// live counts.
    pub fn tables(&self) -> impl Iterator<Item = pg_sys::Oid> {
        [self.relation.oid].into_iter().chain(self.subscriptions_table())
    }

    /// The table that says who is subscribed to what, where there is one that can be read.
    pub fn subscriptions_table(&self) -> Option<pg_sys::Oid> {
        match &self.topics {
            Subscriptions::In(relation) => Some(relation.oid),
            _ => None,
        }
    }

    /// The type of a property, native or custom, by the text of its name.
    pub fn property(&self, name: &str) -> Option<PropertyType> {
        self.property_at(&Path::parse(name))
    }

    /// The type of a property, native or custom.
    pub fn property_at(&self, name: &Path) -> Option<PropertyType> {
        let custom = || {
            let name = Path::from_keys(name.keys().to_vec());
            self.custom.iter().find(|(custom, _)| custom == name.text()).map(|(_, property_type)| *property_type)
        };
        match self.table.column(name.first()) {
            Some(column) if name.rest().is_empty() => Some(column.kind.property_type()),
            _ => custom(),
        }
    }

    /// The property that a path names or lies inside. If several declared names are a beginning of the path, it is the
    /// longest.
    pub fn property_around(&self, path: &Path) -> Option<(Path, PropertyType)> {
        let names = (1..=path.keys().len().min(limits::NAME_KEYS)).rev().map(|keys| path.prefix(keys));
        names.into_iter().find_map(|name| self.property_at(&name).map(|property_type| (name, property_type)))
    }

    /// The same audience in another zone. Its filter and the scopes of its relations are still those of the zone before, until
    /// it is restricted.
    pub fn in_zone(&self, zone: &str) -> Self {
        let mut moved = Audience { time_zone: zone.to_owned(), ..self.clone() };
        for related in moved.relations.iter_mut().filter_map(|related| related.rows.as_mut().ok()) {
            zone.clone_into(&mut related.rows.time_zone);
        }
        moved
    }

    /// The expression by which queries return a column. It runs no code of the table's owner.
    pub fn value(&self, column: &str) -> String {
        match self.table.column(column) {
            Some(column) => sql::value(column, &self.style()),
            None => quote_identifier(column),
        }
    }

    /// The style of SQL that can be executed under any search_path.
    pub fn style(&self) -> Style {
        Style { names: Names::Qualified, extension_schema: self.extension_schema.clone(), alias: None }
    }

    /// The contacts' own properties.
    fn own_properties(&self) -> impl Iterator<Item = Property> {
        let native = self.table.columns.iter().map(|column| Property {
            name: Path::from_keys(vec![column.name.clone()]).text().to_owned(),
            property_type: column.kind.property_type(),
            is_native: true,
        });
        let custom = self.custom.iter().map(|(name, property_type)| Property {
            name: name.clone(),
            property_type: *property_type,
            is_native: false,
        });
        native.filter(|property| self.related(Path::parse(&property.name).first()).is_none()).chain(custom)
    }

    /// The names of the contacts' own properties, as conditions write them.
    pub fn property_names(&self) -> impl Iterator<Item = String> {
        self.own_properties().map(|property| property.name)
    }

    /// All properties, those of relations' rows last.
    pub fn properties(&self) -> Vec<Property> {
        self.own_properties().chain(self.relations.iter().flat_map(Related::properties)).collect()
    }
}

/// A property: of contacts, or of the rows of a relation.
pub struct Property {
    /// The name as conditions write it
    pub name: String,
    pub property_type: PropertyType,
    /// Whether it is a column
    pub is_native: bool,
}

const FIND: &str = include_str!("../../sql/queries/audience.sql");

/// A relation from the columns of a row, beginning at `column`: OID, schema, name, owner and kind. `None` if the
/// relation does not exist.
fn relation(row: &Row<'_>, column: usize) -> Option<Relation> {
    Some(Relation {
        oid: row.nullable(column)?,
        name: QualifiedName { schema: row.get(column + 1), name: row.get(column + 2) },
        owner: row.get(column + 3),
        kind: relation_kind(&row.get::<String>(column + 4)),
    })
}

/// The stored configuration of an audience.
struct Config {
    relation: Option<Relation>,
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
    relation: Option<Relation>,
    relation_name: String,
    contact: StoredColumn,
    topic: StoredColumn,
}

impl Config {
    fn resolve(self, name: &str) -> Result<Audience, Failure> {
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
    fn resolve(self, contacts: pg_sys::Oid, id: &ColumnRef) -> Result<(Relation, Topics), String> {
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

fn relation_kind(relkind: &str) -> RelationKind {
    match relkind {
        "v" => RelationKind::View,
        "f" => RelationKind::Foreign,
        _ => RelationKind::Table,
    }
}
