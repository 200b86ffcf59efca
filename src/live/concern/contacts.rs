//! Whom statements on the contacts' table concern.

use super::Found;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::live::touched::Touched;
use crate::pg::text::Text;
use crate::pg::transition::{ChangedRow, TableProgram};
use crate::pg::trigger::Statement;
use crate::pg::{interrupt, row};
use pgrx::pg_sys::Oid;
use segments_core::expr::{Checked, own_tests};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::{Columns, on_row};
use segments_core::sql as core_sql;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whom statements on the contacts' table concern.
pub struct ContactsConcern {
    program: TableProgram,
    /// The column that identifies contacts
    id: (usize, Text),
    asks_bucket: bool,
    /// By the numbers of conditions. A contact of whom the condition does not hold is no member, whatever other tables say
    segments: Vec<Uuid>,
    /// Whether as many conditions follow, for contacts without an id. They have nothing in other tables
    has_strangers: bool,
    /// The number of the first of those conditions that are one test of the contact's row each. While all tests of a segment
    /// are what they were, so is the membership
    tests: usize,
    /// By test, the numbers of the segments that have it
    tested_by: Vec<Vec<usize>>,
}

impl ContactsConcern {
    /// `table` is the audience's table or a part of it. `None` if it lacks a column.
    pub fn new(table: Oid, audience: &Audience, segments: &[LiveSegment]) -> Option<Self> {
        let whole: Vec<Checked> =
            segments.iter().map(|segment| contact_sql::restricted(audience, &segment.checked)).collect();
        let adapted = |condition: Checked| on_row(&condition, &audience.table, row::fold);
        let has_strangers = !audience.id.not_null;
        let mut conditions: Vec<Checked> = whole.iter().map(|checked| adapted(checked.own_part())).collect();
        if has_strangers {
            conditions.extend(whole.iter().map(|checked| adapted(checked.without_others())));
        }
        let tests = conditions.len();
        let whole_adapted: Vec<Checked> = whole.iter().map(|checked| adapted(checked.clone())).collect();
        let (own_tests, tested_by): (Vec<Checked>, Vec<Vec<usize>>) = own_tests(&whole_adapted).into_iter().unzip();
        conditions.extend(own_tests);
        let mut columns = Columns::of(&conditions, &audience.table);
        for checked in &whole {
            let used = core_sql::used(checked, &audience.table);
            used.columns.iter().for_each(|column| _ = columns.position(&column.name));
            used.properties.iter().for_each(|column| _ = columns.position(&column.name));
        }
        let id = columns.position(&audience.id.name);
        let program = TableProgram::new(table, &columns, ProgramSet::compile(&conditions))?;
        Some(ContactsConcern {
            id: (id, program.text_of(id)),
            program,
            asks_bucket: conditions.iter().any(Checked::asks_bucket),
            segments: segments.iter().map(|segment| segment.id).collect(),
            has_strangers,
            tests,
            tested_by,
        })
    }

    /// Adds whom a statement concerns to `touched`, and to `effect` what it does to contacts without an id. Returns whether
    /// there may be an id that was not there before, whomever it concerns now.
    pub fn find(&self, statement: Statement, touched: &mut Touched, effect: &mut Effect) -> bool {
        let (position, text) = &self.id;
        let [mut before, mut after] = [Matches::new(), Matches::new()];
        let mut found = Found::new(self.segments.len());
        let mut has_new = false;
        let put = |row: &ChangedRow<'_>, matches: &mut Matches| {
            let id = row.text(*position, text);
            let bucket_id = id.as_deref().filter(|_| self.asks_bucket);
            row.matching(Surroundings { interrupt: interrupt::check, id: bucket_id, ..Surroundings::NONE }, matches);
            id
        };
        let mut of_row = |id: Option<String>, matches: &Matches, sign: i64, found: &mut Found| match id {
            Some(id) => found.add(id, matches.iter().filter(|number| *number < self.segments.len())),
            None if self.has_strangers => {
                let strangers = matches.iter().filter_map(|number| number.checked_sub(self.segments.len()));
                let strangers = strangers.filter(|number| *number < self.segments.len());
                strangers.for_each(|number| effect.grew(self.segments[number], sign));
            }
            None => {}
        };
        self.program.each(statement, |old, new| match (&old, &new) {
            (Some(old), Some(new)) if old.has_same(*position, new) => {
                if old.is_like(new) {
                    return;
                }
                put(old, &mut before);
                match put(new, &mut after) {
                    Some(id) => found.add(id, self.retested(&before, &after).into_iter()),
                    None => {
                        of_row(None, &before, -1, &mut found);
                        of_row(None, &after, 1, &mut found);
                    }
                }
            }
            _ => {
                has_new |= new.is_some();
                for (row, sign) in [(old, -1), (new, 1)] {
                    row.iter().for_each(|row| of_row(put(row, &mut before), &before, sign, &mut found));
                }
            }
        });
        found.into_touched(&self.segments, touched);
        has_new
    }

    /// The numbers of the segments that an update of one row concerns: those with a test that another row satisfies now, if
    /// the row before or the row after it can be a member.
    fn retested(&self, before: &Matches, after: &Matches) -> BTreeSet<usize> {
        let tests = after.differing(before).filter_map(|number| number.checked_sub(self.tests));
        let segments = tests.flat_map(|test| self.tested_by[test].iter().copied());
        segments.filter(|segment| before.contains(*segment) || after.contains(*segment)).collect()
    }
}
