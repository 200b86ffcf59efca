//! Relations: tables whose rows belong to the contacts of an audience. Conditions read the rows of a contact as an array
//! of objects.

use super::config::table_ref;
use super::{Audience, Fields, Property, Subscriptions, TableRef};
use crate::catalog::column::ColumnRef;
use crate::catalog::columns::{self, CatalogColumn, StoredColumn, contact_key};
use crate::catalog::{indexes, tables};
use crate::pg::query::{self, Row};
use pgrx::pg_sys;
use pgrx::spi::quote_identifier;
use segments_core::expr::Expr;
use segments_core::path::Path;
use segments_core::sql::{ContactKey, ContactTable, RelationTable};

/// A relation of an audience.
#[derive(Clone)]
pub struct Related {
    pub name: String,
    /// Its rows, or the reason why they cannot be read any more
    pub rows: Result<RelatedRows, String>,
}

/// The rows of a relation.
#[derive(Clone)]
pub struct RelatedRows {
    /// The rows as if they were an audience: of the relation's table, with its columns and declared keys. The id is the
    /// column that says whose row it is; the filter is the relation's scope
    pub rows: Audience,
    pub contact: ContactKey,
    /// The column by which rows are ordered
    pub time: Option<String>,
    /// The columns of the primary key, if conditions can use all of them
    pub key: Vec<String>,
}

/// The contacts that rows belong to.
pub(super) struct Contacts<'a> {
    pub relation: pg_sys::Oid,
    pub id: &'a ColumnRef,
    pub source: &'a str,
    pub time_zone: &'a str,
    pub extension_schema: &'a str,
}

impl RelatedRows {
    /// Whether the contacts of rows can be found by the texts of their ids. Of a text, it must be known whether it is an id.
    pub(super) fn can_be_followed(&self, id: &ColumnRef) -> bool {
        id.has_one_text() && self.rows.id.has_one_text() && (self.contact != ContactKey::AsText || id.has_plain_text())
    }

    /// The command that creates an index which finds the rows of one contact; `None` if there is one, or can be none.
    pub fn missing_index(&self) -> Option<String> {
        let (table, column) = (&self.rows.relation, &self.rows.id.name);
        let is_missing = indexes::can_be_on(table.oid) && !indexes::begins_with(table.oid, column);
        is_missing.then(|| indexes::create(table.oid, &table.name, column, &format!("({})", quote_identifier(column))))
    }
}

impl Related {
    /// The relations of an audience. Takes the declarations of their properties out of those of the audience.
    pub(super) fn all(contacts: &Contacts<'_>, declared: &mut Vec<(Path, String)>) -> Vec<Self> {
        let find = || query::rows(FIND, &[contacts.source.into()], Config::read);
        let configs = if Related::are_known() { find() } else { Vec::new() };
        let resolve = |config: Config| {
            let is_of_it = |(name, _): &mut (Path, String)| name.first() == config.name;
            let below = |(name, type_name): (Path, String)| {
                let rest = name.rest().to_vec();
                (!rest.is_empty()).then(|| (Path::from_keys(rest), type_name))
            };
            let declared = declared.extract_if(.., is_of_it).filter_map(below).collect();
            Related { name: config.name.clone(), rows: config.resolve(contacts, declared) }
        };
        configs.into_iter().map(resolve).collect()
    }

    /// Whether the extension has the table of relations.
    pub fn are_known() -> bool {
        tables::has("relation_config")
    }

    /// The table as the SQL writer needs it; `None` if it cannot be read.
    pub fn table(&self) -> Option<RelationTable> {
        let related = self.rows.as_ref().ok()?;
        Some(RelationTable {
            name: self.name.clone(),
            relation: related.rows.relation.name.clone(),
            rows: related.rows.table.clone(),
            contact: related.contact.clone(),
            time: related.time.clone(),
            key: related.key.clone(),
            scope: related.rows.restriction.on_document().unwrap_or(Expr::Const(false)),
        })
    }

    /// The table, if it can be read.
    pub fn relation(&self) -> Option<pg_sys::Oid> {
        Some(self.rows.as_ref().ok()?.rows.relation.oid)
    }

    /// The properties of its rows.
    pub(super) fn properties(&self) -> Vec<Property> {
        let Ok(RelatedRows { rows, .. }) = &self.rows else { return Vec::new() };
        let named =
            |property: Property| Property { name: self.property_name(&Path::parse(&property.name)), ..property };
        rows.properties().into_iter().map(named).collect()
    }

