//! Audience segments inside Postgres.
//!
//! | module | |
//! |---|---|
//! | `audience`, `property`, `topic` | what conditions may speak of |
//! | `condition`, `matching` | the type `segment_condition` and the operator `@~` |
//! | `planner` | what a query's planner learns of a condition |
//! | `scope` | conditions checked against an audience |
//! | `refresh`, `live` | counts brought up to date, and counts that every statement keeps |
//! | `worker` | what is due, counted in the background |
//! | `population`, `tally`, `progress` | many conditions put to one row; counting them all in one pass, and how far that is |
//! | `segment`, `count`, `contact` | segments, their counts and their members |
//! | `validate`, `explain`, `infer` | what is wrong with a condition, why it holds, what properties there are |
//! | `index` | indexes on properties, and which would help |
//! | `text_cache` | what a backend keeps of the texts of conditions |
//! | `validity` | whether what a backend has compiled can still be used |
//! | `query`, `error` | queries that the extension itself runs, and errors as the user meets them |
//! | `access` | who may see what |
//! | `pg` | the only unsafe code |
//!
//! The language itself is in the crate `segments_core`, which does not know Postgres.

mod access;
mod audience;
mod condition;
mod contact;
mod count;
mod error;
mod explain;
mod index;
mod infer;
mod live;
mod matching;
mod pg;
mod planner;
mod population;
mod progress;
mod property;
mod query;
mod refresh;
mod scope;
mod segment;
mod tally;
#[cfg(any(test, feature = "pg_test"))]
mod tests;
mod text_cache;
mod topic;
mod validate;
mod validity;
mod worker;

pgrx::pg_module_magic!(name, version);

/// Called by Postgres when it loads the library.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    live::define_settings();
    pg::guard::install();
    pg::shared::init();
    worker::init();
}

// Each requires the one before it: one order, in which `scripts/extension-sql` puts them together as well.
pgrx::extension_sql_file!("../sql/condition.sql", name = "condition", bootstrap);
pgrx::extension_sql_file!("../sql/audience.sql", name = "audience", requires = ["condition"]);
pgrx::extension_sql_file!("../sql/index.sql", name = "index", requires = ["audience"]);
pgrx::extension_sql_file!("../sql/segment.sql", name = "segment", requires = ["index"]);
pgrx::extension_sql_file!("../sql/live.sql", name = "live", requires = ["segment"]);
pgrx::extension_sql_file!("../sql/refresh.sql", name = "refresh", requires = ["live"]);
pgrx::extension_sql_file!("../sql/contact.sql", name = "contact", requires = ["refresh"]);
pgrx::extension_sql_file!("../sql/explain.sql", name = "explain", requires = ["contact"]);
pgrx::extension_sql_file!("../sql/drivers.sql", name = "drivers", requires = ["explain"]);
pgrx::extension_sql_file!("../sql/following.sql", name = "following", requires = ["drivers"]);
pgrx::extension_sql_file!("../sql/access.sql", name = "access", requires = ["following"]);
pgrx::extension_sql_file!("../sql/finalize.sql", name = "finalize", finalize);

#[cfg(test)]
pub mod pg_test {
    //! What `cargo pgrx test` calls around the in-server tests.

    /// Nothing to prepare: every test makes what it needs.
    pub fn setup(_options: Vec<&str>) {}

    /// No settings beyond the defaults.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
