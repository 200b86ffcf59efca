//! Recording entries and exits. The last change of a contact and a segment always says whether the contact is a member.
//!
//! A statement's trigger fires when the statement and the statements inside it are done, and these have recorded their
//! changes by then. Most of them happened after the outer statement's change. Those of a BEFORE trigger may have
//! happened before it, and the order of the events of one MERGE is not known. So the change of an outer statement is
//! put last, or before the changes that were recorded while it ran, whichever order ends with what the contact is now.

use crate::catalog::segment::datum;
use crate::live::changes::current;
use crate::live::deltas::Change;
use crate::pg::snapshot::{self, Command};
use crate::pg::{query, security};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use std::cell::Cell;

thread_local! {
    /// The transaction that last recorded changes, and the command after that.
    static LAST: Cell<(u32, Command)> = const { Cell::new((0, 0)) };
}

/// Appends changes after all others of this transaction. The caller has the rights of the extension's owner.
pub fn append(changes: &[Change]) {
    if !changes.is_empty() {
        let [segments, contacts, entered] = arguments(changes);
        // The horizon is not the transaction's own id, because the older of two transactions that change a contact may
        // commit last. But it is beyond that, so the id is assigned first: until the transaction is over, no position is
        // handed out that could be behind this change.
        snapshot::will_write();
        let horizon = snapshot::next_transaction().to_string();
        query::write(APPEND, &[segments, contacts, entered, horizon.into()]);
        LAST.set((snapshot::transaction(), snapshot::next_command()));
    }
}

/// A statement that has changed contacts of an audience, or their subscriptions.
pub struct Changing<'a> {
    pub audience: &'a str,
    pub command: Command,
    /// Whether ids of contacts are unique
    pub has_unique_ids: bool,
}

impl Changing<'_> {
    /// Records the entries and exits that the statement has caused.
    pub fn record(&self, mut changes: Vec<Change>, extension_owner: Oid) {
        if changes.is_empty() {
            return;
        }
        security::as_role(extension_owner, || {
            if !self.has_unique_ids {
                let rows = current::rows_now(self.audience, changes.iter());
                changes.retain(|change| change.is_of_first_or_last(rows.get(&change.key()).copied().unwrap_or(0)));
            }
            if self.is_outer() {
                self.put_in_order(&mut changes);
            }
            append(&changes);
        });
    }

    /// Whether changes have been recorded since the statement began.
    fn is_outer(&self) -> bool {
        let (transaction, next) = LAST.get();
        transaction == snapshot::transaction() && self.command < next
    }

    /// Puts those changes that precede recorded ones before these. The numbers of the records stay: each record gets
    /// the contents of the one before it, and the contents of the last one are left to be appended.
    fn put_in_order(&self, changes: &mut [Change]) {
        let since = i64::from(self.command);
        let numbers = |row: &query::Row<'_>| (row.get::<i64>(1) as usize - 1, row.get::<bool>(2));
        let [segments, contacts, entered] = arguments(&*changes);
        let later = query::write_rows(LATER, &[segments, contacts, entered, since.into()], numbers);
        let doubtful = later.iter().filter(|(number, entered)| *entered != changes[*number].entered());
        let rows = current::rows_now(self.audience, doubtful.map(|(number, _)| &changes[*number]));
        // A contact cannot enter twice without leaving in between.
        let precedes = |(number, last_entered): &(usize, bool)| {
            let change = &changes[*number];
            let is_member = rows.get(&change.key()).is_some_and(|rows| *rows > 0);
            *last_entered == change.entered() || is_member != change.entered()
        };
        let earlier: Vec<(usize, bool)> = later.iter().copied().filter(precedes).collect();
        let preceding: Vec<&Change> = earlier.iter().map(|(number, _)| &changes[*number]).collect();
        let [segments, contacts, entered] = arguments(preceding);
        query::write(PRECEDE, &[segments, contacts, entered, since.into()]);
        for (number, last_entered) in earlier {
            changes[number].net = if last_entered { 1 } else { -1 };
        }
    }
}

impl Change {
    fn key(&self) -> current::Member {
        (self.segment, self.contact.clone())
    }

    /// Whether the first contact with this id came, or the last one went. `now` is how many are members now.
    fn is_of_first_or_last(&self, now: i64) -> bool {
        (now > 0) != (now - self.net > 0)
    }
}

fn arguments<'c>(changes: impl IntoIterator<Item = &'c Change>) -> [DatumWithOid<'static>; 3] {
    let (mut segments, mut contacts, mut entered) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        segments.push(datum(change.segment));
        contacts.push(change.contact.clone());
        entered.push(change.entered());
    }
    [segments.into(), contacts.into(), entered.into()]
}

const APPEND: &str = "
INSERT INTO segments.change_record (transaction, horizon, segment, contact_id, change, changed_at)
SELECT pg_current_xact_id(), $4::xid8, c.segment, c.contact,
       CASE WHEN c.entered THEN 'entered' ELSE 'exited' END, clock_timestamp()
  FROM ROWS FROM (unnest($1), unnest($2), unnest($3)) c(segment, contact, entered)";

/// The changes `$1`, `$2`, `$3`, numbered, and what commands from `$4` on have recorded of the same contacts and
/// segments. Of this transaction's records, which may be many, only those are read: what was recorded later has a higher
/// number.
macro_rules! with_later {
    ($rest:literal) => {
        concat!(
            "WITH RECURSIVE record AS (
                (SELECT r.sequence, r.segment, r.contact_id, r.change, r.cmin::text::int8 AS command
                   FROM segments.change_record r
                  WHERE r.transaction = pg_current_xact_id()
                  ORDER BY r.sequence DESC LIMIT 1)
                UNION ALL
                SELECT b.* FROM record CROSS JOIN LATERAL (
                    SELECT r.sequence, r.segment, r.contact_id, r.change, r.cmin::text::int8
                      FROM segments.change_record r
                     WHERE r.transaction = pg_current_xact_id()
                       AND r.sequence < record.sequence
                     ORDER BY r.sequence DESC LIMIT 1) b
                 WHERE record.command >= $4),
             later AS (
                SELECT c.number, c.entered, r.sequence, r.change
                  FROM ROWS FROM (unnest($1), unnest($2), unnest($3))
                       WITH ORDINALITY c(segment, contact, entered, number)
                  JOIN record r ON r.command >= $4
                   AND r.segment = c.segment AND r.contact_id = c.contact) ",
            $rest
        )
    };
}

/// The changes that have later records, and whether the last of these is an entry.
const LATER: &str = with_later!(
    "SELECT DISTINCT ON (later.number) later.number, later.change = 'entered'
       FROM later ORDER BY later.number, later.sequence DESC"
);

const PRECEDE: &str = with_later!(
    "UPDATE segments.change_record r SET change = m.change
       FROM (SELECT later.sequence,
                    COALESCE(lag(later.change) OVER (PARTITION BY later.number ORDER BY later.sequence),
                             CASE WHEN later.entered THEN 'entered' ELSE 'exited' END) AS change
               FROM later) m
      WHERE r.transaction = pg_current_xact_id()
        AND r.sequence = m.sequence"
);
