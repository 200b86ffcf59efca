//! The indexes that can serve conditions over an audience's table: valid ones that cover all of its rows.
//!
//! Rows may be in partitions and in tables that inherit. Postgres creates an index of a partitioned table on each
//! partition except foreign tables, and marks it valid once all partitions have theirs. It creates none on other tables
//! that inherit; if each of these has a similar index, they serve together.

use crate::pg::index::first_expression;
use crate::pg::query;
use pgrx::pg_sys::Oid;
use segments_core::sql::TypedIndex;
use segments_core::types::ScalarType;

/// An index that covers all rows of a table.
pub struct Covering {
    pub index: Oid,
    /// Whether its first key is an expression
    is_of_expression: bool,
    /// Whether its first key is compared byte by byte
    in_c_order: bool,
}

/// The indexes that cover all rows of a table.
pub fn covering(relation: Oid) -> Vec<Covering> {
    query::rows(COVERING, &[relation.into()], |row| Covering {
        index: row.get(1),
        is_of_expression: row.get(2),
        in_c_order: row.get(3),
    })
}

/// The indexes on `property_*(properties, 'name')` that can serve a test: they cover all rows, the expression is their
/// first key, and text is in C order.
pub fn typed(relation: Oid, properties: i16, extension_schema: &str) -> Vec<TypedIndex> {
    let read = |Covering { index, in_c_order, .. }: Covering| {
        let call = first_expression(index)?;
        if call.schema != extension_schema || call.column != properties {
            return None;
        }
        let read_as = TypedIndex::type_read_by(&call.function)?;
        (read_as != ScalarType::String || in_c_order).then_some(TypedIndex { property: call.property, read_as })
    };
    covering(relation).into_iter().filter(|index| index.is_of_expression).filter_map(read).collect()
}

/// The quoted name of a foreign table among the parts of a table; `None` if there is none. No index can cover a foreign
/// table.
pub fn foreign_part(relation: Oid) -> Option<String> {
    query::first(FOREIGN_PART, &[relation.into()], |row| row.get(1))
}

/// Whether tables other than partitions inherit from a table.
pub fn has_heirs(relation: Oid) -> bool {
    let heirs = "SELECT true FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
                  WHERE h.inhparent = $1 AND NOT c.relispartition LIMIT 1";
    query::first(heirs, &[relation.into()], |_| ()).is_some()
}

/// The parts of the table `$1` that store rows.
macro_rules! with_parts {
    ($query:literal) => {
        concat!(
            "WITH RECURSIVE part(oid) AS (
                 SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = $1
                 UNION SELECT h.inhrelid FROM part JOIN pg_inherits h ON h.inhparent = part.oid),
             leaf AS MATERIALIZED (
                 SELECT k.oid, k.relkind, k.relispartition, k.relnamespace, k.relname
                   FROM part JOIN pg_class k ON k.oid = part.oid
                  WHERE k.relkind <> 'p') ",
            $query
        )
    };
}

const COVERING: &str = with_parts!(
    "SELECT i.indexrelid, i.indkey[0] = 0,
            i.indcollation[0] = '\"C\"'::regcollation::oid
       FROM pg_index i
      WHERE i.indrelid = $1 AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL
        AND NOT EXISTS (
            SELECT FROM leaf
             WHERE leaf.relkind = 'f'
                OR NOT leaf.relispartition AND NOT EXISTS (
                    SELECT FROM pg_index o
                     WHERE o.indrelid = leaf.oid
                       AND o.indisvalid AND o.indisready AND o.indislive AND o.indpred IS NULL
                       AND o.indclass[0] = i.indclass[0]
                       AND o.indcollation[0] = i.indcollation[0]
                       AND pg_get_indexdef(o.indexrelid, 1, false)
                           = pg_get_indexdef(i.indexrelid, 1, false)))"
);

const FOREIGN_PART: &str = with_parts!(
    "SELECT format('%I.%I', n.nspname, leaf.relname)
       FROM leaf JOIN pg_namespace n ON n.oid = leaf.relnamespace
      WHERE leaf.relkind = 'f' ORDER BY 1 LIMIT 1"
);
