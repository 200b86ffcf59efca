//! The existing indexes of an audience's table.

use crate::catalog::audience::Audience;
use crate::catalog::indexes;
use crate::pg::index::first_expression;
use crate::pg::query;
use pgrx::pg_sys;
use segments_core::expr::{Atom, Expr, FieldTest, ValueTest};
use segments_core::sql::{ColumnKind, Index, IndexOrder, TypedIndex};
use segments_core::types::ScalarType;

/// An index that covers all rows of the table.
pub struct Existing {
    /// The quoted name with its schema
    pub name: String,
    /// What the index can serve for the audience; empty if that is not known
    pub serves: Vec<Index>,
    /// Whether it is a unique index
    pub is_unique: bool,
    /// Its first key, if that is a column
    pub column: Option<String>,
    /// How often it was used since the statistics were reset
    pub scans: i64,
}

/// The indexes of an audience's table that cover all of its rows.
pub fn read(audience: &Audience) -> Vec<Existing> {
    let covering: Vec<pg_sys::Oid> = indexes::covering(audience.relation.oid).iter().map(|index| index.index).collect();
    let scope = single_values(audience);
    query::rows(INDEXES, &[covering.into()], |row| {
        let index: pg_sys::Oid = row.get(1);
        let method: String = row.get(3);
        let columns: Vec<Option<String>> = row.get(4);
        let (operator_classes, in_own_collation, in_c): (Vec<String>, Vec<bool>, Vec<bool>) =
            (row.get(5), row.get(6), row.get(7));
        let serves_by = |number: usize| match (&columns[number], method.as_str()) {
            (Some(column), "gin") => elements(audience, column, &operator_classes[number]),
            (Some(column), "btree") if operator_classes[number].ends_with("_pattern_ops") => {
                vec![Index::Column(column.clone(), IndexOrder::Pattern)]
            }
            (Some(column), "btree" | "hash") => {
                let orders = [(in_own_collation[number], IndexOrder::Own), (in_c[number], IndexOrder::C)];
                orders.iter().filter(|(has, _)| *has).map(|(_, order)| Index::Column(column.clone(), *order)).collect()
            }
            (None, "btree" | "hash") if number == 0 => property(audience, index, in_c[0]).into_iter().collect(),
            _ => vec![],
        };
        // If the filter fixes the earlier columns to one value each, the index serves a later column as if it came
        // first.
        let is_given = |column: &&Option<String>| column.as_ref().is_some_and(|column| scope.contains(column));
        let given = if method == "btree" { columns.iter().take_while(is_given).count() } else { 0 };
        let reached = (given + 1).min(columns.len());
        Existing {
            name: row.get(2),
            serves: (0..reached).flat_map(serves_by).collect(),
            is_unique: row.get(8),
            column: columns[0].clone(),
            scans: row.get(9),
        }
    })
}

/// The columns that have the same value for all contacts, according to the audience's filter.
fn single_values(audience: &Audience) -> Vec<String> {
    let parts = match &audience.restriction {
        Expr::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let given = parts.iter().filter_map(|part| match part {
        Expr::Test(Atom::Field(FieldTest { path, test: ValueTest::Eq(_), .. })) if path.rest().is_empty() => {
            audience.table.column(path.first())
        }
        _ => None,
    });
    given.filter(|column| !matches!(column.kind, ColumnKind::Array(_))).map(|column| column.name.clone()).collect()
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
    // The indexes that the audience has loaded are on its own properties.
    let is_known = audience.table.typed_indexes.contains(&index) && (read_as != ScalarType::String || in_c);
    is_known.then_some(Index::Property(index))
}

const INDEXES: &str = include_str!("../../../sql/queries/existing_indexes.sql");
