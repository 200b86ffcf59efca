//! A function call as Postgres makes it.

use crate::pg::text::Text;
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgMemoryContexts, pg_sys};

/// The call that is being answered.
///
/// Made only by entry points, from the pointer that Postgres handed them; it lives as long as their body does.
#[derive(Clone, Copy)]
pub struct Call(pg_sys::FunctionCallInfo);

// SAFETY: it is what pgrx hands a function for its own `FunctionCallInfo`, the pointer that Postgres called it with.
unsafe impl<'fcx> ArgAbi<'fcx> for Call {
    unsafe fn unbox_arg_unchecked(argument: Arg<'_, 'fcx>) -> Self {
        // SAFETY: by this function's own condition.
        Call(unsafe { pg_sys::FunctionCallInfo::unbox_arg_unchecked(argument) })
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: SQL is told nothing of it.
unsafe impl SqlTranslatable for Call {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Call);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::Skip));
}

impl Call {
    /// # Safety
    /// `fcinfo` is the pointer that Postgres called an entry point with, and that call has not returned.
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Call(fcinfo)
    }

    /// The type that the call is to return, as a cast takes it: that of a polymorphic function's arguments.
    pub fn return_type(self) -> String {
        // SAFETY: by `new`; format_type_extended palloc's a NUL-terminated name of a type that exists.
        unsafe {
            let type_id = pg_sys::get_fn_expr_rettype((*self.0).flinfo);
            let name = pg_sys::format_type_extended(type_id, -1, pg_sys::FORMAT_TYPE_FORCE_QUALIFY as _);
            std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }

    /// Whether the type that the call is to return is that one, where each may be a domain over it.
    pub fn returns(self, type_id: pg_sys::Oid) -> bool {
        // SAFETY: by `new`; both types exist.
        unsafe { pg_sys::getBaseType(pg_sys::get_fn_expr_rettype((*self.0).flinfo)) == pg_sys::getBaseType(type_id) }
    }

    /// The schema that the called function is in.
    pub fn schema(self) -> pg_sys::Oid {
        // SAFETY: by `new`; the syscache takes any OID.
        unsafe { pg_sys::get_func_namespace((*(*self.0).flinfo).fn_oid) }
    }

    /// The raw pointer.
    pub fn as_ptr(self) -> pg_sys::FunctionCallInfo {
        self.0
    }

    /// An argument that is not NULL: the function is STRICT.
    pub fn argument(self, index: usize) -> pg_sys::Datum {
        // SAFETY: by `new`, fcinfo is valid; Postgres passes as many arguments as the function was declared with.
        unsafe { (*self.0).args.as_slice((*self.0).nargs as usize)[index].value }
    }

    /// The text of a jsonb argument that is not NULL. Its numbers are exact, which `pgrx::JsonB` makes floats of.
    pub fn jsonb_text(self, index: usize) -> String {
        // SAFETY: by `new`; the argument was declared as jsonb.
        unsafe { Text::of_type(pg_sys::JSONBOID).of(self.argument(index)) }
    }

    /// An argument; `None` is NULL.
    pub fn nullable(self, index: usize) -> Option<pg_sys::Datum> {
        // SAFETY: as above.
        let argument = unsafe { &(*self.0).args.as_slice((*self.0).nargs as usize)[index] };
        (!argument.isnull).then_some(argument.value)
    }

    /// How many arguments there are.
    pub fn arguments(self) -> usize {
        // SAFETY: by `new`.
        unsafe { (*self.0).nargs as usize }
    }

    /// The type of an argument, as the call site has it; 0 where that is not known.
    pub fn argument_type(self, index: usize) -> pg_sys::Oid {
        // SAFETY: by `new`; flinfo may be null, which the callee checks for.
        unsafe { pg_sys::get_fn_expr_argtype((*self.0).flinfo, index as i32) }
    }

    /// Answers with NULL.
    pub fn null(self) -> pg_sys::Datum {
        // SAFETY: by `new`; Postgres cleared the flag before the call and reads it after.
        unsafe { (*self.0).isnull = true };
        pg_sys::Datum::from(0)
    }

    /// Whether an argument keeps its value for the whole query.
    pub fn is_stable(self, index: i32) -> bool {
        // SAFETY: by `new`; flinfo may be null (DirectFunctionCall), which the callee checks for.
        unsafe { pg_sys::get_fn_expr_arg_stable((*self.0).flinfo, index) }
    }

    /// What this call site keeps from call to call, made on its first call and dropped when the query ends.
    /// `None` where there is nowhere to keep it.
    pub fn site<T>(self, make: impl FnOnce() -> T) -> Option<&'static mut T> {
        // SAFETY: by `new`. fn_extra belongs to this function alone, so what it points to is the `T` put there by an
        // earlier call; it lives in fn_mcxt, which outlives every call through this flinfo. Postgres runs one call of a
        // backend at a time, and no caller keeps the reference past its own return, so it is unique while it is used.
        unsafe {
            let flinfo = (*self.0).flinfo;
            if flinfo.is_null() {
                return None;
            }
            if (*flinfo).fn_extra.is_null() {
                let kept = PgMemoryContexts::For((*flinfo).fn_mcxt).leak_and_drop_on_delete(make());
                (*flinfo).fn_extra = kept.cast();
            }
            Some(&mut *(*flinfo).fn_extra.cast::<T>())
        }
    }
}

/// Declares how Postgres calls an entry point that is not made by pgrx.
macro_rules! function_info {
    ($name:ident) => {
        /// Tells Postgres how the function of that name is called.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> &'static pgrx::pg_sys::Pg_finfo_record {
            static V1: pgrx::pg_sys::Pg_finfo_record = pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
    };
}
pub(crate) use function_info;
