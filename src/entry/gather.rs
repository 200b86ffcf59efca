//! The aggregate `segments_gather`. It puts the rows of one contact to many tests on rows.

use crate::counting::plan::{GatherPlan, no_plan, too_many_rows};
use crate::pg::call::{Call, function_info};
use crate::pg::detoast::Detoasted;
use crate::pg::error::internal;
use crate::pg::interrupt;
use crate::pg::rows::RowReader;
use crate::shared::progress;
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgMemoryContexts};
use segments_core::program::Surroundings;
use segments_core::program_set::Matches;
use segments_core::relation_program::{ContactRows, RelationProgram};
use std::cell::RefCell;
use std::rc::Rc;

/// What the call site of the transition function keeps between rows.
struct GatherSite {
    shared: Rc<Shared>,
    reader: RowReader,
    matches: Matches,
    reported: progress::Reporter,
    /// How many bytes may be kept of one contact's rows
    most_held: usize,
}

/// What all contacts share.
struct Shared {
    program: RelationProgram,
    /// The memory of contacts that have been answered
    spare: RefCell<Vec<ContactRows>>,
}

/// The state of the aggregate: the rows of one contact.
struct GatherState {
    shared: Rc<Shared>,
    rows: ContactRows,
}

impl Drop for GatherState {
    fn drop(&mut self) {
        // A group that was not answered, because of an error, is not used again.
        if self.rows.is_empty() {
            self.shared.spare.borrow_mut().push(std::mem::take(&mut self.rows));
        }
    }
}

/// How many arguments precede the columns: the state and the plan.
const BEFORE_COLUMNS: usize = 2;

const SURROUNDINGS: Surroundings<'static> = Surroundings { interrupt: interrupt::check, ..Surroundings::NONE };

/// The transition function: adds one more row of a contact.
///
/// # Safety
/// Called by Postgres, as declared: (internal, text, VARIADIC "any") by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_gather_row(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition. A state that is not NULL is the result of an earlier call. The
    // arguments have the types that the call expression says, and outlive the call.
    unsafe {
        let call = Call::new(fcinfo);
        let Some(mut site) = call.site(|| make_site(call)) else {
            internal("segments_gather has no place to keep its state").raise()
        };
        let GatherSite { shared, reader, matches, reported, most_held } = &mut *site;
        let state = match call.nullable(0) {
            Some(state) => state,
            None => {
                let rows = shared.spare.borrow_mut().pop().unwrap_or_default();
                let mut context = std::ptr::null_mut();
                if pg_sys::AggCheckCallContext(fcinfo, &raw mut context) == 0 {
                    internal("a function of segments_gather was called outside of the aggregate").raise();
                }
                let state = GatherState { shared: shared.clone(), rows };
                Datum::from(PgMemoryContexts::For(context).leak_and_drop_on_delete(state))
            }
        };
        let rows = &mut (*state.cast_mut_ptr::<GatherState>()).rows;
        reader.read(
            |position| call.nullable(BEFORE_COLUMNS + position),
            matches,
            |found, matches| shared.program.add(rows, found, SURROUNDINGS, matches),
        );
        if rows.held() > *most_held {
            too_many_rows().raise();
        }
        reported.row();
        state
    }
}

/// # Safety
/// `call` is a call of `segments_gather_row`.
unsafe fn make_site(call: Call) -> GatherSite {
    let Some(plan) = call.nullable(1) else { no_plan().raise() };
    // SAFETY: by this function's own condition the argument is a text.
    let plan = unsafe { Detoasted::new(plan) };
    let GatherPlan { columns, program } = GatherPlan::read(&String::from_utf8_lossy(plan.bytes()));
    columns.must_be_within(call.arguments().saturating_sub(BEFORE_COLUMNS));
    let type_of = |position| call.argument_type(BEFORE_COLUMNS + position);
    GatherSite {
        reader: RowReader::new(program.keys(), &columns.fields, columns.properties, type_of),
        shared: Rc::new(Shared { program, spare: RefCell::default() }),
        matches: Matches::new(),
        reported: progress::Reporter::new(columns.ticket),
        // SAFETY: reads a variable of the backend, in kilobytes.
        most_held: unsafe { pg_sys::work_mem } as usize * 1024,
    }
}

/// The final function: the answers about one contact, as a bit for each test. NULL if there are none.
///
/// # Safety
/// Called by Postgres, as declared: (internal) by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_gather_answers(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition, the function above made the state.
    unsafe {
        let call = Call::new(fcinfo);
        let Some(state) = call.nullable(0) else { return call.null() };
        let GatherState { shared, rows } = &mut *state.cast_mut_ptr::<GatherState>();
        let answers = shared.program.answers(rows, SURROUNDINGS);
        match answers.is_empty() {
            true => call.null(),
            false => answers.into_datum().unwrap_or_else(|| call.null()),
        }
    }
}

function_info!(pg_finfo_segments_gather_row);
function_info!(pg_finfo_segments_gather_answers);
