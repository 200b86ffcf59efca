//! Queries through SPI. Unlike pgrx's client, this one keeps plans, lets the caller choose the snapshot, and reads the
//! transition tables of a trigger.

use crate::pg::error::internal;
use crate::pg::plan::{KeptPlan, options};
use crate::pg::security::with_fixed_search_path;
use crate::pg::snapshot;
use crate::pg::subtransaction::hiding_queries;
use crate::pg::tuple::Tuple;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, AsPgCStr, Oid};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_char;
use std::rc::Rc;

mod cursor;

pub use cursor::Cursor;

/// The text of a query.
#[derive(Clone, Copy)]
pub enum QueryText<'a> {
    /// A constant of the source code that uses only the extension's own tables and `pg_catalog`. A backend plans it
    /// once. It always runs with the fixed search_path, so its names and operators need no schema, and a change of the
    /// caller's search_path does not invalidate the plan
    Constant(&'static str),
    /// A text that names tables of users or runs their code. It is planned for each call. It runs with the caller's
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

/// An open connection to SPI.
pub struct Session {
    /// How many connections were open when this one was opened, itself included
    depth: usize,
    /// The memory context of the connection around this one; null if there is none
    outer: pg_sys::MemoryContext,
}

/// The snapshot that a query reads in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The active snapshot: the one of the calling statement, or one that [`snapshot`] made active. The query may not
    /// write
    Active,
    /// A new snapshot, which sees what this transaction has done. The query may write
    New,
}

impl Reading {
    /// The active snapshot if [`snapshot`] chose it, if the transaction has not written, or in a query that runs in
    /// parallel; otherwise a new one.
    pub fn usual() -> Self {
        let is_active = snapshot::is_chosen() || !snapshot::has_written() || snapshot::is_fixed();
        if is_active { Reading::Active } else { Reading::New }
    }
}

thread_local! {
    /// How many connections are open, one inside the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The memory context of the innermost connection; null if there is none.
    static INNERMOST: Cell<pg_sys::MemoryContext> = const { Cell::new(std::ptr::null_mut()) };
}

/// Whether memory that Postgres allocates now belongs to the innermost connection and is freed with it. A function that a
/// query of that connection calls allocates in a context of the query, and may return what it allocates.
pub fn memory_is_of_connection() -> bool {
    // SAFETY: reads a variable of the backend.
    DEPTH.get() > 0 && INNERMOST.get() == unsafe { pg_sys::CurrentMemoryContext }
}

/// Runs `work` with a connection to SPI.
pub fn connected<T>(work: impl FnOnce(&Session) -> T) -> T {
    hiding_queries(|| {
        let session = Session::open();
        work(&session)
    })
}

impl Session {
    /// Opens a connection. Other modules get a session only by reference, so connections are closed in reverse order.
    fn open() -> Self {
        // SAFETY: reads a variable of the backend.
        if !unsafe { pg_sys::IsTransactionState() } {
            internal("a query was run outside of a transaction").raise()
        }
        // SAFETY: Drop calls SPI_finish.
        unsafe { pg_sys::SPI_connect() };
        DEPTH.set(DEPTH.get() + 1);
        // SAFETY: reads a variable of the backend.
        let outer = INNERMOST.replace(unsafe { pg_sys::CurrentMemoryContext });
        Session { depth: DEPTH.get(), outer }
    }

    /// Raises if this is not the innermost connection, because the functions of SPI always use the innermost one.
    fn must_be_innermost(&self) {
        if self.depth != DEPTH.get() {
            internal("a query was run through a connection inside of which another one is open").raise()
        }
    }

    /// Plans a query. The plan can also be used in later connections that have the same transition tables.
    pub fn prepare(&self, sql: &str, types: &[Oid]) -> KeptPlan {
        self.prepare_with(sql, types, 0)
    }

