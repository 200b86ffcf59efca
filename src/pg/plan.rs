//! Plans that are kept, and the arguments that they run with.

use crate::pg::error::internal;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;

/// The plan of a query, kept until it is dropped. Postgres plans again by itself when a table has changed.
pub struct KeptPlan(pg_sys::SPIPlanPtr);

impl KeptPlan {
    /// # Safety
    /// The plan was kept with SPI_keepplan, and nothing else has it.
    pub unsafe fn new(plan: pg_sys::SPIPlanPtr) -> Self {
        KeptPlan(plan)
    }

    /// The raw pointer, valid as long as this value.
    pub fn as_ptr(&self) -> pg_sys::SPIPlanPtr {
        self.0
    }

    /// Raises if the arguments differ from the parameters of the plan in number or type.
    pub fn must_take(&self, arguments: &[DatumWithOid]) {
        // SAFETY: the plan is alive, and each index is below the number of its parameters.
        let is_taken = unsafe {
            pg_sys::SPI_getargcount(self.0) as usize == arguments.len()
                && (0..)
                    .zip(arguments)
                    .all(|(index, argument)| pg_sys::SPI_getargtypeid(self.0, index) == argument.oid())
        };
        if !is_taken {
            internal("a plan was given other arguments than it takes").raise()
        }
    }
}

impl Drop for KeptPlan {
    fn drop(&mut self) {
        // SAFETY: nothing else has the plan. When the process exits, Postgres frees its memory itself.
        unsafe {
            if !pg_sys::proc_exit_inprogress {
                pg_sys::SPI_freeplan(self.0);
            }
        }
    }
}

/// How to execute a query with these arguments. A read-only query reads in the active snapshot.
///
/// # Safety
/// The arguments' datums outlive the execution.
pub unsafe fn options(arguments: &[DatumWithOid], read_only: bool) -> pg_sys::SPIExecuteOptions {
    // SAFETY: by this function's own condition.
    let params = unsafe { parameters(arguments) };
    pg_sys::SPIExecuteOptions { params, read_only, ..Default::default() }
}

/// The arguments as a parameter list; null if there are none, as in Postgres's own calls. With an empty list, Citus
/// would crash: it copies any list that is not null, `copyParamList` returns null for an empty one, and Citus reads
/// from that.
///
/// # Safety
/// The arguments' datums outlive the list.
pub unsafe fn parameters(arguments: &[DatumWithOid]) -> pg_sys::ParamListInfo {
    if arguments.is_empty() {
        return std::ptr::null_mut();
    }
    // SAFETY: the list has as many entries as there are arguments.
    unsafe {
        let parameters = pg_sys::makeParamList(arguments.len() as i32);
        let slots = (*parameters).params.as_mut_slice(arguments.len());
        for (slot, argument) in slots.iter_mut().zip(arguments) {
            slot.ptype = argument.oid();
            slot.pflags = pg_sys::PARAM_FLAG_CONST as u16;
            slot.isnull = argument.datum().is_none();
            slot.value = argument.datum().map_or(pg_sys::Datum::from(0), |datum| datum.sans_lifetime());
        }
        parameters
    }
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use super::options;
    use pgrx::prelude::*;

    /// Some extensions expect that a parameter list that is not null has entries.
    #[pg_test]
    fn without_arguments_there_is_no_list_of_them() {
        // SAFETY: the only argument is a number.
        let (none, one) = unsafe { (options(&[], true), options(&[1i32.into()], true)) };
        assert!(none.params.is_null());
        assert!(!one.params.is_null());
    }
}
