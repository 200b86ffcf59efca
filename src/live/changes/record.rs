//! Recording entries and exits, so that of one contact and segment the last one says whether it is a member.
//!
//! A statement's trigger fires when the statement is done, and so are those inside it, which triggers of the table's
//! owner run: these have recorded their entries and exits by then. Most of them followed what the outer statement did;
//! those of a BEFORE trigger may have preceded it, and of the events of one MERGE none is known to be the first. So the
//! record of an outer statement comes last, or before what was recorded while it ran: whichever ends with what the
//! contact is now.

use crate::catalog::segment::datum;
use crate::live::changes::current;
use crate::live::deltas::Change;
use crate::pg::snapshot::{self, Command};
use crate::pg::{query, security};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use std::cell::Cell;

thread_local! {
    /// The transaction that recorded changes last, and the command after that.
    static LAST: Cell<(u32, Command)> = const { Cell::new((0, 0)) };
}

/// Records changes that follow all that this transaction has recorded; with the rights of the extension's owner.
pub fn append(changes: &[Change]) {
    if !changes.is_empty() {
        let [segments, contacts, entered] = arguments(changes);
        // Not the transaction's own number: of two that change one contact, the one that began first may end last.
        let horizon = snapshot::next_transaction().to_string();
        query::write(APPEND, &[segments, contacts, entered, horizon.into()]);
        LAST.set((snapshot::transaction(), snapshot::next_command()));
    }
}

/// A statement that changed contacts of an audience, or their subscriptions.
pub struct Changing<'a> {
    pub audience: &'a str,
    pub command: Command,
    /// Whether no two contacts can have the same id
    pub has_unique_ids: bool,
}

impl Changing<'_> {
    /// Records whom it let in and put out.
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

    /// Whether changes have been recorded since it began.
    fn is_outer(&self) -> bool {
        let (transaction, next) = LAST.get();
        transaction == snapshot::transaction() && self.command < next
    }

    /// Puts those changes that were made before what has been recorded since where they belong. The numbers there are
    /// taken: each record gets what the one before it said, and what the last one said is left to be appended.
    fn put_in_order(&self, changes: &mut [Change]) {
        let since = i64::from(self.command);
        let numbers = |row: &query::Row<'_>| (row.get::<i64>(1) as usize - 1, row.get::<bool>(2));
        let [segments, contacts, entered] = arguments(&*changes);
        let later = query::write_rows(LATER, &[segments, contacts, entered, since.into()], numbers);
        let doubtful = later.iter().filter(|(number, entered)| *entered != changes[*number].entered());
        let rows = current::rows_now(self.audience, doubtful.map(|(number, _)| &changes[*number]));
        // Nobody enters twice in a row.
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

    /// Whether the first contact of its id came, or the last one went, where so many are members now.
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

/// Of which changes there are such records, and whether the last of them is an entry.
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
