//! Calls of statement-level triggers.

use super::merge;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::marker::PhantomData;

/// A statement that changes a table, with its transition tables, while one of its triggers runs. Entry points make it
/// from the data that Postgres gives them.
#[derive(Clone, Copy)]
pub struct Statement<'t>(*mut pg_sys::TriggerData, PhantomData<&'t ()>);

/// What a statement does to the rows of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

impl Statement<'_> {
    /// # Safety
    /// `fcinfo` is the pointer that Postgres called a function with, and that call does not return within the lifetime.
    pub unsafe fn of(fcinfo: pg_sys::FunctionCallInfo) -> Option<Self> {
        // SAFETY: by this function's own condition.
        unsafe {
            let data = trigger_data(fcinfo)?;
            let timing = (*data).tg_event & (pg_sys::TRIGGER_EVENT_ROW | pg_sys::TRIGGER_EVENT_TIMINGMASK);
            let statement = Statement(data, PhantomData);
            let is_known = timing == pg_sys::TRIGGER_EVENT_AFTER || timing == pg_sys::TRIGGER_EVENT_BEFORE;
            is_known.then_some(statement)
        }
    }

    /// The table that has the trigger.
    pub fn relation(self) -> pg_sys::Oid {
        // SAFETY: by `of`. The relation is open while its triggers fire.
        unsafe { (*(*self.0).tg_relation).rd_id }
    }

    /// What the statement does.
    pub fn event(self) -> Event {
        // SAFETY: by `of`.
        match unsafe { (*self.0).tg_event } & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_UPDATE => Event::Update,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            _ => Event::Truncate,
        }
    }

    /// Whether the trigger fires before the statement does its work.
    pub fn is_yet_to_come(self) -> bool {
        // SAFETY: by `of`.
        unsafe { (*self.0).tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_BEFORE }
    }

    /// Whether the statement is a MERGE that has moved rows to other partitions. Its transition tables lack these rows.
    pub fn hides_moved_rows(self) -> bool {
        // SAFETY: by `of`. The relation is open while its triggers fire.
        let is_partitioned =
            unsafe { (*(*(*self.0).tg_relation).rd_rel).relkind as u8 == pg_sys::RELKIND_PARTITIONED_TABLE };
        is_partitioned
            && self.event() == Event::Update
            && merge::updated_rows(self.relation()).is_some_and(|updated| updated * 2 != self.changed_rows())
    }

    /// Whether the statement may be a COPY … FREEZE. Snapshots as of an earlier command see its rows, too. Such a COPY needs a
    /// table whose file is as new as the transaction, and is no part of another statement.
    pub fn may_freeze_rows(self) -> bool {
        // SAFETY: by `of`. The relation is open while its triggers fire. The text is null or NUL-terminated, and nothing
        // replaces it during the comparison.
        unsafe {
            let relation = &*(*self.0).tg_relation;
            #[cfg(feature = "pg15")]
            let replaced_in = relation.rd_newRelfilenodeSubid;
            #[cfg(not(feature = "pg15"))]
            let replaced_in = relation.rd_newRelfilelocatorSubid;
            // 0 is no subtransaction.
            let is_new = relation.rd_createSubid != 0 || replaced_in != 0;
            self.event() == Event::Insert
                && is_new
                && !pg_sys::debug_query_string.is_null()
                && says_freeze(CStr::from_ptr(pg_sys::debug_query_string).to_bytes())
        }
    }

    /// How many rows the transition tables of the trigger have, the old and the new ones together.
    pub fn changed_rows(self) -> i64 {
        // SAFETY: by `of`. A transition table is null if the trigger has none, and otherwise an open tuplestore.
        unsafe {
            let count = |table: *mut pg_sys::Tuplestorestate| {
                if table.is_null() { 0 } else { pg_sys::tuplestore_tuple_count(table) }
            };
            count((*self.0).tg_oldtable) + count((*self.0).tg_newtable)
        }
    }

    /// The raw pointer.
    pub fn as_ptr(self) -> *mut pg_sys::TriggerData {
        self.0
    }
}

fn says_freeze(query: &[u8]) -> bool {
    query.windows(FREEZE.len()).any(|word| word.eq_ignore_ascii_case(FREEZE))
}

const FREEZE: &[u8] = b"freeze";

/// Whether the session acts as a replica, in which foreign keys are not checked.
pub fn is_replica() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::SessionReplicationRole == pg_sys::SESSION_REPLICATION_ROLE_REPLICA as i32 }
}

/// The data of a function that is called as a trigger; `None` if it is called in another way.
///
/// # Safety
/// `fcinfo` is the pointer that Postgres called a function with, and that call has not returned.
pub unsafe fn trigger_data(fcinfo: pg_sys::FunctionCallInfo) -> Option<*mut pg_sys::TriggerData> {
    // SAFETY: by this function's own condition. The tag of the node names the struct.
    unsafe {
        let context = (*fcinfo).context;
        let is_trigger = !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_TriggerData;
        is_trigger.then_some(context.cast())
    }
}
