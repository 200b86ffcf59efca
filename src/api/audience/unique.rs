//! Whether ids of contacts are unique.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::executable_sql;
use crate::catalog::indexes;
use crate::pg::error::Failure;
use crate::pg::{query, relcache, security, snapshot, subtransaction};
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::expr::Expr;

/// How many contacts are checked.
const CONTACTS: i64 = 100_000;
/// How much the check may cost, in the planner's units, because a view may compute anything.
const DEAREST: f64 = 1_000_000.0;

/// Raises a notice if ids of contacts are not unique, or if no index guarantees that they are.
pub fn warn(audience: &str, id_number: i16, table: &str) {
    let Ok(audience) = snapshot::latest(|| Audience::try_load(audience)) else { return };
    let relation = audience.relation.oid;
    if is_promised(relation, id_number) {
        return;
    }
    let id = &audience.id.name;
    match look(&audience) {
        Some(Duplicates { ids: ids @ 1.., rows, all }) => {
            let among = if all { String::new() } else { format!(" of the first {CONTACTS}") };
            let stand = if ids == 1 { "1 id stands".to_owned() } else { format!("{ids} ids stand") };
            Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("column \"{id}\" of {table} is not unique"))
                .detail(format!(
                    "{stand} for {rows} rows{among}. Each of these is counted and listed, though pages may leave some out; an id is that of a member where any of its rows is."
                ))
            .hint("Attach a table or view that has each contact once.")
            .warning();
        }
        // A view cannot have an index, and all of its rows have been checked.
        Some(Duplicates { all: true, .. }) if !indexes::can_be_on(relation) => {}
        _ => Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("no unique index says that column \"{id}\" of {table} is unique"),
        )
        .detail("Each contact needs an id of its own, or pages leave some out.")
        .hint("Make sure that it is unique.")
        .notice(),
    }
}

impl Audience {
    /// Whether an index guarantees that ids of contacts are unique.
    pub fn has_unique_ids(&self) -> bool {
        let number = relcache::column_number(self.relation.oid, &self.id.name);
        number.is_some_and(|number| is_promised(self.relation.oid, number))
    }
}

fn is_promised(relation: pg_sys::Oid, id_number: i16) -> bool {
    query::first(PROMISED, &[relation.into(), id_number.into()], |row| row.get(1)) == Some(true)
}

struct Duplicates {
    /// How many ids occur more than once
    ids: i64,
    rows: i64,
    /// Whether all rows were checked
    all: bool,
}

/// Looks for ids that occur more than once, with the rights of the table's owner. `None` if the check would take long,
/// or raises.
fn look(audience: &Audience) -> Option<Duplicates> {
    let id = quote_identifier(&audience.id.name);
    let sql = format!(
        "WITH id AS MATERIALIZED (SELECT {id} AS id FROM {} WHERE {} LIMIT {CONTACTS})
         SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(d.times), 0)::pg_catalog.int8, (SELECT pg_catalog.count(*) FROM id)
           FROM (SELECT pg_catalog.count(*) AS times FROM id WHERE id.id IS NOT NULL GROUP BY id.id) d
          WHERE d.times OPERATOR(pg_catalog.>) 1",
        audience.relation.quoted(),
        executable_sql(audience, &Expr::Const(true)),
    );
    let look = || {
        let explain = audience.reading(&format!("EXPLAIN (FORMAT json) {sql}"));
        query::cost(&explain, &[]).filter(|cost| *cost <= DEAREST)?;
        query::first(&audience.reading(&sql), &[], |row| Duplicates {
            ids: row.get(1),
            rows: row.get(2),
            all: row.get::<i64>(3) < CONTACTS,
        })
    };
    let owner = audience.relation.owner;
    subtransaction::attempt(|| security::as_role_restricted(owner, look)).ok().flatten()
}

// An index covers its own table and its partitions, but not other tables that inherit, which may repeat an id. An index
// with another collation may consider equal ids different. A deferrable one allows duplicates until the transaction
// ends.
const PROMISED: &str = "
SELECT EXISTS (
       SELECT FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = $2
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
          AND i.indcollation[0] = a.attcollation AND i.indnkeyatts = 1 AND i.indkey[0] = $2)
   AND (c.relkind <> 'r' OR NOT EXISTS (
       SELECT FROM pg_inherits h WHERE h.inhparent = c.oid))
  FROM pg_class c WHERE c.oid = $1";
