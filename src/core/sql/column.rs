//! Compiles tests on native columns, which hold one value or an array in each row.

use super::array;
use super::native::Scalar;
use super::table::{Column, ColumnKind};
use super::tree::Sql;
use super::writer::Writer;
use crate::expr::{FieldTest, ValueTest};
use crate::types::PropertyType;

/// Compiles a test on a column for rows in which it is not NULL. Returns `None` if SQL cannot express the test exactly.
pub(super) fn test(writer: Writer<'_>, column: &Column, field: &FieldTest) -> Option<Sql> {
    if !field.path.rest().is_empty() {
        return None;
    }
    let term = writer.value(column);
    match &column.kind {
        // json, jsonb, and arrays of them.
        kind if kind.property_type() == PropertyType::Json => {
            matches!(field.test, ValueTest::Exists).then_some(Sql::Const(true))
        }
        ColumnKind::Array(element) => array::test(writer, &term, element, &field.test),
        kind => Scalar { writer, kind, term: &term, may_be_nan: true }.test(&field.test),
    }
}
