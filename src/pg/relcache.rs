//! Relations: locking them with all that inherit from them, and word that their definition, or that of a type, has
//! changed.

use pgrx::pg_guard;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::ffi::CString;

/// Locks a table and everything that inherits from it, partitions included, against writers until the transaction ends,
/// and waits for those that have written. The table itself comes first. Readers are not in the way.
///
/// Raises 25006 in a read-only transaction: on a standby, Postgres would only speak of locks.
pub fn lock_against_writers(relation: Oid) -> Vec<Oid> {
    crate::pg::snapshot::must_be_writable();
    lock_tree(relation, pg_sys::ShareRowExclusiveLock)
}

/// Locks a table as readers do, until the transaction ends: nobody calls it or its columns otherwise meanwhile.
pub fn lock_for_reading(relation: Oid) {
    // SAFETY: takes any OID.
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE) }
}

/// A table and everything that inherits from it, itself first, locked as readers do.
pub fn tree(relation: Oid) -> Vec<Oid> {
    lock_tree(relation, pg_sys::AccessShareLock)
}

fn lock_tree(relation: Oid, mode: u32) -> Vec<Oid> {
    let mode = mode as pg_sys::LOCKMODE;
    // SAFETY: both take any OID; the list is one of OIDs, freed with the current memory context.
    unsafe {
        pg_sys::LockRelationOid(relation, mode);
        oids(find_all_inheritors(relation, mode))
    }
}

/// A lock that makes it known that rows of a table appear, to those who have looked for them in vain.
#[derive(Clone, Copy)]
pub struct Presence(pub Oid);

impl Presence {
    /// Rows may have appeared, which others see when this transaction commits.
    pub fn appear(self) {
        self.lock(pg_sys::ShareLock);
    }

    /// A row is missing: waits for everybody in whose transaction rows may have appeared, and keeps others from saying
    /// so until this one ends.
    pub fn miss(self) {
        self.lock(pg_sys::ExclusiveLock);
    }

    fn lock(self, mode: u32) {
        // SAFETY: takes any numbers. Postgres itself locks relations by other tags, so this gets in nobody's way.
        unsafe { pg_sys::LockDatabaseObject(pg_sys::RelationRelationId, self.0, 0, mode as pg_sys::LOCKMODE) };
    }
}

/// Has every backend that uses the relation hear, before its next use of it, that it has changed: once this
/// transaction commits, and this backend after this command.
pub fn invalidate(relation: Oid) {
    // SAFETY: it raises where there is no such relation.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}

/// The type of a column; 0 where there is no such column.
pub fn column_type(relation: Oid, name: &str) -> Oid {
    let Ok(name) = CString::new(name) else { return Oid::INVALID };
    // SAFETY: catalog look-ups, which take any OIDs and numbers; the name is NUL-terminated.
    unsafe { pg_sys::get_atttype(relation, pg_sys::get_attnum(relation, name.as_ptr())) }
}

/// The number of a column; `None` where there is no such column.
pub fn column_number(relation: Oid, name: &str) -> Option<i16> {
    let name = CString::new(name).ok()?;
    // SAFETY: as in `column_type`.
    let number = unsafe { pg_sys::get_attnum(relation, name.as_ptr()) };
    (number > 0).then_some(number)
}

/// Something that has changed.
#[derive(Clone, Copy)]
pub enum Changed {
    Relation(Oid),
    /// A type, its name included
    Type(TypeHash),
    /// Any schema, its name included
    Schema,
    /// It may be anything
    Anything,
}

/// What is told of a type; others may have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeHash(u32);

impl TypeHash {
    pub fn of(oid: Oid) -> Self {
        let none = pg_sys::Datum::from(0);
        // SAFETY: the cache has one key, an OID, which may be any.
        TypeHash(unsafe { pg_sys::GetSysCacheHashValue(TYPES, oid.into(), none, none, none) })
    }
}

/// From now on calls `heard` with all that has changed. It may not raise, allocate much or look anything up.
pub fn on_invalidation(heard: Listener) {
    let is_first = HEARD.with_borrow_mut(|known| {
        let is_new = !known.iter().any(|known| std::ptr::fn_addr_eq(*known, heard));
        known.extend(is_new.then_some(heard));
        is_new && known.len() == 1
    });
    if is_first {
        // SAFETY: the callback is a function of this library, which is never unloaded.
        unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(hear), pg_sys::Datum::from(0));
            // What a condition becomes depends on the labels of an enum, too, and on the names of types.
            for cache in [ENUMS, TYPES, SCHEMAS] {
                pg_sys::CacheRegisterSyscacheCallback(cache, Some(hear_of_object), pg_sys::Datum::from(0));
            }
        }
    }
}

/// Who wants to hear, and of what.
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

/// `hash` is 0 where it may be any object.
#[pg_guard]
unsafe extern "C-unwind" fn hear_of_object(_argument: pg_sys::Datum, cache: i32, hash: u32) {
    tell(match cache {
        SCHEMAS => Changed::Schema,
        TYPES if hash != 0 => Changed::Type(TypeHash(hash)),
        _ => Changed::Anything,
    });
}

fn tell(changed: Changed) {
    // It is borrowed only to be added to.
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
/// To be called in a transaction.
unsafe fn find_all_inheritors(parent: Oid, mode: pg_sys::LOCKMODE) -> *mut pg_sys::List {
    // catalog/pg_inherits.h, which pgrx's bindings leave out.
    unsafe extern "C-unwind" {
        fn find_all_inheritors(
            parent: Oid,
            mode: pg_sys::LOCKMODE,
            parents: *mut *mut pg_sys::List,
        ) -> *mut pg_sys::List;
    }
    // SAFETY: as declared there; where it raises, the guard makes it a panic. Nobody wants the numbers of parents.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| find_all_inheritors(parent, mode, std::ptr::null_mut())) }
}
