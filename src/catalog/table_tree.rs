//! Table trees: a table with its partitions and everything else that inherits from it. A statement fires the triggers
//! of the table that it names, so each part needs its own triggers.

use crate::pg::spi::QueryText;
use crate::pg::{query, relcache};
use pgrx::pg_sys::{self, Oid};
use pgrx::spi::quote_qualified_identifier;
use segments_core::sql::QualifiedName;

/// Why triggers on a relation and its parts cannot see every change of its rows; `None` if they can.
pub fn obstacle(relation: Oid) -> Option<String> {
    let described = describe(relation);
    if let Some(what) = described.obstacle() {
        return Some(format!("It is {what}."));
    }
    match described.kind.as_str() {
        "r" if relation.to_u32() < pg_sys::FirstNormalObjectId => {
            Some("It is a system catalog, which cannot have triggers.".to_owned())
        }
        "r" | "p" => obstacle_of_table(relation),
        "v" => Some("It is a view, whose rows change without a statement that names it.".to_owned()),
        "m" => Some("It is a materialized view, whose rows change without a statement that names it.".to_owned()),
        _ => Some("It is not a table.".to_owned()),
    }
}

fn obstacle_of_table(relation: Oid) -> Option<String> {
    if let Some((part, parent)) = query::first(OTHER_PARENT, &[relation.into()], |row| (row.get(1), row.get::<Oid>(2)))
    {
        let parent = describe(parent).quoted();
        let what =
            if part == relation { "It".to_owned() } else { format!("{}, a part of it,", describe(part).quoted()) };
        return Some(format!("{what} is a part of {parent}, and statements that name {parent} change its rows too."));
    }
    let obstacle = |part: Described| Some(format!("{}, a part of it, is {}.", part.quoted(), part.obstacle()?));
    relcache::tree(relation).into_iter().map(describe).find_map(obstacle)
}

/// Among a table and its parts, one that is also a part of another table, and that other table.
const OTHER_PARENT: &str = "
WITH RECURSIVE part(oid) AS (
    SELECT $1
    UNION
    SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) part.oid)
SELECT i.inhrelid, i.inhparent
  FROM part JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) part.oid
 WHERE NOT EXISTS (SELECT FROM part p WHERE p.oid OPERATOR(pg_catalog.=) i.inhparent)
 ORDER BY i.inhrelid, i.inhparent LIMIT 1";

/// Whether a table is a partition of another one, or inherits from it, directly or through others.
pub fn is_part(table: Oid, of: Oid) -> bool {
    query::first(IS_PART, &[table.into(), of.into()], |row| row.get(1)).unwrap_or(false)
}

const IS_PART: &str = "
WITH RECURSIVE parent(oid) AS (
    SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = $1
    UNION
    SELECT i.inhparent FROM parent JOIN pg_inherits i ON i.inhrelid = parent.oid)
SELECT true FROM parent WHERE parent.oid = $2";

/// A relation as the catalog describes it.
pub struct Described {
    pub name: QualifiedName,
    /// `pg_class.relkind`
    pub kind: String,
    pub owner: Oid,
    /// `pg_class.relpersistence`
    persistence: String,
    /// Whether Citus distributes its rows over other servers
    is_distributed: bool,
}

impl Described {
    /// The name with its schema, quoted.
    pub fn quoted(&self) -> String {
        quote_qualified_identifier(&self.name.schema, &self.name.name)
    }

    /// What keeps triggers of this one relation from seeing every change of its rows; `None` if nothing does.
    fn obstacle(&self) -> Option<&'static str> {
        match (self.kind.as_str(), self.persistence.as_str()) {
            _ if self.is_distributed => Some("a distributed table of Citus, whose rows change on other servers"),
            ("f", _) => Some("a foreign table, whose rows change elsewhere"),
            ("r", "u") => Some("an unlogged table, which a crash of the server empties"),
            _ => None,
        }
    }
}

/// Describes a relation. Raises if it is gone.
pub fn describe(relation: Oid) -> Described {
    let found = query::rows(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relowner,
                c.relpersistence::text,
                to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.oid = $1",
        &[relation.into()],
        |row| Described {
            name: QualifiedName { schema: row.get(1), name: row.get(2) },
            kind: row.get(3),
            owner: row.get(4),
            persistence: row.get(5),
            is_distributed: row.get::<bool>(6) && is_distributed(relation),
        },
    );
    found.into_iter().next().unwrap_or_else(|| crate::pg::error::internal("a table that is in use is gone").raise())
}

/// Whether Citus distributes a table. Call it only if Citus is installed. Every role may read the catalog of Citus.
fn is_distributed(relation: Oid) -> bool {
    // The text is planned for each call, because Citus may be dropped and created again.
    let sql = "SELECT true FROM pg_catalog.pg_dist_partition d
                WHERE d.logicalrelid::pg_catalog.oid OPERATOR(pg_catalog.=) $1 LIMIT 1";
    query::first(QueryText::Made(sql), &[relation.into()], |row| row.get(1)).unwrap_or(false)
}
