//! Queries through SPI: with plans that are kept, in the snapshot of the extension's choosing, and over the transition
//! tables of a trigger, none of which pgrx's own client offers.

use crate::pg::error::internal;
use crate::pg::security::with_fixed_search_path;
use crate::pg::snapshot;
use crate::pg::trigger::Statement;
use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum};
use pgrx::pg_sys::{self, AsPgCStr, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_char;
use std::rc::Rc;

/// The text of a query.
#[derive(Clone, Copy)]
pub enum QueryText<'a> {
    /// A constant of the source that reads or writes the extension's own tables and `pg_catalog`, and nothing of a
    /// user's. It is planned once in a backend, and always runs with the fixed search_path: so its names and operators
    /// need no schema, and its plan is not made again when the caller's search_path changes
    Constant(&'static str),
    /// A text that names tables, or runs code, of users. It is planned for each call, and runs with the caller's
    /// search_path, so it qualifies its names and operators
    Made(&'a str),
}

impl From<&'static str> for QueryText<'_> {
    fn from(sql: &'static str) -> Self {
        QueryText::Constant(sql)
    }
}

impl<'a> From<&'a String> for QueryText<'a> {
    fn from(sql: &'a String) -> Self {
        QueryText::Made(sql)
    }
}

/// An open connection to SPI, closed on drop. Where an error unwinds, Postgres closes it itself.
pub struct Session(());

/// Which snapshot a query reads in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The active one: the calling statement's, or the one that [`snapshot`] made active. The query
    /// may not write
    Active,
    /// A new one, which sees what this transaction has done; the query may write
    New,
}

impl Reading {
    /// That of the calling statement, or the one that was made active; a new one where the transaction has written.
    pub fn usual() -> Self {
        if snapshot::is_chosen() || !snapshot::has_written() { Reading::Active } else { Reading::New }
    }
}

impl Session {
    /// Connects.
    pub fn open() -> Self {
        // SAFETY: pairs with the SPI_finish of Drop.
        unsafe { pg_sys::SPI_connect() };
        Session(())
    }

    /// Connects, with the statement's transition tables at hand for queries.
    pub fn over(statement: Statement) -> Self {
        let session = Session::open();
        // SAFETY: the trigger's data outlives the call of the trigger function, and so this connection.
        let status = unsafe { pg_sys::SPI_register_trigger_data(statement.as_ptr()) };
        succeeded(status);
        session
    }

    /// Plans a query, for this connection and later ones that have the same transition tables at hand.
    pub fn prepare(&self, sql: &str, types: &[Oid]) -> KeptPlan {
        self.prepare_with(sql, types, 0)
    }

    /// As [`prepare`](Self::prepare), with one plan for any values of the parameters, which saves planning again: for
    /// what finds few rows by a key.
    pub fn prepare_for_any(&self, sql: &str, types: &[Oid]) -> KeptPlan {
        self.prepare_with(sql, types, pg_sys::CURSOR_OPT_GENERIC_PLAN)
    }

    fn prepare_with(&self, sql: &str, types: &[Oid], options: u32) -> KeptPlan {
        let mut types = types.to_vec();
        // SAFETY: the text is NUL-terminated, there are as many types as said; SPI_keepplan takes what SPI_prepare
        // made.
        unsafe {
            let plan =
                pg_sys::SPI_prepare_cursor(sql.as_pg_cstr(), types.len() as i32, types.as_mut_ptr(), options as i32);
            if plan.is_null() {
                let status = pg_sys::SPI_result;
                internal(format!("query could not be planned: SPI status {status}")).raise()
            }
            succeeded(pg_sys::SPI_keepplan(plan));
            KeptPlan(plan)
        }
    }

    /// The plan of a [constant](QueryText::Constant), to be made and run with the fixed search_path: made once in this
    /// backend, for any values of its parameters. Planning takes longer than running where a query joins catalogs.
    fn kept(&self, sql: &'static str, arguments: &[DatumWithOid]) -> Rc<KeptPlan> {
        thread_local! {
            static PLANS: RefCell<HashMap<&'static str, Rc<KeptPlan>>> = RefCell::default();
        }
        if let Some(plan) = PLANS.with_borrow(|plans| plans.get(sql).cloned()) {
            return plan;
        }
        let types: Vec<Oid> = arguments.iter().map(DatumWithOid::oid).collect();
        let plan = Rc::new(self.prepare_with(sql, &types, pg_sys::CURSOR_OPT_GENERIC_PLAN));
        PLANS.with_borrow_mut(|plans| plans.insert(sql, plan.clone()));
        plan
    }

    /// Runs a kept plan and reads each row.
    pub fn run<T>(
        &self,
        plan: &KeptPlan,
        arguments: &[DatumWithOid],
        reading: Reading,
        read: impl Fn(&Tuple) -> T,
    ) -> Vec<T> {
        self.execute_plan(plan, arguments, reading);
        self.returned(read)
    }

