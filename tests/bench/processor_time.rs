//! How long this thread has had a processor: other programs do not count.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time since some moment; where the system does not tell, that of the clock.
pub fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    of_linux().unwrap_or_else(|| START.elapsed())
}

fn of_linux() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(stat.split(' ').next()?.parse().ok()?))
}
