//! Cancelling.

/// Honours a pending cancel or shutdown: raises, or returns at once.
pub fn check() {
    pgrx::check_for_interrupts!();
}