    /// Runs a kept plan that takes no arguments, in the active snapshot, and hands out its rows a few at a time.
    pub fn open_cursor(&self, plan: &KeptPlan) -> Cursor<'_> {
        // SAFETY: the plan is alive, and was made for no parameters. The portal takes the snapshot that is active now,
        // and what this connection has registered, which the cursor's lifetime keeps open.
        let portal =
            unsafe { pg_sys::SPI_cursor_open_with_paramlist(std::ptr::null(), plan.0, std::ptr::null_mut(), true) };
        Cursor { portal, session: self }
    }

    fn execute_plan(&self, plan: &KeptPlan, arguments: &[DatumWithOid], reading: Reading) {
        // SAFETY: there is no receiver.
        unsafe { self.execute_plan_into(std::ptr::null_mut(), plan, arguments, reading) }
    }

    /// # Safety
    /// A receiver that is there lives until the query is done.
    unsafe fn execute_plan_into(
        &self,
        receiver: *mut pg_sys::DestReceiver,
        plan: &KeptPlan,
        arguments: &[DatumWithOid],
        reading: Reading,
    ) {
        // SAFETY: by this function's own condition; the plan is alive, and takes as many arguments as the caller prepared
        // it for.
        unsafe {
            let options = pg_sys::SPIExecuteOptions { dest: receiver, ..options(arguments, reading) };
            succeeded(pg_sys::SPI_execute_plan_extended(plan.0, &raw const options));
        }
    }

    /// Runs a query and reads each row.
    pub fn query<T>(
        &self,
        sql: QueryText<'_>,
        arguments: &[DatumWithOid],
        reading: Reading,
        read: impl Fn(&Tuple) -> T,
    ) -> Vec<T> {
        self.execute(sql, arguments, reading);
        self.returned(read)
    }

    /// Runs a query whose only argument is a text that the planner does not look at, and reads each row.
    pub fn query_with<T>(&self, sql: &str, argument: &str, reading: Reading, read: impl Fn(&Tuple) -> T) -> Vec<T> {
        let arguments = [argument.into()];
        // SAFETY: as in `execute`; the parameter list is the one that `options` made.
        unsafe {
            let options = options(&arguments, reading);
            (*options.params).params.as_mut_slice(1)[0].pflags = 0;
            succeeded(pg_sys::SPI_execute_extended(sql.as_pg_cstr(), &raw const options));
        }
        self.returned(read)
    }

    /// Runs a query and tells how many rows it returned or changed.
    pub fn execute(&self, sql: QueryText<'_>, arguments: &[DatumWithOid], reading: Reading) -> usize {
        // SAFETY: there is no receiver.
        unsafe { self.execute_into(std::ptr::null_mut(), sql, arguments, reading) }
    }

    /// As [`execute`](Self::execute); its rows go to a receiver, or, where that is null, to the connection's table.
    ///
    /// # Safety
    /// A receiver that is there lives until the query is done.
    pub unsafe fn execute_into(
        &self,
        receiver: *mut pg_sys::DestReceiver,
        sql: QueryText<'_>,
        arguments: &[DatumWithOid],
        reading: Reading,
    ) -> usize {
        match sql {
            // SAFETY: by this function's own condition.
            QueryText::Constant(sql) => with_fixed_search_path(|| unsafe {
                self.execute_plan_into(receiver, &self.kept(sql, arguments), arguments, reading);
            }),
            // SAFETY: by this function's own condition; the text is NUL-terminated.
            QueryText::Made(sql) => unsafe {
                let options = pg_sys::SPIExecuteOptions { dest: receiver, ..options(arguments, reading) };
                succeeded(pg_sys::SPI_execute_extended(sql.as_pg_cstr(), &raw const options));
            },
        }
        // SAFETY: SPI_processed is the number of the last query, which was this one.
        unsafe { pg_sys::SPI_processed as usize }
    }

    /// Runs a [constant](QueryText::Constant) that sees, and may change, everything committed by now, at any isolation
    /// level; tells how many rows it returned or changed. It is planned for each call, for it may have many values.
    pub fn write_latest(&self, sql: &'static str, arguments: &[DatumWithOid]) -> usize {
        let types: Vec<Oid> = arguments.iter().map(DatumWithOid::oid).collect();
        with_fixed_search_path(|| self.execute_latest(&self.prepare(sql, &types), arguments))
    }

    /// As [`write_latest`](Self::write_latest), with a plan that the caller keeps and the caller's search_path; reads each
    /// row.
    pub fn run_latest<T>(&self, plan: &KeptPlan, arguments: &[DatumWithOid], read: impl Fn(&Tuple) -> T) -> Vec<T> {
        self.execute_latest(plan, arguments);
        self.returned(read)
    }

    fn execute_latest(&self, plan: &KeptPlan, arguments: &[DatumWithOid]) -> usize {
        let value =
            |argument: &DatumWithOid| argument.datum().map_or(pg_sys::Datum::from(0), |datum| datum.sans_lifetime());
        let mut values: Vec<pg_sys::Datum> = arguments.iter().map(value).collect();
        let nulls: Vec<c_char> =
            arguments.iter().map(|argument| if argument.datum().is_none() { b'n' } else { b' ' } as c_char).collect();
        // SAFETY: the plan is alive, and was prepared for as many arguments; Postgres copies the snapshot.
        // SPI_processed is the number of this statement, which was the last.
        unsafe {
            succeeded(pg_sys::SPI_execute_snapshot(
                plan.0,
                values.as_mut_ptr(),
                nulls.as_ptr(),
                pg_sys::GetLatestSnapshot(),
                std::ptr::null_mut(),
                false,
                true,
                0,
            ));
            pg_sys::SPI_processed as usize
        }
    }

    fn returned<T>(&self, read: impl Fn(&Tuple) -> T) -> Vec<T> {
        // SAFETY: after a successful execution SPI_tuptable is null or holds the rows, until the connection closes. It
        // is read once, since `read` may run queries of its own.
        unsafe {
            let table = pg_sys::SPI_tuptable;
            if table.is_null() {
                return Vec::new();
            }
            let rows = std::slice::from_raw_parts((*table).vals, (*table).numvals as usize);
            let descriptor = (*table).tupdesc;
            let values = rows.iter().map(|&tuple| read(&Tuple { tuple, descriptor })).collect();
            pg_sys::SPI_freetuptable(table);
            values
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the connection that `open` made is the innermost one.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

/// Rows of a query that are still to be read, closed on drop. Where an error unwinds, Postgres closes it itself.
pub struct Cursor<'s> {
    portal: pg_sys::Portal,
    session: &'s Session,
}

impl Cursor<'_> {
    /// Reads the next rows, at most so many; none are left where there are fewer.
    pub fn next<T>(&mut self, most: usize, read: impl Fn(&Tuple) -> T) -> Vec<T> {
        // SAFETY: the portal is open until it is dropped here.
        unsafe { pg_sys::SPI_cursor_fetch(self.portal, true, most as std::ffi::c_long) };
        self.session.returned(read)
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the portal is the one that was opened for this cursor.
            unsafe { pg_sys::SPI_cursor_close(self.portal) };
        }
    }
}

