//! The argument `columns`, with which tables are attached.

use crate::pg::array::in_one_dimension;
use crate::pg::error::Failure;
use pgrx::{Array, PgSqlErrorCode};

/// The columns that conditions may name. Raises 22023 if the array has more than one dimension, and 22004 if one of them is
/// NULL.
pub fn listed_columns(columns: Array<'_, String>) -> Vec<String> {
    let refused = |sqlstate, message: &str| {
        Failure::new(sqlstate, message)
            .detail("They are the columns that conditions may name.")
            .hint("Name them, or leave columns out: then conditions may name all columns.")
    };
    let columns = in_one_dimension(columns).unwrap_or_else(|| {
        let sqlstate = PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE;
        refused(sqlstate, "columns must be an array of one dimension").raise()
    });
    columns.into_iter().collect::<Option<_>>().unwrap_or_else(|| {
        refused(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, "columns must not contain NULL").raise()
    })
}
