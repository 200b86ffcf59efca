//! Settings of the planner for queries of the extension itself.

use crate::pg::query;
use crate::pg::security::Settings;
use pgrx::pg_sys::{self, Oid};

/// What is known of the tables that a query reads, beside what the planner finds by itself.
#[derive(Clone, Copy, Default)]
pub struct Tables {
    /// Whether more than half of the rows of a large table have come, changed or gone since it was analysed
    pub has_old_statistics: bool,
    /// Whether the tables and their indexes fit into `effective_cache_size` together, and none is on another server
    pub is_cached: bool,
}

impl Tables {
    /// Of tables, and of those that views read.
    pub fn of(tables: impl IntoIterator<Item = Oid>) -> Self {
        let tables: Vec<Oid> = tables.into_iter().collect();
        let read = |row: &query::Row<'_>| (row.get::<bool>(1), row.nullable::<i64>(2));
        let (has_old_statistics, pages) = query::first(TABLES, &[tables.into()], read).unwrap_or_default();
        // SAFETY: reads a variable of the backend.
        let cached = i64::from(unsafe { pg_sys::effective_cache_size });
        Tables { has_old_statistics, is_cached: pages.is_some_and(|pages| pages <= cached) }
    }

    /// Runs `work`, whose queries are planned for these tables.
    ///
    /// Where statistics are old, the planner may take a million rows for one, and join them in nested loops, which read them
    /// again and again. Without these, the worst plan reads each table once, and sorts it.
    pub fn planned<T>(self, work: impl FnOnce() -> T) -> T {
        let _settings = self.has_old_statistics.then(|| Settings::of(&[(c"enable_nestloop", c"off")]));
        work()
    }
}

// A table has as many rows in a page as when it was analysed, so that one with twice the pages has twice the rows.
// Statistics of changes may be lost in a crash.
const TABLES: &str = "
WITH RECURSIVE read(oid) AS (
    SELECT unnest($1)
     UNION
    SELECT named.refobjid
      FROM read
      JOIN pg_rewrite rule ON rule.ev_class = read.oid AND rule.rulename = '_RETURN'
      JOIN pg_depend named ON named.classid = 'pg_rewrite'::regclass AND named.objid = rule.oid AND named.refclassid = 'pg_class'::regclass)
SELECT coalesce(bool_or(pages > 1000 AND (pages > 2 * greatest(known, 1) OR changed > 0.5 * rows)), false),
       CASE WHEN NOT bool_or(is_foreign) THEN sum(all_pages)::bigint END
  FROM read
 CROSS JOIN LATERAL (
    SELECT sum(pg_relation_size(c.oid)) / current_setting('block_size')::numeric AS pages, sum(c.relpages) AS known,
           sum(c.reltuples) AS rows, sum(pg_stat_get_mod_since_analyze(c.oid)) AS changed, bool_or(c.relkind = 'f') AS is_foreign,
           sum(pg_total_relation_size(c.oid)) / current_setting('block_size')::numeric AS all_pages
      FROM (SELECT relid FROM pg_partition_tree(read.oid) UNION SELECT read.oid) part(oid)
      JOIN pg_class c ON c.oid = part.oid
     WHERE c.relkind IN ('r', 'm', 'f')) size";
