//! Shared memory, which exists only where the library is preloaded.

use pgrx::lwlock::PgLwLock;
use pgrx::shmem::{PGRXSharedMemory, PgSharedMemoryInitialization};
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

/// A type whose value all processes of the server can read and write.
///
/// # Safety
/// It contains no pointers, and no other type has the same name.
pub unsafe trait Shareable: Copy {
    /// The name of the memory and of its lock.
    const NAME: &'static CStr;
}

/// A value in shared memory with a lock.
pub struct SharedCell<T> {
    lock: PgLwLock<Value<T>>,
    /// Set in the postmaster, from which every session inherits it
    is_shared: AtomicBool,
}

/// The initial value of a cell.
#[derive(Clone, Copy)]
pub struct Value<T>(T);

impl<T> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Value(value)
    }
}

// SAFETY: by the trait's own condition.
unsafe impl<T: Shareable> PGRXSharedMemory for Value<T> {}

impl<T: Shareable> SharedCell<T> {
    /// A cell that gets its memory when the library is preloaded.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in statics")]
    pub const fn new() -> Self {
        // SAFETY: by the trait's own condition, no other type has the name.
        SharedCell { lock: unsafe { PgLwLock::new(T::NAME) }, is_shared: AtomicBool::new(false) }
    }

    /// A copy of the value; `None` if the library is not preloaded.
    pub fn get(&self) -> Option<T> {
        self.is_shared.load(Ordering::Relaxed).then(|| self.lock.share().0)
    }

    /// Changes the value under the lock and returns what `change` returns; `None` if the library is not preloaded.
    /// `change` must not raise.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.is_shared.load(Ordering::Relaxed).then(|| change(&mut self.lock.exclusive().0))
    }
}

impl<T: Shareable> PgSharedMemoryInitialization for SharedCell<T> {
    type Value = Value<T>;

    unsafe fn on_shmem_request(&'static self) {
        // SAFETY: by this function's own condition.
        unsafe { self.lock.on_shmem_request() }
    }

    unsafe fn on_shmem_startup(&'static self, value: Value<T>) {
        // SAFETY: by this function's own condition.
        unsafe { self.lock.on_shmem_startup(value) }
        self.is_shared.store(true, Ordering::Relaxed);
    }
}
