//! Compiles tests on native columns, which hold one value or an array in each row.

use super::array;
use super::native::Scalar;
use super::table::{ColumnKind, NativeColumn};
use super::tree::SqlExpr;
use super::writer::Writer;
use crate::expr::{FieldTest, ValueTest};
use crate::types::PropertyType;

/// Compiles a test on a column for rows in which it is not NULL. Returns `None` if SQL cannot express the test exactly.
pub(super) fn test(writer: Writer<'_>, column: &NativeColumn, field: &FieldTest) -> Option<SqlExpr> {
    if !field.path.rest().is_empty() {
        return None;
    }
    let term = writer.value(column);
    match &column.kind {
        // json, jsonb, and arrays of them.
        kind if kind.property_type() == PropertyType::Json => {
            matches!(field.test, ValueTest::Exists).then_some(SqlExpr::Const(true))
        }
        ColumnKind::Array(element) => array::test(writer, &term, element, &field.test),
        kind => Scalar { writer, kind, term: &term, may_be_nan: true }.test(&field.test),
    }
}
