//! Audience segments inside Postgres.

pgrx::pg_module_magic!(name, version);

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
