//! The aggregate `segments_tally`. It counts how many rows satisfy each of many conditions.

use crate::counting::plan::{GatheredColumn, TallyPlan, no_plan};
use crate::pg::call::{Call, function_info};
use crate::pg::detoast::Detoasted;
use crate::pg::error::internal;
use crate::pg::interrupt;
use crate::pg::prefetch::Prefetcher;
use crate::pg::rows::RowProgram;
use crate::shared::progress;
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgMemoryContexts};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, Tally};
use segments_core::relation_program::copy_answers;

/// The state that the call site of the transition function keeps between rows.
struct TallySite {
    program: RowProgram,
    /// The columns with what was gathered of relations
    gathered: Vec<GatheredColumn>,
    /// The answers about the rows of the current contact
    answers: Vec<u64>,
    matches: Matches,
    /// The address of the last document
    rows: Prefetcher,
    reported: progress::Reporter,
}

/// How many arguments precede the columns: the state and the plan.
const BEFORE_COLUMNS: usize = 2;

/// The transition function: evaluates the conditions for one more row.
///
/// # Safety
/// Called by Postgres, as declared: (internal, text, VARIADIC "any") by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_tally_row(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition. A state that is not NULL is the result of an earlier call. The
    // arguments have the types that the call expression says, and outlive the call.
    unsafe {
        let call = Call::new(fcinfo);
        let Some(mut site) = call.site(|| make_site(call)) else {
            internal("segments_tally has no place to keep its state").raise()
        };
        let site = &mut *site;
        let state = match call.nullable(0) {
            Some(state) => state,
            None => make_state(aggregate_context(fcinfo), Tally::new(site.program.len())),
        };
        site.answers.fill(0);
        for GatheredColumn { position, words } in &site.gathered {
            if let Some(answers) = call.nullable(BEFORE_COLUMNS + position) {
                copy_answers(Detoasted::new(answers).bytes(), &mut site.answers[words.clone()]);
            }
        }
        let surroundings = Surroundings { interrupt: interrupt::check, rows: &site.answers, ..Surroundings::NONE };
        if let Some(document) = site.program.documents().and_then(|position| call.nullable(BEFORE_COLUMNS + position)) {
            site.rows.expect_after(document);
        }
        site.program.matching(|position| call.nullable(BEFORE_COLUMNS + position), surroundings, &mut site.matches);
        (*state.cast_mut_ptr::<Tally>()).add(&site.matches);
        site.reported.row();
        state
    }
}

/// # Safety
/// `call` is a call of `segments_tally_row`.
unsafe fn make_site(call: Call) -> TallySite {
    let Some(plan) = call.nullable(1) else { no_plan().raise() };
    // SAFETY: by this function's own condition the argument is a text.
    let plan = unsafe { Detoasted::new(plan) };
    let type_of = |position| call.argument_type(BEFORE_COLUMNS + position);
    let columns = call.arguments().saturating_sub(BEFORE_COLUMNS);
    let is_gathered = |position: usize| position < columns && type_of(position) == pg_sys::BYTEAOID;
    let plan = TallyPlan::read(&String::from_utf8_lossy(plan.bytes()), is_gathered);
    plan.columns.must_be_within(columns);
    TallySite {
        program: RowProgram::new(plan.set, &plan.columns.fields, plan.columns.properties, type_of),
        answers: vec![0; plan.gathered.iter().map(|column| column.words.end).max().unwrap_or(0)],
        gathered: plan.gathered,
        matches: Matches::new(),
        rows: Prefetcher::default(),
        reported: progress::Reporter::new(plan.columns.ticket),
    }
}

/// The combine function: adds the counts of two workers.
///
/// # Safety
/// Called by Postgres, as declared: (internal, internal) by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_tally_combine(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition, functions of this file made both states. The first is in the memory of
    // the aggregate. The second need not be, and is only read.
    unsafe {
        let call = Call::new(fcinfo);
        let context = aggregate_context(fcinfo);
        match (call.nullable(0), call.nullable(1)) {
            (None, None) => call.null(),
            (None, Some(second)) => make_state(context, (*second.cast_mut_ptr::<Tally>()).clone()),
            (Some(first), None) => first,
            (Some(first), Some(second)) => {
                (*first.cast_mut_ptr::<Tally>()).merge(&*second.cast_mut_ptr::<Tally>());
                first
            }
        }
    }
}

/// The serialization function: the state of a worker as bytes.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, (internal) by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_tally_serialize(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition, a function of this file made the state.
    unsafe {
        let call = Call::new(fcinfo);
        let counts = (*call.argument(0).cast_mut_ptr::<Tally>()).counts();
        let bytes: Vec<u8> = counts.iter().flat_map(|count| count.to_ne_bytes()).collect();
        bytes.into_datum().unwrap_or_else(|| call.null())
    }
}

/// The deserialization function: the state from its bytes.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, (bytea, internal) by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_tally_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition, the argument is a bytea. The new state is in the memory of this call,
    // which lasts until Postgres has combined it.
    unsafe {
        let call = Call::new(fcinfo);
        aggregate_context(fcinfo);
        let bytes = Detoasted::new(call.argument(0));
        let counts: Vec<i64> = bytes.bytes().as_chunks().0.iter().map(|count| i64::from_ne_bytes(*count)).collect();
        make_state(pg_sys::CurrentMemoryContext, Tally::from(counts))
    }
}

/// The final function: the counts as an array.
///
/// # Safety
/// Called by Postgres, as declared: (internal) by an aggregate.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_tally_counts(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition, a function of this file made the state.
    unsafe {
        let call = Call::new(fcinfo);
        let Some(state) = call.nullable(0) else { return call.null() };
        let counts = (*state.cast_mut_ptr::<Tally>()).counts();
        counts.into_datum().unwrap_or_else(|| call.null())
    }
}

/// # Safety
/// `fcinfo` is the pointer that Postgres called a function with.
unsafe fn aggregate_context(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::MemoryContext {
    let mut context = std::ptr::null_mut();
    // SAFETY: by this function's own condition. The function sets the context unless it returns 0.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &raw mut context) } == 0 {
        internal("a function of segments_tally was called outside of the aggregate").raise();
    }
    context
}

/// # Safety
/// The memory context exists.
unsafe fn make_state(context: pg_sys::MemoryContext, tally: Tally) -> Datum {
    Datum::from(PgMemoryContexts::For(context).leak_and_drop_on_delete(tally))
}

function_info!(pg_finfo_segments_tally_row);
function_info!(pg_finfo_segments_tally_combine);
function_info!(pg_finfo_segments_tally_serialize);
function_info!(pg_finfo_segments_tally_deserialize);
function_info!(pg_finfo_segments_tally_counts);
