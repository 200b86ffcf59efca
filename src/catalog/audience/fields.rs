//! What conditions can read of a table: of contacts, or of rows that belong to contacts.

use crate::catalog::columns::CatalogColumn;
use crate::catalog::indexes;
use pgrx::pg_sys;
use segments_core::path::Path;
use segments_core::sql::{NativeColumn, PropertiesColumn, TypedIndex};
use segments_core::types::PropertyType;

/// What conditions can read of a table.
pub(super) struct Fields {
    pub properties: Option<PropertiesColumn>,
    pub columns: Vec<NativeColumn>,
    pub typed_indexes: Vec<TypedIndex>,
    /// The columns that conditions cannot use because of their type, with the type
    pub unusable: Vec<(String, String)>,
}

impl Fields {
    /// The fields of a table. `properties` is its column with custom properties; of the others, those are read that are
    /// listed.
    pub fn of(
        relation: pg_sys::Oid,
        catalog: &[CatalogColumn],
        properties: Option<&CatalogColumn>,
        is_listed: impl Fn(&CatalogColumn) -> bool,
        extension_schema: &str,
    ) -> Self {
        let typed_indexes = match properties {
            Some(column) => indexes::typed(relation, column.number, extension_schema),
            None => Vec::new(),
        };
        let unusable = |column: &CatalogColumn| Some((column.name.clone(), column.unusable_type()?));
        let is_property = |column: &&CatalogColumn| {
            properties.is_none_or(|properties| properties.number != column.number) && is_listed(column)
        };
        Fields {
            properties: properties.map(|found| PropertiesColumn { name: found.name.clone(), not_null: found.not_null }),
            columns: catalog.iter().filter(is_property).filter_map(CatalogColumn::to_property).collect(),
            typed_indexes,
            unusable: catalog.iter().filter_map(unusable).collect(),
        }
    }

    /// The custom properties among these declarations, each with the text of its type. Others are hidden by a column, or
    /// there is no column that has them.
    pub fn custom(&self, declared: Vec<(Path, String)>) -> Vec<(String, PropertyType)> {
        let is_custom = |name: &Path| match self.columns.iter().find(|column| column.name == name.first()) {
            Some(column) => !name.rest().is_empty() && column.kind.property_type() == PropertyType::Json,
            None => self.properties.is_some() && self.unusable.iter().all(|(column, _)| column != name.first()),
        };
        let declared = declared.into_iter().filter(|(name, _)| is_custom(name));
        declared
            .filter_map(|(name, type_name)| Some((name.text().to_owned(), PropertyType::parse(&type_name)?)))
            .collect()
    }
}
