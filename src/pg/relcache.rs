//! Relations: locking them with everything that inherits from them, their columns, and invalidation messages about
//! relations, types and schemas.

use pgrx::pg_guard;
use pgrx::pg_sys::{self, Oid};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

/// Locks a table and everything that inherits from it, partitions included, against writers until the transaction ends.
/// It waits for transactions that have written, but not for readers. Returns the tables, the given one first.
///
/// Raises 25006 in a read-only transaction. Otherwise the error on a standby would be about lock modes.
pub fn lock_against_writers(relation: Oid) -> Vec<Oid> {
    crate::pg::snapshot::must_be_writable("a function that writes", "");
    HELD_IN.set(crate::pg::snapshot::local_transaction());
    lock_tree(relation, pg_sys::ShareRowExclusiveLock)
}

/// Like [`lock_against_writers`], but waits for nobody who has written. Returns whether all of them are locked. The
/// caller has locked the tables as readers do.
pub fn try_lock_against_writers(relation: Oid) -> bool {
    HELD_IN.set(crate::pg::snapshot::local_transaction());
    let mode = pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: accepts any OID.
    let try_lock = |table: Oid| unsafe { pg_sys::ConditionalLockRelationOid(table, mode) };
    // Once the table is locked, nothing can begin to inherit from it.
    try_lock(relation) && tree(relation).into_iter().all(try_lock)
}

/// Whether this transaction has held writers.
pub fn has_held_writers() -> bool {
    HELD_IN.get() != 0 && HELD_IN.get() == crate::pg::snapshot::local_transaction()
}

thread_local! {
    /// The last transaction that has held writers
    static HELD_IN: Cell<u32> = const { Cell::new(0) };
}

/// Locks a table as readers do, until the transaction ends. Meanwhile nobody can rename the table or its columns.
pub fn lock_for_reading(relation: Oid) {
    // SAFETY: accepts any OID.
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE) }
}

/// A table and everything that inherits from it, the table first. Locks them as readers do.
pub fn tree(relation: Oid) -> Vec<Oid> {
    lock_tree(relation, pg_sys::AccessShareLock)
}

fn lock_tree(relation: Oid, mode: u32) -> Vec<Oid> {
    let mode = mode as pg_sys::LOCKMODE;
    // SAFETY: both accept any OID. The list holds OIDs and is freed with the current memory context.
    unsafe {
        pg_sys::LockRelationOid(relation, mode);
        oids(find_all_inheritors(relation, mode))
    }
}

/// A lock between transactions that insert rows into a table and transactions that have looked for such rows in vain.
#[derive(Clone, Copy)]
pub struct Presence(pub Oid);

impl Presence {
    /// Says that this transaction may have inserted rows, which others see once it commits. Waits for those that have missed
    /// a row, and not for others that insert.
    pub fn appear(self) {
        self.lock(pg_sys::RowExclusiveLock);
    }

    /// Says that this transaction has missed a row. Waits for every transaction that may have inserted rows, and makes
    /// others wait who want to insert, until this one ends. Those that have missed rows do not wait for each other.
    pub fn miss(self) {
        self.lock(pg_sys::ShareLock);
    }

    fn lock(self, mode: u32) {
        // SAFETY: accepts any numbers. Postgres locks relations with other tags, so this lock conflicts with itself
        // only.
        unsafe { pg_sys::LockDatabaseObject(pg_sys::RelationRelationId, self.0, 0, mode as pg_sys::LOCKMODE) };
    }
}

