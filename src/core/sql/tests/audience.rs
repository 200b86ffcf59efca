//! The audience of the tests: its table and its properties, and functions that compile conditions on it.

use crate::check::{Declaration, Environment, RelationDeclaration, check};
use crate::date::Instant;
use crate::error::Refusal;
use crate::expr::Checked;
use crate::parse::parse;
use crate::path::Path;
use crate::sql::*;
use crate::types::{PropertyType, ScalarType};

/// The table of contacts.
pub(in crate::sql) fn contacts() -> ContactTable {
    let column = |name: &str, kind| NativeColumn {
        name: name.into(),
        not_null: name == "id",
        kind,
        has_precision: name == "price",
    };
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

/// Keys of the properties column of each relation.
const ROW_CUSTOM: [(&str, PropertyType); 3] = [
    ("score", PropertyType::Scalar(ScalarType::Number)),
    ("channel", PropertyType::Scalar(ScalarType::String)),
    ("seen", PropertyType::Scalar(ScalarType::Timestamp)),
];

impl Environment for Audience {
    fn property(&self, name: &Path) -> Declaration {
        if let Some(relation) = self.0.relation(name.first()) {
            let key = name.rest().join(".");
            let column = relation.rows.column(&key).map(|column| column.kind.property_type());
            let custom = ROW_CUSTOM.iter().find(|(custom, _)| *custom == key).map(|(_, kind)| *kind);
            return column.or(custom).map_or(Declaration::Unknown, Declaration::Property);
        }
        let name = name.text();
        let custom = CUSTOM.iter().find(|(custom, _)| *custom == name).map(|(_, kind)| *kind);
        match self.0.column(name).map(|column| column.kind.property_type()).or(custom) {
            Some(kind) => Declaration::Property(kind),
            None => Declaration::Unknown,
        }
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        Ok(self.0.relation(name).map(|relation| RelationDeclaration {
            time: relation.time.as_ref().and_then(|time| {
                let column = relation.rows.column(time)?;
                Some((Path::from_keys(vec![time.clone()]), column.kind.property_type()))
            }),
            has_key: !relation.key.is_empty(),
        }))
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
    checked_on(&contacts(), condition)
}

pub(in crate::sql) fn checked_on(table: &ContactTable, condition: &str) -> Checked {
    let parsed = parse(condition).unwrap_or_else(|error| panic!("{condition}: {error:?}"));
    check(&parsed, &Audience(table.clone())).unwrap_or_else(|errors| panic!("{condition}: {errors:?}"))
}

#[track_caller]
pub(in crate::sql) fn assert_sql(table: &ContactTable, style: &Style, rows: &[(&str, &str)]) {
    for (condition, sql) in rows {
        let written = where_clause(&checked_on(table, condition), table, style);
        assert_eq!(written, *sql, "{condition}");
        // Citus cannot plan a sub-query without a column, nor a LATERAL sub-query without FROM.
        assert!(!written.contains("SELECT FROM") && !written.contains("LATERAL"), "{condition}");
    }
}
