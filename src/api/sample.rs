//! Samples of an audience's contacts.

use crate::catalog::audience::{Audience, TableKind};
use crate::catalog::contact_sql::executable_sql;
use crate::pg::{query, subtransaction};
use pgrx::spi::quote_identifier;
use segments_core::expr::{Atom, Expr, FieldTest, ValueTest};
use segments_core::path::Path;
use segments_core::sql;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// How many contacts are sampled.
const CONTACTS: i32 = 1000;

/// The values of some terms, and the presence of some paths, in a sample of the contacts.
pub struct Sample {
    pub contacts: i64,
    /// By term, its values, and how many contacts have each. Missing values are left out
    values: HashMap<String, Vec<(Value, i64)>>,
    /// By path, how many contacts have a value there
    present: HashMap<Path, i64>,
}

impl Sample {
    /// Reads a sample with the caller's rights; `None` if the caller lacks rights, or reading raises.
    ///
    /// `terms` are SQL expressions of type jsonb that read only `paths`.
    pub fn read(audience: &Audience, terms: &[String], paths: &[Path]) -> Option<Self> {
        let exists =
            |path: &Path| Atom::Field(FieldTest { path: path.clone(), read_as: None, test: ValueTest::Exists });
        let everything = Expr::and(paths.iter().map(exists).map(Expr::Test));
        let used = sql::used(&everything, &audience.table);
        let columns = used.columns.iter().map(|column| &column.name);
        let columns: BTreeSet<&String> = columns.chain(used.properties.iter().map(|column| &column.name)).collect();
        if columns.is_empty() {
            return None;
        }
        let columns: Vec<String> = columns.into_iter().map(quote_identifier).collect();
        // With a filter, most sampled rows may belong to other audiences, so the table is not sampled.
        let sampled = if audience.filter.is_none() { sampled(audience, CONTACTS) } else { String::new() };
        let mut selects =
            vec!["SELECT 0::pg_catalog.int8, NULL::pg_catalog.text, pg_catalog.count(*) FROM contact".to_owned()];
        selects.extend(terms.iter().enumerate().map(|(index, term)| {
            format!("SELECT {}, ({term})::pg_catalog.text, pg_catalog.count(*) FROM contact GROUP BY 2", index + 1)
        }));
        selects.extend(paths.iter().enumerate().map(|(index, path)| {
            let condition = sql::where_clause(&Expr::Test(exists(path)), &audience.table, &audience.style());
            format!("SELECT -{}, NULL, pg_catalog.count(*) FROM contact WHERE {condition}", index + 1)
        }));
        let sql = format!(
            "WITH contact AS MATERIALIZED (SELECT {} FROM {} {sampled} WHERE {} LIMIT {CONTACTS}) {}",
            columns.join(", "),
            audience.relation.quoted(),
            executable_sql(audience, &Expr::Const(true)),
            selects.join(" UNION ALL ")
        );
        let read = || query::rows(&sql, &[], |row| (row.get::<i64>(1), row.nullable::<String>(2), row.get::<i64>(3)));
        let rows = subtransaction::attempt(read).ok()?;
        let mut sample = Sample { contacts: 0, values: HashMap::new(), present: HashMap::new() };
        for (number, value, times) in rows {
            let index = number.unsigned_abs() as usize;
            match (number, value.and_then(|text| serde_json::from_str(&text).ok())) {
                (0, _) => sample.contacts = times,
                (..0, _) => _ = sample.present.insert(paths[index - 1].clone(), times),
                (_, None | Some(Value::Null)) => {}
                (_, Some(value)) => {
                    sample.values.entry(terms[index - 1].clone()).or_default().push((value, times));
                }
            }
        }
        Some(sample)
    }

    /// The values of a term, and how many contacts have each.
    pub fn values(&self, term: &str) -> &[(Value, i64)] {
        self.values.get(term).map_or(&[], Vec::as_slice)
    }

    /// How many contacts have a value at a path.
    pub fn present(&self, path: &Path) -> i64 {
        self.present.get(path).copied().unwrap_or(0)
    }
}

/// A TABLESAMPLE clause for a large table, so that the sample is not only its beginning.
pub fn sampled(audience: &Audience, sample: i32) -> String {
    let rows = query::first(
        "SELECT c.reltuples::float8 FROM pg_class c WHERE c.oid = $1",
        &[audience.relation.oid.into()],
        |row| row.get::<f64>(1),
    );
    let rows = rows.unwrap_or(0.0);
    if audience.relation.kind != TableKind::Table || rows <= 4.0 * f64::from(sample) {
        return String::new();
    }
    // The sample is twice as large as needed, because pages may be unevenly filled. LIMIT cuts it.
    let percent = (200.0 * f64::from(sample) / rows).min(100.0);
    format!("TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)")
}
