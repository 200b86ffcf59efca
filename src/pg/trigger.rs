//! The call of a statement-level trigger, as Postgres makes it.

use super::merge;
use pgrx::pg_sys;
use std::marker::PhantomData;

/// A statement that changes a table, with its transition tables, while one of its triggers runs. Entry points make it
/// from the data that Postgres gives them.
#[derive(Clone, Copy)]
pub struct Statement<'t>(*mut pg_sys::TriggerData, PhantomData<&'t ()>);

/// What a statement did to the rows of a table.
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

    /// The table that the statement names.
    pub fn relation(self) -> pg_sys::Oid {
        // SAFETY: by `of`; the relation is open while its triggers fire.
        unsafe { (*(*self.0).tg_relation).rd_id }
    }

    /// What it did.
    pub fn event(self) -> Event {
        // SAFETY: by `of`.
        match unsafe { (*self.0).tg_event } & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_UPDATE => Event::Update,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            _ => Event::Truncate,
        }
    }

    /// Whether it is still to be done.
    pub fn is_yet_to_come(self) -> bool {
        // SAFETY: by `of`.
        unsafe { (*self.0).tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_BEFORE }
    }

    /// Whether it is a MERGE that has moved rows to other partitions, which its transition tables do not have.
    pub fn hides_moved_rows(self) -> bool {
        // SAFETY: by `of`; the relation is open while its triggers fire.
        let is_partitioned =
            unsafe { (*(*(*self.0).tg_relation).rd_rel).relkind as u8 == pg_sys::RELKIND_PARTITIONED_TABLE };
        is_partitioned
            && self.event() == Event::Update
            && merge::updated_rows(self.relation()).is_some_and(|updated| updated * 2 != self.changed_rows())
    }

    /// How many rows its transition tables have, which the trigger names.
    pub fn changed_rows(self) -> i64 {
        // SAFETY: by `of`; a transition table is null where the trigger has none, or an open tuplestore.
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

/// What a function knows that is called as a trigger; `None` where it is called otherwise.
///
/// # Safety
/// As of [`Statement::of`].
pub unsafe fn trigger_data(fcinfo: pg_sys::FunctionCallInfo) -> Option<*mut pg_sys::TriggerData> {
    // SAFETY: by this function's own condition; the tag of a node says which struct it is.
    unsafe {
        let context = (*fcinfo).context;
        let is_trigger = !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_TriggerData;
        is_trigger.then_some(context.cast())
    }
}
