//! Audience segments inside Postgres.
#![allow(missing_docs, reason = "the public API is documented in sql/, item by item")]

mod condition;
mod error;
mod matching;
mod pg;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../sql/condition.sql", name = "condition", bootstrap);

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
