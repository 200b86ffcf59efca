//! Which types of columns conditions can use, and as what.

use pgrx::pg_sys::{self, Oid};
use segments_core::sql::ColumnKind;
use std::ffi::CStr;

/// The kind of a column by its type, which is not a domain. `None` for enums and arrays, which are made of more than
/// their OID, and for types that conditions cannot use.
///
/// `deterministic` says whether the column's collation is.
pub fn of_type(type_id: Oid, deterministic: bool) -> Option<ColumnKind> {
    Some(match type_id {
        pg_sys::TEXTOID => ColumnKind::Text { deterministic },
        pg_sys::VARCHAROID => ColumnKind::Varchar { deterministic },
        pg_sys::BPCHAROID => ColumnKind::Char { deterministic },
        pg_sys::NAMEOID => ColumnKind::Name,
        pg_sys::UUIDOID => ColumnKind::Uuid,
        pg_sys::INETOID => ColumnKind::Inet,
        pg_sys::INT2OID => ColumnKind::SmallInt,
        pg_sys::INT4OID => ColumnKind::Integer,
        pg_sys::INT8OID => ColumnKind::BigInt,
        pg_sys::NUMERICOID => ColumnKind::Numeric,
        pg_sys::FLOAT4OID => ColumnKind::Real,
        pg_sys::FLOAT8OID => ColumnKind::Double,
        pg_sys::BOOLOID => ColumnKind::Boolean,
        pg_sys::DATEOID => ColumnKind::Date,
        pg_sys::TIMESTAMPOID => ColumnKind::Timestamp,
        pg_sys::TIMESTAMPTZOID => ColumnKind::TimestampTz,
        pg_sys::JSONOID => ColumnKind::Json,
        pg_sys::JSONBOID => ColumnKind::Jsonb,
        other => return citext(other),
    })
}

/// Whether conditions can use arrays of such elements.
pub fn may_be_element(kind: &ColumnKind) -> bool {
    !matches!(kind, ColumnKind::Json | ColumnKind::Jsonb)
}

/// `citext` has no fixed OID, so it is known by its name. Any user can create a row type, a range or a domain of this
/// name, but only a superuser can create a base type, so only a base type is taken for it.
fn citext(type_id: Oid) -> Option<ColumnKind> {
    // SAFETY: catalog look-ups accept any OID. A tuple that is found belongs to the syscache, and is released once its
    // fields are read. The schema's name is a palloc'ed C string, or null if the schema does not exist.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::TYPEOID as i32, type_id.into());
        if tuple.is_null() {
            return None;
        }
        let form = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_type>();
        let is_citext = CStr::from_ptr(form.typname.data.as_ptr()) == c"citext"
            && form.typtype as u8 == pg_sys::TYPTYPE_BASE
            && form.typcategory as u8 == pg_sys::TYPCATEGORY_STRING;
        let schema = form.typnamespace;
        pg_sys::ReleaseSysCache(tuple);
        let schema = if is_citext { pg_sys::get_namespace_name(schema) } else { std::ptr::null_mut() };
        (!schema.is_null())
            .then(|| ColumnKind::Citext { schema: CStr::from_ptr(schema).to_string_lossy().into_owned() })
    }
}