    /// Like [`prepare`](Self::prepare), with one plan for any values of the parameters, so that it is planned once.
    /// This is for queries that find few rows by a key.
    pub fn prepare_for_any(&self, sql: &str, types: &[Oid]) -> KeptPlan {
        self.prepare_with(sql, types, pg_sys::CURSOR_OPT_GENERIC_PLAN)
    }

    fn prepare_with(&self, sql: &str, types: &[Oid], options: u32) -> KeptPlan {
        self.must_be_innermost();
        let mut types = types.to_vec();
        // SAFETY: the text is NUL-terminated, and the number of types is right. SPI_keepplan accepts a plan that
        // SPI_prepare_cursor made.
        unsafe {
            let plan =
                pg_sys::SPI_prepare_cursor(sql.as_pg_cstr(), types.len() as i32, types.as_mut_ptr(), options as i32);
            if plan.is_null() {
                let status = pg_sys::SPI_result;
                internal(format!("query could not be planned: SPI status {status}")).raise()
            }
            succeeded(pg_sys::SPI_keepplan(plan));
            KeptPlan::new(plan)
        }
    }

    /// The plan of a [constant](QueryText::Constant). Call it with the fixed search_path in force. The plan is made
    /// once in this backend, for any values of its parameters, because planning a query that joins catalogs takes
    /// longer than running it.
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

    /// Runs a plan and reads each row.
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
        self.must_be_innermost();
        // SAFETY: by this function's own condition. The plan is alive, and the arguments outlive the execution. The
        // executor raises if an argument is missing, or has another type than the parameter of the plan.
        unsafe {
            let options =
                pg_sys::SPIExecuteOptions { dest: receiver, ..options(arguments, reading == Reading::Active) };
            succeeded(pg_sys::SPI_execute_plan_extended(plan.as_ptr(), &raw const options));
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

    /// Runs a query whose arguments are texts, of which there is at least one, and reads each row. The planner does not
    /// treat the texts as constants.
    pub fn query_with<T>(&self, sql: &str, arguments: &[&str], reading: Reading, read: impl Fn(&Tuple) -> T) -> Vec<T> {
        self.must_be_innermost();
        let arguments: Vec<DatumWithOid> = arguments.iter().map(|argument| (*argument).into()).collect();
        // SAFETY: as in `execute`. The parameter list that `options` made has an entry for each argument.
        unsafe {
            let options = options(&arguments, reading == Reading::Active);
            if !options.params.is_null() {
                let parameters = (*options.params).params.as_mut_slice(arguments.len());
                parameters.iter_mut().for_each(|parameter| parameter.pflags = 0);
            }
            succeeded(pg_sys::SPI_execute_extended(sql.as_pg_cstr(), &raw const options));
        }
        self.returned(read)
    }

    /// Runs a query, and returns how many rows it returned or changed.
    pub fn execute(&self, sql: QueryText<'_>, arguments: &[DatumWithOid], reading: Reading) -> usize {
        // SAFETY: there is no receiver.
        unsafe { self.execute_into(std::ptr::null_mut(), sql, arguments, reading) }
    }

    /// Like [`execute`](Self::execute), but the rows go to a receiver. If it is null, they go to the table of the
    /// connection.
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
        self.must_be_innermost();
        match sql {
            // SAFETY: by this function's own condition.
            QueryText::Constant(sql) => with_fixed_search_path(|| unsafe {
                self.execute_plan_into(receiver, &self.kept(sql, arguments), arguments, reading);
            }),
            // SAFETY: by this function's own condition. The text is NUL-terminated, and the arguments outlive the
            // execution.
            QueryText::Made(sql) => unsafe {
                let options =
                    pg_sys::SPIExecuteOptions { dest: receiver, ..options(arguments, reading == Reading::Active) };
                succeeded(pg_sys::SPI_execute_extended(sql.as_pg_cstr(), &raw const options));
            },
        }
        // SAFETY: SPI_processed is the number of rows of the last query, which was this one.
        unsafe { pg_sys::SPI_processed as usize }
    }

