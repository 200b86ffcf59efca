//! The two ways to say a condition that reads rows of relations, for the queries that users write.
//!
//! What rows do together, such as `count(*) >= 3`, is asked of all contacts by a sub-query that groups the whole relation.
//! That is the faster way for many contacts. For few, whom the rest of a query finds, their rows are looked up by index.
//! Postgres turns neither into the other. So a query with such a condition is planned in both ways, and the cheaper plan is
//! kept.

use crate::pg::written::Substitute;
use std::cell::Cell;

/// How conditions on rows are said in the plan that is being made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By sub-queries that are joined with contacts
    Joined,
    /// By look-ups of the rows of the contact at hand
    LookedUp,
}

#[derive(Clone, Copy)]
struct Planning {
    way: Way,
    /// Whether a condition in the plan would be another one in the other way
    has_other: bool,
}

thread_local! {
    static PLANNING: Cell<Planning> = const { Cell::new(Planning { way: Way::Joined, has_other: false }) };
}

/// Restores what was before. Queries that functions run while a plan is made are planned inside of it.
struct Restore(Planning);

impl Drop for Restore {
    fn drop(&mut self) {
        PLANNING.set(self.0);
    }
}

impl Way {
    /// Runs `work`, which makes a plan in this way. Returns also whether the plan would be another one in the other way.
    pub fn plan<T>(self, work: impl FnOnce() -> T) -> (T, bool) {
        let _restore = Restore(PLANNING.replace(Planning { way: self, has_other: false }));
        let planned = work();
        (planned, PLANNING.get().has_other)
    }

    /// The way of the plan that is being made.
    pub fn current() -> Self {
        PLANNING.get().way
    }
}

/// Whether a plan that reads all rows costs so much that another one may be worth the time that it takes to make.
pub fn is_dear(joined: f64) -> bool {
    joined > 1000.0
}

/// Whether look-ups are used, by the costs of both plans. They have to be much cheaper: where many more contacts are found than
/// the planner estimates, they are by far the worse mistake.
pub fn prefers_look_ups(joined: f64, looked_up: f64) -> bool {
    is_dear(joined) && looked_up * 4.0 < joined
}

/// The condition that is put in the place of a call in the plan that is being made.
pub(super) fn condition(substitute: &Substitute) -> &str {
    let planning = PLANNING.get();
    let Some(looked_up) = substitute.of_rows.as_ref().and_then(|of_rows| of_rows.looked_up.as_ref()) else {
        return &substitute.sql;
    };
    PLANNING.set(Planning { has_other: true, ..planning });
    if planning.way == Way::LookedUp { looked_up } else { &substitute.sql }
}