/// A row that a query returned.
pub struct Tuple {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Tuple {
    /// The value of a column, from 1; `None` is NULL.
    pub fn get<T: FromDatum + IntoDatum>(&self, column: usize) -> Option<T> {
        // SAFETY: Tuples are made only of rows that SPI holds; a column that there is not yields NULL and an SPI error,
        // which the type's OID, zero then, cannot pass. Values are copied out of the row.
        let value = unsafe {
            let mut is_null = false;
            let column = column as i32;
            let datum = pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &raw mut is_null);
            T::try_from_datum(datum, is_null, pg_sys::SPI_gettypeid(self.descriptor, column))
        };
        value.unwrap_or_else(|error| internal(error.to_string()).raise())
    }
}

impl Tuple {
    /// The value of a column, from 1, where it is in the row; `None` is NULL.
    pub fn datum(&self, column: usize) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: as in `get`.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.descriptor, column as i32, &raw mut is_null) };
        (!is_null).then_some(datum)
    }

    /// The type of a column, from 1; 0 where there is no such column.
    pub fn type_of(&self, column: usize) -> Oid {
        // SAFETY: as in `get`.
        unsafe { pg_sys::SPI_gettypeid(self.descriptor, column as i32) }
    }
}

/// A query's plan, kept until it is dropped. Postgres plans anew by itself where a table has changed.
pub struct KeptPlan(pub pg_sys::SPIPlanPtr);

impl Drop for KeptPlan {
    fn drop(&mut self) {
        // SAFETY: the plan is this value's alone. While the process ends there is nothing worth giving back.
        unsafe {
            if !pg_sys::proc_exit_inprogress {
                pg_sys::SPI_freeplan(self.0);
            }
        }
    }
}

/// # Safety
/// The arguments' datums outlive the execution.
unsafe fn options(arguments: &[DatumWithOid], reading: Reading) -> pg_sys::SPIExecuteOptions {
    // SAFETY: by this function's own condition.
    let params = unsafe { parameters(arguments) };
    pg_sys::SPIExecuteOptions { params, read_only: reading == Reading::Active, ..Default::default() }
}

/// Null where there are no arguments, as in Postgres's own calls: Citus copies a list that is there, and `copyParamList`
/// returns null for an empty one, which it then reads.
///
/// # Safety
/// The arguments' datums outlive the list.
unsafe fn parameters(arguments: &[DatumWithOid]) -> pg_sys::ParamListInfo {
    if arguments.is_empty() {
        return std::ptr::null_mut();
    }
    // SAFETY: the list is made for as many arguments as there are.
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

fn succeeded(status: i32) {
    if status < 0 {
        internal(format!("query failed with SPI status {status}")).raise();
    }
}

#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
mod tests {
    use super::{Reading, options};
    use pgrx::prelude::*;

    /// Some extensions that look at a query's parameters take a list for granted to have any.
    #[pg_test]
    fn without_arguments_there_is_no_list_of_them() {
        // SAFETY: there are no arguments, and the one that there is next is a number.
        let (none, one) = unsafe { (options(&[], Reading::Active), options(&[1i32.into()], Reading::Active)) };
        assert!(none.params.is_null());
        assert!(!one.params.is_null());
    }
}
