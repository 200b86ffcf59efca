//! The indexes that an audience's table has.

use crate::audience::Audience;
use crate::pg::index::first_expression;
use crate::query;
use pgrx::pg_sys;
use segments_core::sql::{ColumnKind, Index, Order, TypedIndex};
use segments_core::types::ScalarType;

/// An index that is complete.
pub struct Existing {
    /// With its schema, quoted
    pub name: String,
    /// What it can look for; nothing where that is not known
    pub serves: Vec<Index>,
    /// Whether it is there for uniqueness
    pub is_unique: bool,
    /// The first column, where that is no expression
    pub column: Option<String>,
    /// How often it was used since statistics were reset
    pub scans: i64,
}

/// The indexes of an audience's table that cover all of its rows.
pub fn read(audience: &Audience) -> Vec<Existing> {
    query::rows(INDEXES, &[audience.relation.oid.into()], |row| {
        let index: pg_sys::Oid = row.get(1);
        let column: Option<String> = row.nullable(3);
        let (method, operator_class): (String, String) = (row.get(4), row.get(5));
        let (in_own_collation, in_c): (bool, bool) = (row.get(6), row.get(7));
        let serves = match (&column, method.as_str()) {
            (Some(column), "gin") => elements(audience, column, &operator_class),
            (Some(column), "btree") if operator_class.ends_with("_pattern_ops") => {
                vec![Index::Column(column.clone(), Order::Pattern)]
            }
            (Some(column), "btree" | "hash") => {
                let orders = [(in_own_collation, Order::Own), (in_c, Order::C)];
                orders.iter().filter(|(has, _)| *has).map(|(_, order)| Index::Column(column.clone(), *order)).collect()
            }
            (None, "btree" | "hash") => property(audience, index, in_c).into_iter().collect(),
            _ => vec![],
        };
        Existing { name: row.get(2), serves, is_unique: row.get(8), column, scans: row.get(9) }
    })
}

fn elements(audience: &Audience, column: &str, operator_class: &str) -> Vec<Index> {
    let is_properties = audience.table.properties.as_ref().is_some_and(|properties| properties.name == column);
    if is_properties && matches!(operator_class, "jsonb_ops" | "jsonb_path_ops") {
        return vec![Index::Properties];
    }
    let is_array = audience.table.column(column).is_some_and(|column| matches!(column.kind, ColumnKind::Array(_)));
    if is_array && operator_class == "array_ops" { vec![Index::Elements(column.to_owned())] } else { vec![] }
}

fn property(audience: &Audience, index: pg_sys::Oid, in_c: bool) -> Option<Index> {
    let call = first_expression(index)?;
    let read_as = TypedIndex::type_read_by(&call.function)?;
    let index = TypedIndex { property: call.property, read_as };
    // Of those that the audience knows, it is known that they are over its properties.
    let is_known = audience.table.typed_indexes.contains(&index) && (read_as != ScalarType::String || in_c);
    is_known.then_some(Index::Property(index))
}

const INDEXES: &str = "
SELECT i.indexrelid,
       pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname),
       a.attname::pg_catalog.text, m.amname::pg_catalog.text, o.opcname::pg_catalog.text,
       COALESCE(i.indcollation[0] OPERATOR(pg_catalog.=) a.attcollation, false),
       i.indcollation[0] OPERATOR(pg_catalog.=) 'pg_catalog.\"C\"'::pg_catalog.regcollation::pg_catalog.oid,
       i.indisunique OR i.indisexclusion OR i.indisreplident OR i.indisclustered,
       COALESCE(pg_catalog.pg_stat_get_numscans(i.indexrelid), 0)
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid OPERATOR(pg_catalog.=) c.relam
  JOIN pg_catalog.pg_opclass o ON o.oid OPERATOR(pg_catalog.=) i.indclass[0]
  LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0] AND i.indkey[0] OPERATOR(pg_catalog.<>) 0
 WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL
 ORDER BY c.relname";