    /// The name of a property of the rows, as conditions on contacts write it.
    pub fn property_name(&self, name: &Path) -> String {
        let keys = [&self.name].into_iter().chain(name.keys()).cloned();
        Path::from_keys(keys.collect()).text().to_owned()
    }
}

/// The stored configuration of a relation.
struct Config {
    name: String,
    relation: Option<TableRef>,
    relation_name: String,
    contact: StoredColumn,
    properties: Option<StoredColumn>,
    time: Option<StoredColumn>,
    columns: Option<Vec<String>>,
    scope: Option<String>,
    key: Vec<String>,
}

impl Config {
    fn read(row: &Row<'_>) -> Self {
        Config {
            name: row.get(1),
            relation: table_ref(row, 2),
            relation_name: row.get(7),
            contact: (row.get(8), row.nullable(9)),
            properties: row.nullable(10).map(|name| (name, row.nullable(11))),
            time: row.nullable(12).map(|name| (name, row.nullable(13))),
            columns: row.nullable(14),
            scope: row.nullable(15),
            key: row.nullable(16).unwrap_or_default(),
        }
    }

    /// The rows, or the reason why they cannot be read any more.
    fn resolve(self, contacts: &Contacts<'_>, declared: Vec<(Path, String)>) -> Result<RelatedRows, String> {
        let Some(relation) = self.relation else {
            return Err(format!(
                "the table of relation \"{}\", {}, does not exist any more",
                self.name, self.relation_name
            ));
        };
        let catalog = columns::read(relation.oid);
        let lost =
            |column: &str, what: &str| format!("column \"{column}\" of relation \"{}\" {what} any more", self.name);
        let find = |column: &StoredColumn| columns::find(relation.oid, &catalog, column);
        let contact = find(&self.contact).ok_or_else(|| lost(&self.contact.0, "does not exist"))?;
        let key_of_contact = contact_key(relation.oid, contact, contacts.relation, contacts.id)
            .ok_or_else(|| lost(&contact.name, "does not hold ids of contacts"))?;
        // Without one of these, everything that does not need it goes on working, as with an audience.
        let time = self.time.as_ref().and_then(find).filter(|column| column.is_time());
        let properties = self.properties.as_ref().and_then(find).filter(|column| column.is_jsonb());
        let lost_time = self.time.filter(|_| time.is_none());
        let lost_properties = self.properties.filter(|_| properties.is_none());
        let lost = lost_time.into_iter().chain(lost_properties).map(|(column, _)| column).collect();
        let is_usable = |name: &String| {
            catalog.iter().find(|column| column.name == *name).is_some_and(|column| column.unusable_type().is_none())
        };
        let key = if self.key.iter().all(is_usable) { self.key } else { Vec::new() };
        // The order of rows is decided by columns that conditions can read.
        let orders = |column: &CatalogColumn| {
            key.contains(&column.name) || time.is_some_and(|time| time.number == column.number)
        };
        let is_listed = |column: &CatalogColumn| {
            self.columns.as_ref().is_none_or(|listed| listed.contains(&column.name)) || orders(column)
        };
        let fields = Fields::of(relation.oid, &catalog, properties, is_listed, contacts.extension_schema);
        let custom = fields.custom(declared);
        let Fields { properties, columns, typed_indexes, unusable } = fields;
        let rows = Audience {
            name: self.name.clone(),
            source: contacts.source.to_owned(),
            id: contact.to_ref(),
            created: None,
            filter: self.scope.clone(),
            time_zone: contacts.time_zone.to_owned(),
            // Until the scope is checked, there are no rows.
            restriction: Expr::Const(self.scope.is_none()),
            changes_at: None,
            table: ContactTable {
                schema: relation.name.schema.clone(),
                name: relation.name.name.clone(),
                id: contact.name.clone(),
                // Rows are never compared with each other.
                operators: String::new(),
                properties,
                columns,
                typed_indexes,
                topics: None,
                relations: Vec::new(),
            },
            relation,
            topics: Subscriptions::None,
            lost,
            unusable,
            custom,
            relations: Vec::new(),
            extension_schema: contacts.extension_schema.to_owned(),
        };
        Ok(RelatedRows { rows, contact: key_of_contact, time: time.map(|column| column.name.clone()), key })
    }
}

const FIND: &str = include_str!("../../../sql/queries/relations.sql");
