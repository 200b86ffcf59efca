//! DDL commands that the extension itself runs, which its event triggers must ignore.

use std::cell::Cell;

thread_local! {
    /// Whether the extension is running a command of its own.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, whose commands the event triggers ignore.
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

/// Whether [`unfollowed`] is running.
pub fn is_running() -> bool {
    OWN.get()
}
