//! Tests on rows of relations.

use super::audience::{contacts, qualified, readable};
use crate::check::{Declaration, Environment, check};
use crate::date::{DateReading, Instant, NamedZone};
use crate::expr::{Asked, Atom, Checked, ElementTest, Expr, RowsAsked, RowsTest, StoredDates, TimeOf, ValueTest};
use crate::parse::parse;
use crate::path::Path;
use crate::sql::*;
use crate::types::{PropertyType, ScalarType};

/// The contacts of the other tests, with orders and events.
fn shop() -> ContactTable {
    let column = |name: &str, kind| NativeColumn { name: name.into(), not_null: name == "id", kind };
    let text = || ColumnKind::Text { deterministic: true };
    let rows = |name: &str, columns| ContactTable {
        schema: "public".into(),
        name: name.into(),
        id: "contact_id".into(),
        properties: Some(PropertiesColumn { name: "data".into(), not_null: false }),
        columns,
        ..ContactTable::default()
    };
    let public = |name: &str| QualifiedName { schema: "public".into(), name: name.into() };
    let orders = RelationTable {
        name: "orders".into(),
        relation: public("orders"),
        rows: rows(
            "orders",
            vec![
                column("id", ColumnKind::BigInt),
                column("contact_id", ColumnKind::Uuid),
                column("placed_at", ColumnKind::TimestampTz),
                column("total", ColumnKind::Numeric),
                column("units", ColumnKind::Integer),
                column("weight", ColumnKind::Double),
                column("status", text()),
                column("kind", text()),
                column("code", ColumnKind::Citext { schema: "public".into() }),
                column("due", ColumnKind::Date),
            ],
        ),
        contact: ContactKey::Equals { operators: "pg_catalog".into() },
        time: Some("placed_at".into()),
        key: vec!["id".into()],
        scope: Expr::Const(true),
    };
    let events = RelationTable {
        name: "events".into(),
        relation: public("event_log"),
        rows: rows(
            "event_log",
            vec![column("contact_id", text()), column("at", ColumnKind::Timestamp), column("name", text())],
        ),
        contact: ContactKey::AsText,
        time: Some("at".into()),
        key: vec![],
        scope: Expr::Const(true),
    };
    ContactTable { relations: vec![orders, events], ..contacts() }
}
