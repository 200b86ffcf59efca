//! Time zones as a server has them.

use segments_core::date::{Instant, Local, Zone};
use std::rc::Rc;

/// A zone as the list of the offsets that it has had: each with the first microsecond that it holds for.
#[derive(Clone)]
pub struct Changes(Rc<[(i64, i64)]>);

impl Changes {
    /// A zone with these offsets, in order.
    pub fn new(offsets: Vec<(i64, i64)>) -> Self {
        Changes(offsets.into())
    }

    /// The microseconds at which the offset changes.
    pub fn times(&self) -> impl ExactSizeIterator<Item = i64> + '_ {
        self.0.iter().skip(1).map(|(from, _)| *from)
    }

    /// The offset at that microsecond.
    fn offset(&self, at: i64) -> i64 {
        self.0[self.0.partition_point(|(from, _)| *from <= at).saturating_sub(1)].1
    }
}

impl Zone for Changes {
    fn instant_of(&self, local: Local) -> Instant {
        let wall = local.wall_micros();
        let place = self.0.partition_point(|(from, _)| *from <= wall);
        let near = place.saturating_sub(3)..(place + 3).min(self.0.len());
        let shown = near.clone().map(|place| wall - self.0[place].1).filter(|at| self.offset(*at) == wall - at);
        let skipped = || {
            let mut changes = near.clone().filter(|place| *place > 0).map(|place| (self.0[place - 1].1, self.0[place]));
            changes
                .find(|(before, (from, after))| (from + before..from + after).contains(&wall))
                .map(|(before, _)| wall - before)
        };
        let at = shown.max().or_else(skipped).unwrap_or_else(|| panic!("no clock shows {wall}, and none skips it"));
        Instant::from_micros_saturating(at)
    }

    fn local_of(&self, instant: Instant) -> Local {
        Local::from_wall_micros_saturating(instant.micros() + self.offset(instant.micros()))
    }
}
