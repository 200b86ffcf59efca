//! The audience of the tests: its table and its properties, and functions that compile conditions on it.

use crate::check::{Declaration, Environment, check};
use crate::date::Instant;
use crate::error::Refusal;
use crate::expr::Checked;
use crate::parse::parse;
use crate::path::Path;
use crate::sql::*;
use crate::types::{PropertyType, ScalarType};

/// The table of contacts.
pub(in crate::sql) fn contacts() -> ContactTable {
    let column = |name: &str, kind| NativeColumn { name: name.into(), not_null: name == "id", kind };
    let text = || ColumnKind::Text { deterministic: true };
    let public = |name: &str| QualifiedName { schema: "public".into(), name: name.into() };
    let index = |property: &str, read_as| TypedIndex { property: property.into(), read_as };
    ContactTable {
        schema: "public".into(),
        name: "contacts".into(),
        id: "id".into(),
        operators: "pg_catalog".into(),
        properties: Some(PropertiesColumn { name: "properties".into(), not_null: true }),
        columns: vec![
            column("id", ColumnKind::Uuid),
            column("country", text()),
            column("nickname", ColumnKind::Text { deterministic: false }),
            column("city", ColumnKind::Varchar { deterministic: true }),
            column("code", ColumnKind::Char { deterministic: true }),
            column("email", ColumnKind::Citext { schema: "public".into() }),
            column("login", ColumnKind::Name),
            column(
                "status",
                ColumnKind::Enum {
                    type_name: public("Status"),
                    labels: vec!["active".into(), "it's over".into()],
                    is_domain: false,
                },
            ),
            column("rank", ColumnKind::SmallInt),
            column("age", ColumnKind::Integer),
            column("visits", ColumnKind::BigInt),
            column("balance", ColumnKind::Numeric),
            column("score", ColumnKind::Real),
            column("weight", ColumnKind::Double),
            column("vip", ColumnKind::Boolean),
            column("born", ColumnKind::Date),
            column("seen_at", ColumnKind::TimestampTz),
            column("left_at", ColumnKind::Timestamp),
            column("tags", ColumnKind::Array(Box::new(text()))),
            column("aliases", ColumnKind::Array(Box::new(ColumnKind::Citext { schema: "public".into() }))),
            column("roles", ColumnKind::Array(Box::new(ColumnKind::Name))),
            column("lucky", ColumnKind::Array(Box::new(ColumnKind::Integer))),
            column("extra", ColumnKind::Jsonb),
            column("Order", text()),
        ],
        typed_indexes: vec![
            index("spent", ScalarType::Number),
            index("plan", ScalarType::String),
            index("trial", ScalarType::Boolean),
            index("renews", ScalarType::Date),
            index("paid_at", ScalarType::Timestamp),
            index("cart.total", ScalarType::Number),
        ],
        topics: Some(Topics {
            relation: public("contact_topics"),
            contact_column: "contact_id".into(),
            topic_column: column("topic", text()),
            id_column: "id".into(),
            operators: "pg_catalog".into(),
            held: None,
        }),
        relations: vec![],
    }
}

pub(in crate::sql) fn readable() -> Style {
    Style {
        names: Names::Readable { search_path: vec!["public".into()] },
        extension_schema: "public".into(),
        alias: None,
    }
}

pub(in crate::sql) fn qualified() -> Style {
    Style { names: Names::Qualified, extension_schema: "public".into(), alias: None }
}

/// The properties of [`contacts`]: columns and custom properties.
struct Audience(ContactTable);

const CUSTOM: [(&str, PropertyType); 9] = [
    ("spent", PropertyType::Scalar(ScalarType::Number)),
    ("plan", PropertyType::Scalar(ScalarType::String)),
    ("trial", PropertyType::Scalar(ScalarType::Boolean)),
    ("renews", PropertyType::Scalar(ScalarType::Date)),
    ("paid_at", PropertyType::Scalar(ScalarType::Timestamp)),
    ("colour", PropertyType::Scalar(ScalarType::String)),
    ("size", PropertyType::Scalar(ScalarType::Number)),
    ("cart", PropertyType::Json),
    ("cart.total", PropertyType::Scalar(ScalarType::Number)),
];

impl Environment for Audience {
    fn property(&self, name: &Path) -> Declaration {
        let name = name.text();
        let custom = CUSTOM.iter().find(|(custom, _)| *custom == name).map(|(_, kind)| *kind);
        match self.0.column(name).map(|column| column.kind.property_type()).or(custom) {
            Some(kind) => Declaration::Property(kind),
            None => Declaration::Unknown,
        }
    }

    fn property_names(&self) -> Vec<String> {
        vec![]
    }

    fn topic(&self, reference: &str) -> Result<String, Refusal> {
        Ok(reference.to_owned())
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Ok(vec!["news".to_owned(), "offers".to_owned()])
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        Ok(checked(reference))
    }

    fn bucket(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// 2024-05-15T00:00:00Z
    fn now(&self) -> Option<Instant> {
        Instant::from_micros(1_715_731_200_000_000)
    }
}

pub(in crate::sql) fn checked(condition: &str) -> Checked {
    let parsed = parse(condition).unwrap_or_else(|error| panic!("{condition}: {error:?}"));
    check(&parsed, &Audience(contacts())).unwrap_or_else(|errors| panic!("{condition}: {errors:?}"))
}

#[track_caller]
pub(in crate::sql) fn assert_sql(table: &ContactTable, style: &Style, rows: &[(&str, &str)]) {
    for (condition, sql) in rows {
        let written = where_clause(&checked(condition), table, style);
        assert_eq!(written, *sql, "{condition}");
        // Citus cannot plan a sub-query without a column, nor a LATERAL sub-query without FROM.
        assert!(!written.contains("SELECT FROM") && !written.contains("LATERAL"), "{condition}");
    }
}
