//! The indexes that can serve conditions over an audience's table: valid ones that cover all of its rows.
//!
//! Rows may be in partitions and in tables that inherit. Postgres creates an index of a partitioned table on each
//! partition except foreign tables, and marks it valid once all partitions have theirs. It creates none on other tables
//! that inherit; if each of these has a similar index, they serve together.

use crate::pg::index::first_expression;
use crate::pg::{query, relcache};
use pgrx::pg_sys::Oid;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use segments_core::sql::{QualifiedName, TypedIndex};
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

/// A table that has rows of a table tree.
pub struct Part {
    pub name: String,
    /// Its column indexes
    pub in_columns: Vec<Oid>,
}

/// The tables that have the rows of a table: itself, unless it is partitioned, and all that inherit from it. They are locked
/// as readers do.
pub fn parts(relation: Oid) -> Vec<Part> {
    query::rows(PARTS, &[relcache::tree(relation).into()], |row| Part { name: row.get(1), in_columns: row.get(2) })
}

const PARTS: &str = "
SELECT c.relname::text,
       ARRAY(SELECT i.indexrelid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
              WHERE i.indrelid = c.oid AND m.amname = 'segments' ORDER BY 1)
  FROM pg_class c WHERE c.oid = ANY ($1) AND c.relkind <> 'p' ORDER BY c.oid";

/// The indexes that have the pages of an index: itself, or those of the partitions, which are locked as readers do.
pub fn with_pages(index: Oid) -> Vec<Oid> {
    let is_partitioned = "SELECT true FROM pg_class WHERE oid = $1 AND relkind = 'I'";
    if query::first(is_partitioned, &[index.into()], |_| ()).is_none() {
        return vec![index];
    }
    let with_pages = "SELECT oid FROM pg_class WHERE oid = ANY ($1) AND relkind = 'i' ORDER BY 1";
    query::rows(with_pages, &[relcache::tree(index).into()], |row| row.get(1))
}

/// Whether there can be indexes on a table; on views and foreign tables there is none.
pub fn can_be_on(relation: Oid) -> bool {
    query::first(IS_TABLE, &[relation.into()], |row| row.get::<bool>(1)) == Some(true)
}

const IS_TABLE: &str = "
SELECT c.relkind = ANY ('{r,p,m}') FROM pg_class c WHERE c.oid = $1";

/// Whether an index that covers all rows has this column as its first key.
pub fn begins_with(relation: Oid, column: &str) -> bool {
    let indexes: Vec<Oid> = covering(relation).into_iter().map(|found| found.index).collect();
    query::first(BEGINS_WITH, &[indexes.into(), column.into()], |row| row.get(1)) == Some(true)
}

const BEGINS_WITH: &str = "
SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indexrelid = ANY ($1) AND a.attname = $2)";

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
    let parts: Vec<Oid> = relcache::tree(relation).into_iter().filter(|part| *part != relation).collect();
    query::first(FOREIGN_PART, &[parts.into()], |row| row.get(1))
}

/// The statement that creates an index, on the expressions or columns of the definition, under a free name. It does not block
/// writers, if that is possible.
pub fn create(oid: Oid, table: &QualifiedName, property: &str, definition: &str) -> String {
    let is_partitioned = query::first(IS_PARTITIONED, &[oid.into()], |row| row.get::<bool>(1)) == Some(true);
    let concurrently = if is_partitioned { "" } else { " CONCURRENTLY" };
    let name = quote_identifier(free_name(table, property));
    let table = quote_qualified_identifier(&table.schema, &table.name);
    format!("CREATE INDEX{concurrently} {name} ON {table} {definition}")
}

/// A name such as `contacts_plan_idx` that is free in the schema.
fn free_name(table: &QualifiedName, property: &str) -> String {
    const LONGEST: usize = 63;
    let base = format!("{}_{property}", table.name);
    let base: String = base.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    for number in 0.. {
        let suffix = if number == 0 { "_idx".to_owned() } else { format!("_idx{number}") };
        let mut name = base.clone();
        while name.len() > LONGEST - suffix.len() {
            name.pop();
        }
        name += &suffix;
        if query::first(NAMED, &[table.schema.as_str().into(), name.as_str().into()], |_| ()).is_none() {
            return name;
        }
    }
    unreachable!("a schema holds fewer relations than there are numbers")
}

/// Whether tables other than partitions inherit from a table.
pub fn has_heirs(relation: Oid) -> bool {
    let heirs = "SELECT true FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
                  WHERE h.inhparent = $1 AND NOT c.relispartition LIMIT 1";
    query::first(heirs, &[relation.into()], |_| ()).is_some()
}

const COVERING: &str = include_str!("../../sql/queries/covering_indexes.sql");

const FOREIGN_PART: &str = "
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = ANY ($1) AND c.relkind = 'f' ORDER BY 1 LIMIT 1";

const IS_PARTITIONED: &str = "SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = $1";

const NAMED: &str = "
SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname::text = $1 AND c.relname::text = $2";
