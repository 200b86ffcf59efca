//! Cancelling a query.

/// Raises if a cancel or a shutdown is pending; otherwise returns at once.
pub fn check() {
    pgrx::check_for_interrupts!();
}
