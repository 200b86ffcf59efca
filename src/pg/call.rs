//! Calls of our functions by Postgres: arguments, types, and what a call site keeps.

use crate::pg::error::internal;
use crate::pg::text::Text;
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgMemoryContexts, pg_sys};
use std::any::TypeId;
use std::cell::{RefCell, RefMut};
use std::marker::PhantomData;

/// The call of one of our functions that has not returned yet. Entry points make it from the pointer that Postgres
/// gives them.
#[derive(Clone, Copy)]
pub struct Call<'fcx>(pg_sys::FunctionCallInfo, PhantomData<&'fcx ()>);

// SAFETY: pgrx gives every function that asks for it the pointer that Postgres called the function with. 'fcx is the
// lifetime of the call.
unsafe impl<'fcx> ArgAbi<'fcx> for Call<'fcx> {
    unsafe fn unbox_arg_unchecked(argument: Arg<'_, 'fcx>) -> Self {
        // SAFETY: by this function's own condition.
        Call(unsafe { pg_sys::FunctionCallInfo::unbox_arg_unchecked(argument) }, PhantomData)
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: the function has no such argument in SQL.
unsafe impl SqlTranslatable for Call<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Call);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::Skip));
}

impl<'fcx> Call<'fcx> {
    /// # Safety
    /// `fcinfo` is the pointer that Postgres called an entry point with, and that call does not return within 'fcx.
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Call(fcinfo, PhantomData)
    }

    /// The type that this call returns. For a polymorphic function it follows from the arguments.
    pub fn return_type(self) -> pg_sys::Oid {
        // SAFETY: by `new`. The callee accepts a null flinfo.
        unsafe { pg_sys::get_fn_expr_rettype((*self.0).flinfo) }
    }

    /// The schema that the called function is in.
    pub fn schema(self) -> pg_sys::Oid {
        // SAFETY: the syscache accepts any OID.
        unsafe { pg_sys::get_func_namespace(self.function()) }
    }

    /// The called function; 0 where Postgres calls it without saying which it is (DirectFunctionCall).
    pub fn function(self) -> pg_sys::Oid {
        // SAFETY: by `new`.
        unsafe { (*self.0).flinfo.as_ref() }.map_or(pg_sys::InvalidOid, |flinfo| flinfo.fn_oid)
    }

    /// The raw pointer.
    pub fn as_ptr(self) -> pg_sys::FunctionCallInfo {
        self.0
    }

    /// The value of an argument of a STRICT function, so it is not NULL.
    pub fn argument(self, index: usize) -> pg_sys::Datum {
        // SAFETY: by `new`. Postgres passes `nargs` arguments.
        unsafe { (*self.0).args.as_slice((*self.0).nargs as usize)[index].value }
    }

    /// The text of a jsonb argument; `None` is NULL. Its numbers keep all their digits, while `pgrx::JsonB` turns them
    /// into floats.
    pub fn jsonb_text(self, index: usize) -> Option<String> {
        let argument = self.nullable(index)?;
        if self.declared_type(index) != Some(pg_sys::JSONBOID) {
            internal(format!("argument {index} is not declared as jsonb")).raise()
        }
        // SAFETY: the argument is a jsonb that is not NULL.
        Some(unsafe { Text::of_type(pg_sys::JSONBOID).of(argument) })
    }

    /// The type that the function was declared to take as an argument; `None` where it has no such argument.
    fn declared_type(self, index: usize) -> Option<pg_sys::Oid> {
        let function = self.function();
        if function == pg_sys::InvalidOid {
            return None;
        }
        let (mut types, mut count) = (std::ptr::null_mut(), 0);
        // SAFETY: the function exists, because it is being called. The look-up palloc's an array of `count` types.
        unsafe {
            pg_sys::get_func_signature(function, &raw mut types, &raw mut count);
            (index < count as usize).then(|| *types.add(index))
        }
    }

    /// The value of an argument; `None` is NULL.
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

    /// The type of an argument in this call; 0 where it is not known.
    pub fn argument_type(self, index: usize) -> pg_sys::Oid {
        // SAFETY: by `new`. The callee accepts a null flinfo.
        unsafe { pg_sys::get_fn_expr_argtype((*self.0).flinfo, index as i32) }
    }

    /// Makes NULL the result, which the returned datum stands for.
    pub fn null(self) -> pg_sys::Datum {
        // SAFETY: by `new`. Postgres reads the flag after the call.
        unsafe { (*self.0).isnull = true };
        pg_sys::Datum::from(0)
    }

    /// Whether an argument has the same value in every call of this query.
    pub fn is_stable(self, index: i32) -> bool {
        // SAFETY: by `new`. The callee accepts a null flinfo.
        unsafe { pg_sys::get_fn_expr_arg_stable((*self.0).flinfo, index) }
    }

    /// The value that this place in a query keeps between calls. The first call makes it; it is dropped when the query
    /// ends. `None` where nothing can be kept, where another type is kept already, and where the value is borrowed.
    pub fn site<T: 'static>(self, make: impl FnOnce() -> T) -> Option<RefMut<'fcx, T>> {
        // SAFETY: by `new`. `fn_extra` is null, or points to a `Site` of an earlier call or to pgrx's state of a
        // set-returning function. Both begin with at least as many bytes as a TypeId, and live as long as `fn_mcxt`,
        // which outlives every call through this `flinfo`. Only a `Site<T>` begins with the TypeId of T. The RefCell
        // prevents two borrows at once.
        unsafe {
            let flinfo = (*self.0).flinfo;
            if flinfo.is_null() {
                return None;
            }
            if (*flinfo).fn_extra.is_null() {
                let site = Site { type_id: TypeId::of::<T>(), value: RefCell::new(make()) };
                (*flinfo).fn_extra = PgMemoryContexts::For((*flinfo).fn_mcxt).leak_and_drop_on_delete(site).cast();
            }
            let kept = (*flinfo).fn_extra;
            if *kept.cast::<TypeId>() != TypeId::of::<T>() {
                return None;
            }
            (*kept.cast::<Site<T>>()).value.try_borrow_mut().ok()
        }
    }
}

/// A value in `fn_extra`, behind its type.
#[repr(C)]
struct Site<T> {
    type_id: TypeId,
    value: RefCell<T>,
}

/// Declares the calling convention of an entry point that pgrx does not make: version 1.
macro_rules! function_info {
    ($name:ident) => {
        /// The calling convention of the function whose name follows `pg_finfo_`.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> &'static pgrx::pg_sys::Pg_finfo_record {
            static V1: pgrx::pg_sys::Pg_finfo_record = pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
    };
}
pub(crate) use function_info;
