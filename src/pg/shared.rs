//! Memory that all sessions share, where the library is preloaded.

use pgrx::lwlock::PgLwLock;
use pgrx::shmem::{PGRXSharedMemory, PgSharedMemoryInitialization};
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value that all processes of the server may read and write.
///
/// # Safety
/// It holds no pointers, and no other type has its name.
pub unsafe trait Shareable: Copy {
    /// The name of its memory and of the lock on it.
    const NAME: &'static CStr;
}

/// One value in shared memory, behind a lock.
pub struct Cell<T> {
    lock: PgLwLock<Value<T>>,
    /// Set in the postmaster, whose memory every session starts with
    is_shared: AtomicBool,
}

/// What a cell begins with.
#[derive(Clone, Copy)]
pub struct Value<T>(T);

impl<T> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Value(value)
    }
}

// SAFETY: by the trait's own condition.
unsafe impl<T: Shareable> PGRXSharedMemory for Value<T> {}

impl<T: Shareable> Cell<T> {
    /// A cell without memory: it gets that where the library is preloaded.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in statics")]
    pub const fn new() -> Self {
        // SAFETY: no other type has the name, and cells of the same type share the memory.
        Cell { lock: unsafe { PgLwLock::new(T::NAME) }, is_shared: AtomicBool::new(false) }
    }

    /// The value; `None` where the library is not preloaded.
    pub fn get(&self) -> Option<T> {
        self.is_shared.load(Ordering::Relaxed).then(|| self.lock.share().0)
    }

    /// Changes the value; does nothing where the library is not preloaded. `change` may not raise.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.is_shared.load(Ordering::Relaxed).then(|| change(&mut self.lock.exclusive().0))
    }
}

impl<T: Shareable> PgSharedMemoryInitialization for Cell<T> {
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