    /// Runs a [constant](QueryText::Constant) that sees and may change everything that is committed by now, at any
    /// isolation level. Returns how many rows it returned or changed. It is planned for each call, because the best
    /// plan depends on the number of values in its arguments.
    pub fn write_latest(&self, sql: &'static str, arguments: &[DatumWithOid]) -> usize {
        let types: Vec<Oid> = arguments.iter().map(DatumWithOid::oid).collect();
        with_fixed_search_path(|| self.execute_latest(&self.prepare(sql, &types), arguments))
    }

    /// Like [`write_latest`](Self::write_latest), and reads each row.
    pub fn write_latest_rows<T>(
        &self,
        sql: &'static str,
        arguments: &[DatumWithOid],
        read: impl Fn(&Tuple) -> T,
    ) -> Vec<T> {
        self.write_latest(sql, arguments);
        self.returned(read)
    }

    /// Like [`write_latest`](Self::write_latest), with a plan that the caller keeps and with the caller's search_path.
    /// Reads each row.
    pub fn run_latest<T>(&self, plan: &KeptPlan, arguments: &[DatumWithOid], read: impl Fn(&Tuple) -> T) -> Vec<T> {
        self.execute_latest(plan, arguments);
        self.returned(read)
    }

    fn execute_latest(&self, plan: &KeptPlan, arguments: &[DatumWithOid]) -> usize {
        self.must_be_innermost();
        plan.must_take(arguments);
        let value =
            |argument: &DatumWithOid| argument.datum().map_or(pg_sys::Datum::from(0), |datum| datum.sans_lifetime());
        let mut values: Vec<pg_sys::Datum> = arguments.iter().map(value).collect();
        let nulls: Vec<c_char> =
            arguments.iter().map(|argument| if argument.datum().is_none() { b'n' } else { b' ' } as c_char).collect();
        // SAFETY: the plan is alive and takes these arguments. Postgres copies the snapshot. SPI_processed is the
        // number of rows of the last statement, which was this one.
        unsafe {
            succeeded(pg_sys::SPI_execute_snapshot(
                plan.as_ptr(),
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
        // SAFETY: after a successful execution SPI_tuptable is null or holds the rows until the connection is closed.
        // The variable is read once, because `read` may run queries that set it again.
        unsafe {
            let table = pg_sys::SPI_tuptable;
            if table.is_null() {
                return Vec::new();
            }
            let rows = std::slice::from_raw_parts((*table).vals, (*table).numvals as usize);
            let descriptor = (*table).tupdesc;
            let values = rows.iter().map(|&tuple| read(&Tuple::new(tuple, descriptor))).collect();
            pg_sys::SPI_freetuptable(table);
            values
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        DEPTH.set(self.depth - 1);
        INNERMOST.set(self.outer);
        // If an error unwinds, Postgres closes the connection itself.
        if !std::thread::panicking() {
            // SAFETY: the innermost connection is the one that `open` made.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

fn succeeded(status: i32) {
    if status < 0 {
        internal(format!("query failed with SPI status {status}")).raise();
    }
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use super::{Reading, connected};
    use pgrx::prelude::*;

    #[pg_test(error = "a plan was given other arguments than it takes")]
    fn a_plan_is_not_run_without_its_arguments() {
        connected(|session| {
            let plan = session.prepare("SELECT $1", &[pg_sys::TEXTOID]);
            session.run_latest(&plan, &[], |row| row.get::<String>(1));
        });
    }

    #[pg_test(error = "a plan was given other arguments than it takes")]
    fn a_plan_is_not_run_with_arguments_of_other_types() {
        connected(|session| {
            let plan = session.prepare("SELECT $1", &[pg_sys::TEXTOID]);
            session.run_latest(&plan, &[1i64.into()], |row| row.get::<String>(1));
        });
    }

    #[pg_test(error = "a query was run through a connection inside of which another one is open")]
    fn queries_run_through_the_innermost_connection() {
        connected(|outer| connected(|_| outer.execute("SELECT 1".into(), &[], Reading::Active)));
    }
}
