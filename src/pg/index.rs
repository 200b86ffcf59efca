//! The expressions of indexes.

use crate::pg::nodes::{arguments, nth};
use pgrx::{FromDatum, is_a, pg_sys};
use std::ffi::CStr;

/// An index expression of the form `function(column, 'name')`.
pub struct PropertyCall {
    /// The function's schema and name, unquoted
    pub schema: String,
    pub function: String,
    /// The column's number
    pub column: i16,
    /// The property
    pub property: String,
}

/// The first expression of an index; `None` if it has another form. It is read from the catalog's node tree, because
/// the text that Postgres prints of it depends on `search_path` and other settings.
pub fn first_expression(index: pg_sys::Oid) -> Option<PropertyCall> {
    // SAFETY: the syscache accepts any OID. The attribute is copied before the tuple is released.
    let tree = unsafe {
        let cache = pg_sys::SysCacheIdentifier::INDEXRELID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(index));
        if tuple.is_null() {
            return None;
        }
        let mut is_null = false;
        let attribute = pg_sys::Anum_pg_index_indexprs as i16;
        let datum = pg_sys::SysCacheGetAttr(cache, tuple, attribute, &raw mut is_null);
        let tree = (!is_null).then(|| pg_sys::text_to_cstring(datum.cast_mut_ptr()));
        pg_sys::ReleaseSysCache(tuple);
        tree?
    };
    // SAFETY: the attribute is a list of expressions. Each node is read as the struct that its tag names. Nothing is
    // evaluated, because any user may have written the expression.
    unsafe {
        let call = nth(pg_sys::stringToNode(tree).cast(), 0)?;
        let arguments = arguments(call);
        let (column, name) = (nth(arguments, 0)?, nth(arguments, 1)?);
        let is_call = is_a(call, pg_sys::NodeTag::T_FuncExpr) && (*arguments).length == 2;
        if !is_call || !is_a(column, pg_sys::NodeTag::T_Var) || !is_a(name, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let name = name.cast::<pg_sys::Const>();
        if (*name).consttype != pg_sys::TEXTOID {
            return None;
        }
        let function = (*call.cast::<pg_sys::FuncExpr>()).funcid;
        let (name_of, schema) = (pg_sys::get_func_name(function), pg_sys::get_func_namespace(function));
        let schema = pg_sys::get_namespace_name(schema);
        if name_of.is_null() || schema.is_null() {
            return None;
        }
        Some(PropertyCall {
            schema: CStr::from_ptr(schema).to_str().ok()?.to_owned(),
            function: CStr::from_ptr(name_of).to_str().ok()?.to_owned(),
            column: (*column.cast::<pg_sys::Var>()).varattno,
            property: String::from_datum((*name).constvalue, (*name).constisnull)?,
        })
    }
}
