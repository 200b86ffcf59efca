//! Whether each contact has an id of its own.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::executable_sql;
use crate::pg::error::Failure;
use crate::pg::{query, relcache, security, snapshot, subtransaction};
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::expr::Expr;

/// How many contacts are looked at.
const CONTACTS: i64 = 100_000;
/// What looking may cost, in the planner's units: a view may compute anything.
const DEAREST: f64 = 1_000_000.0;

/// Says so where ids of contacts are not unique, and where nothing says that they are.
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
        // What is no table has no index, and was looked at.
        Some(Duplicates { all: true, .. }) if !may_have_index(relation) => {}
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
    /// Whether an index promises that no two contacts have the same id.
    pub fn has_unique_ids(&self) -> bool {
        let number = relcache::column_number(self.relation.oid, &self.id.name);
        number.is_some_and(|number| is_promised(self.relation.oid, number))
    }
}

fn is_promised(relation: pg_sys::Oid, id_number: i16) -> bool {
    query::first(PROMISED, &[relation.into(), id_number.into()], |row| row.get(1)) == Some(true)
}

struct Duplicates {
    /// How many ids stand for more than one row
    ids: i64,
    rows: i64,
    /// Whether all rows were looked at
    all: bool,
}

/// Looks for ids that stand for more than one row, with the rights of the table's owner, as counts are; `None` where
/// that takes long, or raises.
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

fn may_have_index(relation: pg_sys::Oid) -> bool {
    query::first(IS_TABLE, &[relation.into()], |row| row.get::<bool>(1)) == Some(true)
}

const IS_TABLE: &str = "
SELECT c.relkind = ANY ('{r,p,m}') FROM pg_class c WHERE c.oid = $1";

// An index is of its table alone: rows of tables that inherit may repeat an id. Partitions are in the whole's index. One
// of another collation may take ids that are equal for different ones, and one that is checked at the end lets them be
// there until then.
const PROMISED: &str = "
SELECT EXISTS (
       SELECT FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = $2
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
          AND i.indcollation[0] = a.attcollation AND i.indnkeyatts = 1 AND i.indkey[0] = $2)
   AND (c.relkind <> 'r' OR NOT EXISTS (
       SELECT FROM pg_inherits h WHERE h.inhparent = c.oid))
  FROM pg_class c WHERE c.oid = $1";