/// Tells every backend that the relation has changed: this one after the current command, the others once this
/// transaction commits. A backend hears of it before it next uses the relation.
pub fn invalidate(relation: Oid) {
    // SAFETY: raises if the relation does not exist.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}

/// Receives the messages about changes that other transactions have committed. Postgres does so whenever a transaction
/// locks a relation for the first time, but a transaction that has its locks already would not hear of anything else.
pub fn hear_of_changes() {
    // SAFETY: Postgres calls this whenever it locks a relation.
    unsafe { pg_sys::AcceptInvalidationMessages() }
}

/// The type of a column; 0 if the column does not exist.
pub fn column_type(relation: Oid, name: &str) -> Oid {
    let Ok(name) = CString::new(name) else { return Oid::INVALID };
    // SAFETY: catalog look-ups accept any OID and number. The name is NUL-terminated.
    unsafe { pg_sys::get_atttype(relation, pg_sys::get_attnum(relation, name.as_ptr())) }
}

/// The type that a domain is over; for any other type the type itself. Raises if it does not exist.
pub fn base_type(type_id: Oid) -> Oid {
    // SAFETY: a catalog look-up.
    unsafe { pg_sys::getBaseType(type_id) }
}

/// Whether values of a type are rows.
pub fn is_row_type(type_id: Oid) -> bool {
    // SAFETY: a catalog look-up, which accepts any OID.
    unsafe { pg_sys::type_is_rowtype(type_id) }
}

/// The name of a type with its schema, quoted for SQL. Raises if it does not exist.
pub fn type_name(type_id: Oid) -> String {
    // SAFETY: format_type_extended returns a palloc'ed C string, or raises.
    unsafe {
        let name = pg_sys::format_type_extended(type_id, -1, pg_sys::FORMAT_TYPE_FORCE_QUALIFY as _);
        std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// The number of a column; `None` if the column does not exist.
pub fn column_number(relation: Oid, name: &str) -> Option<i16> {
    let name = CString::new(name).ok()?;
    // SAFETY: as in `column_type`.
    let number = unsafe { pg_sys::get_attnum(relation, name.as_ptr()) };
    (number > 0).then_some(number)
}

/// The name of a column; `None` if the column does not exist.
pub fn column_name(relation: Oid, number: i16) -> Option<String> {
    // SAFETY: the look-up accepts any OID and number, and returns a palloc'ed C string or null. A column that was
    // dropped has no type.
    unsafe {
        if number <= 0 || pg_sys::get_atttype(relation, number) == Oid::INVALID {
            return None;
        }
        let name = pg_sys::get_attname(relation, number, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// A change that an invalidation message tells of.
#[derive(Clone, Copy)]
pub enum Changed {
    Relation(Oid),
    /// A type, or its name
    Type(TypeHash),
    /// Some schema, or its name
    Schema,
    /// Any object may have changed
    Anything,
}

/// The hash of a type, by which Postgres names it in invalidation messages. Several types may share one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeHash(u32);

impl TypeHash {
    pub fn of(oid: Oid) -> Self {
        let none = pg_sys::Datum::from(0);
        // SAFETY: the cache has one key, which may be any OID.
        TypeHash(unsafe { pg_sys::GetSysCacheHashValue(TYPES, oid.into(), none, none, none) })
    }
}

/// Calls `heard` with every change from now on. `heard` must not raise or read catalogs, because Postgres may be in the
/// middle of a commit.
pub fn on_invalidation(heard: Listener) {
    let is_first = HEARD.with_borrow_mut(|known| {
        let is_new = !known.iter().any(|known| std::ptr::fn_addr_eq(*known, heard));
        known.extend(is_new.then_some(heard));
        is_new && known.len() == 1
    });
    if is_first {
        // SAFETY: the callbacks are functions of this library, which is never unloaded.
        unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(hear), pg_sys::Datum::from(0));
            // The SQL of a condition also depends on the labels of enums and on the names of types and schemas.
            for cache in [ENUMS, TYPES, SCHEMAS] {
                pg_sys::CacheRegisterSyscacheCallback(cache, Some(hear_of_object), pg_sys::Datum::from(0));
            }
        }
    }
}

/// A function that is called with each change.
pub type Listener = fn(Changed);

const ENUMS: i32 = pg_sys::SysCacheIdentifier::ENUMOID as i32;
const TYPES: i32 = pg_sys::SysCacheIdentifier::TYPEOID as i32;
const SCHEMAS: i32 = pg_sys::SysCacheIdentifier::NAMESPACEOID as i32;

thread_local! {
    static HEARD: RefCell<Vec<Listener>> = const { RefCell::new(Vec::new()) };
}

#[pg_guard]
unsafe extern "C-unwind" fn hear(_argument: pg_sys::Datum, relation: Oid) {
    tell(if relation == pg_sys::InvalidOid { Changed::Anything } else { Changed::Relation(relation) });
}

/// `hash` is 0 if any object of the cache may have changed.
#[pg_guard]
unsafe extern "C-unwind" fn hear_of_object(_argument: pg_sys::Datum, cache: i32, hash: u32) {
    tell(match cache {
        SCHEMAS => Changed::Schema,
        TYPES if hash != 0 => Changed::Type(TypeHash(hash)),
        _ => Changed::Anything,
    });
}

fn tell(changed: Changed) {
    // The list is mutably borrowed only while a listener is added.
    HEARD.with(|heard| heard.try_borrow().into_iter().for_each(|heard| heard.iter().for_each(|heard| heard(changed))));
}

/// # Safety
/// The list is null or one of OIDs.
unsafe fn oids(list: *mut pg_sys::List) -> Vec<Oid> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: by this function's own condition.
    unsafe {
        let cells = std::slice::from_raw_parts((*list).elements, (*list).length as usize);
        cells.iter().map(|cell| cell.oid_value).collect()
    }
}

/// # Safety
/// The caller is in a transaction.
unsafe fn find_all_inheritors(parent: Oid, mode: pg_sys::LOCKMODE) -> *mut pg_sys::List {
    // catalog/pg_inherits.h, which pgrx's bindings leave out.
    unsafe extern "C-unwind" {
        fn find_all_inheritors(
            parent: Oid,
            mode: pg_sys::LOCKMODE,
            parents: *mut *mut pg_sys::List,
        ) -> *mut pg_sys::List;
    }
    // SAFETY: this is its declaration. The guard turns an error of Postgres into a panic. A null pointer says that the
    // numbers of parents are not needed.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| find_all_inheritors(parent, mode, std::ptr::null_mut())) }
}
