//! Segments that a row alone decides. One pass over the transition tables of a statement finds how it changes the
//! counts of all of them.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::pg::text::Text;
use crate::pg::transition::{ChangedRow, TableProgram};
use crate::pg::trigger::Statement;
use crate::pg::{interrupt, row};
use pgrx::pg_sys::Oid;
use segments_core::expr::Checked;
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::{Columns, on_row};
use segments_core::sql::ContactTable;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Compiled segments of live audiences over one table that have the same id column and properties.
pub struct RowSegments {
    program: TableProgram,
    segments: Vec<RowSegment>,
    /// The column that identifies contacts; `None` if no segment is watched and no condition asks for buckets
    id: Option<(usize, Text)>,
    asks_bucket: bool,
}

struct RowSegment {
    /// The position of the audience among those of the table
    audience: usize,
    id: Uuid,
    is_watched: bool,
}

/// Segments of the same kind that are not compiled yet.
pub struct UncompiledSegments {
    table: ContactTable,
    id: String,
    segments: Vec<RowSegment>,
    conditions: Vec<Checked>,
}

/// Adds the segments of an audience that a row alone decides to the uncompiled segments of its table.
pub fn add(uncompiled: &mut Vec<UncompiledSegments>, position: usize, audience: &Audience, segments: &[LiveSegment]) {
    let table = &audience.table;
    let is_alike = |known: &UncompiledSegments| {
        let properties = known.table.properties.iter().map(|column| &column.name);
        let names = known.table.columns.iter().map(|column| &column.name);
        known.id == audience.id.name
            && properties.eq(table.properties.iter().map(|column| &column.name))
            && names.eq(table.columns.iter().map(|column| &column.name))
    };
    let index = uncompiled.iter().position(is_alike).unwrap_or_else(|| {
        let (table, id) = (table.clone(), audience.id.name.clone());
        uncompiled.push(UncompiledSegments { table, id, segments: Vec::new(), conditions: Vec::new() });
        uncompiled.len() - 1
    });
    for segment in segments.iter().filter(|segment| segment.asks_for.is_empty()) {
        let condition = contact_sql::restricted(audience, &segment.checked);
        uncompiled[index].conditions.push(on_row(&condition, table, row::fold));
        let segment = RowSegment { audience: position, id: segment.id, is_watched: segment.is_watched };
        uncompiled[index].segments.push(segment);
    }
}

impl UncompiledSegments {
    /// Compiles the segments for the rows of a table: the audience's table, or a part of it, whose columns may have
    /// another order. `None` if there are no segments.
    pub fn compile(self, relation: Oid) -> Option<RowSegments> {
        if self.segments.is_empty() {
            return None;
        }
        let mut columns = Columns::of(&self.conditions, &self.table);
        let is_watched = self.segments.iter().any(|segment| segment.is_watched);
        let asks_bucket = self.conditions.iter().any(Checked::asks_bucket);
        let id = (is_watched || asks_bucket).then(|| columns.position(&self.id));
        let program = TableProgram::new(relation, &columns, ProgramSet::compile(&self.conditions))?;
        let id = id.map(|position| (position, program.text_of(position)));
        Some(RowSegments { program, segments: self.segments, id, asks_bucket })
    }
}

impl RowSegments {
    /// Adds the effect of a statement to the effects of the table's audiences, by their positions. A table may have thousands
    /// of audiences, most of which a statement does not touch.
    pub fn evaluate(&self, statement: Statement, effects: &mut BTreeMap<usize, Effect>) {
        let mut growth = vec![0i64; self.segments.len()];
        let mut moves = Moves::default();
        let (mut before, mut after) = (Matches::new(), Matches::new());
        let put = |row: &ChangedRow<'_>, matches: &mut Matches| {
            let id =
                self.id.as_ref().filter(|_| self.asks_bucket).and_then(|(position, text)| row.text(*position, text));
            let surroundings = Surroundings { interrupt: interrupt::check, id: id.as_deref(), ..Surroundings::NONE };
            row.matching(surroundings, matches);
        };
        self.program.each(statement, |old, new| match (&old, &new) {
            // Only columns that no condition reads have changed.
            (Some(old), Some(new)) if old.is_like(new) => {}
            (Some(old), Some(new)) => {
                put(old, &mut before);
                put(new, &mut after);
                for number in after.differing(&before) {
                    growth[number] += if after.contains(number) { 1 } else { -1 };
                }
                match &self.id {
                    Some((id, _)) if old.has_same(*id, new) => {
                        let moved = after.differing(&before).map(|number| (number, after.contains(number)));
                        self.note(&mut moves, new, moved);
                    }
                    _ => {
                        self.note(&mut moves, old, before.iter().map(|number| (number, false)));
                        self.note(&mut moves, new, after.iter().map(|number| (number, true)));
                    }
                }
            }
            (Some(row), None) | (None, Some(row)) => {
                let comes = new.is_some();
                put(row, &mut after);
                for number in after.iter() {
                    growth[number] += if comes { 1 } else { -1 };
                }
                self.note(&mut moves, row, after.iter().map(|number| (number, comes)));
            }
            (None, None) => {}
        });
        for (segment, members) in self.segments.iter().zip(growth).filter(|(_, members)| *members != 0) {
            effects.entry(segment.audience).or_default().grew(segment.id, members);
        }
        for ((number, contact), net) in moves {
            let segment = &self.segments[number];
            effects.entry(segment.audience).or_default().changed(segment.id, contact, net);
        }
    }

    /// Notes which watched segments the contact of a row enters or leaves. A contact without an id cannot be reported.
    fn note(&self, moves: &mut Moves, row: &ChangedRow<'_>, moved: impl Iterator<Item = (usize, bool)>) {
        let Some((position, text)) = &self.id else { return };
        let mut contact: Option<String> = None;
        for (number, enters) in moved.filter(|(number, _)| self.segments[*number].is_watched) {
            if contact.is_none() {
                contact = row.text(*position, text);
            }
            let Some(contact) = &contact else { return };
            *moves.entry((number, contact.clone())).or_default() += if enters { 1 } else { -1 };
        }
    }
}

/// By segment and contact, how often the contact enters minus how often it leaves. A statement may remove a contact
/// with one row and add it with another.
type Moves = BTreeMap<(usize, String), i64>;
