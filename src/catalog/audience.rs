//! Audiences: the tables whose contacts segments select.

use crate::catalog::access::unknown_audience;
use crate::catalog::column::ColumnRef;
use crate::pg::error::Failure;
use crate::pg::query;
use crate::pg::{guard, security};
use pgrx::pg_sys;
use pgrx::spi::quote_identifier;
use segments_core::date::Instant;
use segments_core::expr::Checked;
use segments_core::limits;
use segments_core::path::Path;
use segments_core::sql::{self, ContactTable, Names, QualifiedName, Style};
use segments_core::types::PropertyType;

mod config;
mod fields;
mod others;
mod related;

use config::Config;
use fields::Fields;
pub use others::{Other, OtherRows, TOPICS};
use related::Contacts;
pub use related::{Related, RelatedRows};

/// An audience as it is now: its configuration, and what the catalog says of its table.
#[derive(Clone)]
pub struct Audience {
    pub name: String,
    /// The audience that declares its table, zone, properties, topics and relations: the one that it is based on, or itself
    pub source: String,
    pub relation: TableRef,
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
    /// The columns that the audience was attached with, except the id, that are missing now or have an unusable type: the one
    /// that orders, then the one with the custom properties
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
    In(TableRef),
    /// The table that was attached cannot be read any more, for this reason
    Lost(String),
}

/// A table, view or foreign table.
#[derive(Clone)]
pub struct TableRef {
    pub oid: pg_sys::Oid,
    pub name: QualifiedName,
    pub owner: pg_sys::Oid,
    pub kind: TableKind,
}

/// The kinds of tables that are distinguished here (`pg_class.relkind`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A table, partitioned or not, or a materialized view. Except for row security, everyone sees the same rows
    Table,
    View,
    Foreign,
}

impl TableRef {
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
        let config = security::with_fixed_settings(|| query::first(FIND, &[name.into()], Config::read));
        config.ok_or_else(|| unknown_audience(name))?.resolve(name)
    }

    /// Marks the text of a query that reads contacts, subscriptions and relations with the rights of the table's owner, for
    /// [`guard`].
    pub fn reading(&self, sql: &str) -> String {
        guard::reading(self.tables_read(), sql)
    }

    /// The tables that conditions may read: of contacts, subscriptions and relations.
    pub fn tables_read(&self) -> impl Iterator<Item = pg_sys::Oid> {
        let topics = self.subscriptions_table();
        [self.relation.oid].into_iter().chain(topics).chain(self.relations.iter().filter_map(Related::relation))
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

    /// The table of contacts, and the other tables of which triggers may keep live counts; each once.
    pub fn tables(&self) -> impl Iterator<Item = pg_sys::Oid> {
        let mut tables = vec![self.relation.oid];
        for other in self.others().map(|other| other.relation.oid) {
            if !tables.contains(&other) {
                tables.push(other);
            }
        }
        tables.into_iter()
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
