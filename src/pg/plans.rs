//! Plans that Postgres keeps, and that depend on more than Postgres knows.
//!
//! A plan lists the relations that it depends on, and is made anew when one of them is invalidated. But it does not
//! depend on who is a member of which role, nor on the labels of enums, nor on the time. And Postgres lists a plan only
//! once it is made: what is invalidated while the plan is made does not reach it, unless locks prevent that.

use crate::pg::relcache;
use crate::pg::written::Substitute;
use pgrx::pg_sys::{self, NodeTag, Oid, SysCacheIdentifier};
use pgrx::{PgBox, PgList, pg_guard};
use std::cell::{Cell, RefCell};
use std::sync::OnceLock;

thread_local! {
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
    /// The relations that the plan depends on that is being made
    static DEPENDS: RefCell<Vec<Oid>> = const { RefCell::new(Vec::new()) };
    /// Whether one of them was invalidated since
    static IS_OUTDATED: Cell<bool> = const { Cell::new(false) };
    /// The hashes of the functions that stand for this transaction, if a plan depends on them
    static EXPIRES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    /// How many plans are being made, one inside of the other
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// The hook that another library had installed before.
static BEFORE: OnceLock<pg_sys::ExecutorStart_hook_type> = OnceLock::new();

/// Installs the hook that sees each plan before it is run.
pub fn install() {
    // SAFETY: Postgres expects hooks to be set when a library is loaded, which is when this runs.
    unsafe {
        let _ = BEFORE.set(pg_sys::ExecutorStart_hook);
        pg_sys::ExecutorStart_hook = Some(start);
    }
}

/// Says that the plan which is being made depends on what stands in the place of a call of a function, on the members of
/// roles and on the labels of enums. If any of it changes, the plan is made anew before it is next used.
pub fn depend(function: Oid, substitute: &Substitute) {
    listen();
    DEPENDS.with_borrow_mut(|depends| depends.extend_from_slice(&substitute.sources));
    if substitute.is_relative {
        // SAFETY: the look-up accepts any OID.
        expire(unsafe { pg_sys::get_func_support(function) });
    }
}

/// Adds to the relations and to the other things that Postgres makes a plan anew for what stands in the place of a call of
/// a function, and the function.
///
/// # Safety
/// The lists are those of a plan, in whose memory this allocates.
pub unsafe fn list(
    relations: &mut *mut pg_sys::List,
    others: &mut *mut pg_sys::List,
    function: Oid,
    substitute: &Substitute,
) {
    // SAFETY: by this function's own condition.
    unsafe {
        for source in &substitute.sources {
            *relations = pg_sys::list_append_unique_oid(*relations, *source);
        }
        // The support function stands for the transaction: what depends on it is planned anew in the next one.
        let transaction = substitute.is_relative.then(|| pg_sys::get_func_support(function));
        for function in [Some(function), transaction].into_iter().flatten() {
            let mut item = PgBox::<pg_sys::PlanInvalItem>::alloc_node(NodeTag::T_PlanInvalItem);
            item.cacheId = SysCacheIdentifier::PROCOID as i32;
            item.hashValue = hash_of(function);
            *others = pg_sys::lappend(*others, item.into_pg().cast());
        }
    }
}

/// Invalidates the plans that depend on a function when this transaction ends.
fn expire(function: Oid) {
    let hash = hash_of(function);
    EXPIRES.with_borrow_mut(|expires| {
        if !expires.contains(&hash) {
            expires.push(hash);
        }
    });
}

/// The hash by which Postgres tells of changes of a function.
pub fn hash_of(function: Oid) -> u32 {
    let none = pg_sys::Datum::from(0);
    // SAFETY: the cache has one key, which may be any OID.
    unsafe { pg_sys::GetSysCacheHashValue(SysCacheIdentifier::PROCOID as i32, function.into(), none, none, none) }
}

/// Runs `work`, which makes a plan, or is a part of that. Queries that are run meanwhile say nothing of that plan: those of
/// the extension itself, and those of functions that are folded to constants.
pub fn inside_planner<T>(work: impl FnOnce() -> T) -> T {
    let _inside = Inside::enter();
    work()
}

struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

fn listen() {
    if IS_LISTENING.replace(true) {
        return;
    }
    let none = pg_sys::Datum::from(0);
    // SAFETY: the callbacks are functions of this library, which is never unloaded.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(hear), none);
        pg_sys::RegisterXactCallback(Some(end), std::ptr::null_mut());
        let (roles, members) = (SysCacheIdentifier::AUTHOID, SysCacheIdentifier::AUTHMEMROLEMEM);
        for cache in [roles, members, SysCacheIdentifier::ENUMOID] {
            pg_sys::CacheRegisterSyscacheCallback(cache as i32, Some(hear_of_object), none);
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn hear(_argument: pg_sys::Datum, relation: Oid) {
    // The list is mutably borrowed only while it is changed.
    let concerns =
        |depends: &Vec<Oid>| !depends.is_empty() && (relation == pg_sys::InvalidOid || depends.contains(&relation));
    if DEPENDS.with(|depends| depends.try_borrow().is_ok_and(|depends| concerns(&depends))) {
        IS_OUTDATED.set(true);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn hear_of_object(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    IS_OUTDATED.set(true);
    // SAFETY: marks the plans that exist, as Postgres's own callbacks do.
    unsafe { pg_sys::ResetPlanCache() };
}

/// Called at each event of a transaction, most of which end it.
#[pg_guard]
unsafe extern "C-unwind" fn end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_PARALLEL_PRE_COMMIT, XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE};
    if [XACT_EVENT_PARALLEL_PRE_COMMIT, XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE].contains(&event) {
        return;
    }
    for hash in EXPIRES.take() {
        // SAFETY: Postgres does this when it hears of a change, also while a transaction ends. The callbacks only mark
        // what they keep.
        unsafe { pg_sys::CallSyscacheCallbacks(SysCacheIdentifier::PROCOID as i32, hash) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    // The plan has been made, and if it is kept, Postgres knows it by now.
    if IS_LISTENING.get() && INSIDE.get() == 0 {
        relcache::hear_of_changes();
        let depended = !DEPENDS.take().is_empty();
        if IS_OUTDATED.take() && depended {
            // SAFETY: marks the plans that exist. This one is run all the same, and is made anew for its next use.
            unsafe { pg_sys::ResetPlanCache() };
        }
    }
    // SAFETY: Postgres calls the hook in place of standard_ExecutorStart, which the previous hook calls. The guard turns
    // an error into a panic.
    unsafe {
        if IS_LISTENING.get() && !pg_sys::row_security {
            must_not_be_filtered((*query).plannedstmt);
        }
        match BEFORE.get() {
            Some(Some(before)) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query, flags)),
            _ => pg_sys::standard_ExecutorStart(query, flags),
        }
    }
}

/// Raises 42501 if policies of a table apply to a plan, as Postgres does while `row_security` is off. When that is
/// switched off, Postgres makes plans anew that had policies before the planner put a condition in the place of a call.
///
/// # Safety
/// The pointer is to a plan.
unsafe fn must_not_be_filtered(plan: *mut pg_sys::PlannedStmt) {
    // SAFETY: by this function's own condition. The check accepts any OIDs. Partitions that the planner has added have
    // no rights of their own to check, nor policies.
    unsafe {
        #[cfg(feature = "pg15")]
        let read = PgList::<pg_sys::RangeTblEntry>::from_pg((*plan).rtable);
        #[cfg(not(feature = "pg15"))]
        let read = PgList::<pg_sys::RTEPermissionInfo>::from_pg((*plan).permInfos);
        for read in read.iter_ptr().filter(|read| (**read).requiredPerms != 0 && (**read).relid != pg_sys::InvalidOid) {
            pg_sys::check_enable_rls((*read).relid, (*read).checkAsUser, false);
        }
    }
}
