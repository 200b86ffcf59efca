//! Audience segments inside Postgres.
//!
//! The modules are floors: each imports only from those below it.
//!
//! | module | |
//! |---|---|
//! | `entry` | what Postgres calls by pointer |
//! | `api` | the functions that users call, one module for each noun |
//! | `worker` | background processes that count what is due |
//! | `refresh` | when counts are due, and counting what is |
//! | `ddl` | what a command that changes, renames or drops something means to audiences |
//! | `live` | counts that every statement keeps, with entries and exits |
//! | `counting` | counting members in one snapshot, and storing the counts |
//! | `planner` | what a query's planner learns of a condition |
//! | `columns` | the column index: exact counts from images of the table's pages |
//! | `catalog` | what is stored of audiences and segments, and who may see it |
//! | `evaluate` | conditions put to documents |
//! | `shared` | what sessions and background processes tell each other |
//! | `pg` | wrappers of Postgres that know nothing of segments |
//!
//! The language itself is in the crate `segments_core`, which does not know Postgres.

#![deny(unsafe_code)]

mod api;
mod catalog;
mod columns;
mod counting;
mod ddl;
#[allow(unsafe_code, reason = "it is called by pointer")]
mod entry;
mod evaluate;
mod live;
#[allow(unsafe_code, reason = "it wraps the interface of Postgres")]
mod pg;
mod planner;
mod refresh;
mod shared;
#[cfg(feature = "pg_test")]
mod tests;
mod worker;

pgrx::pg_module_magic!(name, version);

/// Called by Postgres when it loads the library.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    live::changes::retention::define_settings();
    pg::guard::install();
    pg::merge::install();
    pg::plans::install();
    entry::members_support::install();
    shared::settings::define();
    entry::shared_memory::init();
    worker::init();
}

// Each file requires the one before it, so there is one order. `scripts/extension-sql` puts the files together in the
// same order.
pgrx::extension_sql_file!("../sql/condition.sql", name = "condition", bootstrap);
pgrx::extension_sql_file!("../sql/audience.sql", name = "audience", requires = ["condition"]);
pgrx::extension_sql_file!("../sql/index.sql", name = "index", requires = ["audience"]);
pgrx::extension_sql_file!("../sql/column_index.sql", name = "column_index", requires = ["index"]);
pgrx::extension_sql_file!("../sql/segment.sql", name = "segment", requires = ["column_index"]);
pgrx::extension_sql_file!("../sql/live.sql", name = "live", requires = ["segment"]);
pgrx::extension_sql_file!("../sql/refresh.sql", name = "refresh", requires = ["live"]);
pgrx::extension_sql_file!("../sql/contact.sql", name = "contact", requires = ["refresh"]);
pgrx::extension_sql_file!("../sql/explain.sql", name = "explain", requires = ["contact"]);
pgrx::extension_sql_file!("../sql/drivers.sql", name = "drivers", requires = ["explain"]);
pgrx::extension_sql_file!("../sql/following.sql", name = "following", requires = ["drivers"]);
pgrx::extension_sql_file!("../sql/access.sql", name = "access", requires = ["following"]);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);
