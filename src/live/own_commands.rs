//! Commands of the extension's own, which event triggers are not to follow.

use std::cell::Cell;

thread_local! {
    /// Whether a command of the extension's own is being run.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs commands of the extension's own that are not to be followed.
pub fn unfollowed<T>(work: impl FnOnce() -> T) -> T {
    struct Own(bool);
    impl Drop for Own {
        fn drop(&mut self) {
            OWN.set(self.0);
        }
    }
    let _own = Own(OWN.replace(true));
    work()
}

/// Whether such a command is being run.
pub fn is_running() -> bool {
    OWN.get()
}
