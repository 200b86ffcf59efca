//! What a chunk answers to a plan.

use super::bits::{Bits, Into};
use super::chunk::Chunk;
use super::column::{Column, Source};
use super::piece::Pieces;
use super::plan::{Node, Plan};
use super::truth::Truth;
use super::{Asking, Class, Natives};

/// The rows of a chunk that satisfy a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The rows that satisfy it for certain
    pub rows: Bits,
    /// The rows of which the heap has to be asked, because a value is not stored; none of them is in `rows`. `None` if
    /// there are none
    pub unknown: Option<Bits>,
}

/// A part of a plan for one chunk.
enum Step<'c> {
    Const(bool),
    All(Vec<Step<'c>>),
    Any(Vec<Step<'c>>),
    Codes(&'c Column, Truth),
    Rows(Bits),
}

impl Plan {
    /// The rows of the chunk that satisfy the condition.
    ///
    /// # Errors
    /// A piece cannot be read, or it is not what the chunk has there.
    pub fn answer<P: Pieces + ?Sized>(
        &self,
        chunk: &Chunk,
        pieces: &P,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Answer, P::Error> {
        let rows = self.root.rows(chunk, pieces, false, asking)?;
        if !self.root.reads_unstored(chunk) {
            return Ok(Answer { rows, unknown: None });
        }
        // Negations stand at leaves alone, so what is true whatever the unknown values are is true if each test of one is
        // false, and what may be true is true if each is true.
        let mut unknown = self.root.rows(chunk, pieces, true, asking)?;
        unknown.and_not(&rows);
        Ok(Answer { rows, unknown: Some(unknown).filter(|unknown| unknown.count() > 0) })
    }
}

impl Node {
    fn rows<P: Pieces + ?Sized>(
        &self,
        chunk: &Chunk,
        pieces: &P,
        unknown: bool,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Bits, P::Error> {
        let mut bits = Bits::all(chunk.rows, false);
        self.resolve(chunk, pieces, unknown, asking)?.run(chunk, pieces, &mut bits, Into::Set)?;
        Ok(bits)
    }

    /// Puts each leaf to the dictionary of its column.
    fn resolve<'c, P: Pieces + ?Sized>(
        &self,
        chunk: &'c Chunk,
        pieces: &P,
        unknown: bool,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Step<'c>, P::Error> {
        Ok(match self {
            Node::Const(value) => Step::Const(*value),
            Node::All(parts) | Node::Any(parts) => {
                let is_all = matches!(self, Node::All(_));
                let mut steps = Vec::new();
                for part in parts {
                    match part.resolve(chunk, pieces, unknown, asking)? {
                        Step::Const(value) if value == is_all => {}
                        Step::Const(value) => return Ok(Step::Const(value)),
                        step => steps.push(step),
                    }
                }
                // The cheapest first: what it decides for all rows of a piece spares the others that piece.
                steps.sort_by_key(|step| step.cost(chunk.rows));
                match (steps.len(), is_all) {
                    (0, _) => Step::Const(is_all),
                    (1, _) => steps.swap_remove(0),
                    (_, true) => Step::All(steps),
                    (_, false) => Step::Any(steps),
                }
            }
            Node::Leaf(leaf) => match chunk.column_of(&leaf.source) {
                None => Step::Const(leaf.holds_for_missing(asking)),
                Some(column) => {
                    let truth = leaf.truth(column, &column.stored(chunk.generation, pieces), unknown, asking)?;
                    truth.constant().map_or_else(|| Step::Codes(column, truth), Step::Const)
                }
            },
            Node::Pair(pair) => Step::Rows(pair.rows(chunk, pieces, unknown, asking)?),
        })
    }

    /// Whether it reads a column of which some values are not stored.
    fn reads_unstored(&self, chunk: &Chunk) -> bool {
        let may_lack = |source: &Source| {
            chunk.column_of(source).is_some_and(|column| {
                column.source == Source::OtherKeys || !column.dictionary.codes_of(Class::Unstored).is_empty()
            })
        };
        match self {
            Node::Const(_) => false,
            Node::All(parts) | Node::Any(parts) => parts.iter().any(|part| part.reads_unstored(chunk)),
            Node::Leaf(leaf) => may_lack(&leaf.source),
            Node::Pair(pair) => pair.sources().any(may_lack),
        }
    }
}

impl Step<'_> {
    /// An estimate of the pages that it reads.
    fn cost(&self, rows: u32) -> u32 {
        match self {
            Step::Const(_) | Step::Rows(_) => 0,
            Step::All(steps) | Step::Any(steps) => steps.iter().map(|step| step.cost(rows)).sum(),
            Step::Codes(column, _) => column.cost(rows),
        }
    }

    fn run<P: Pieces + ?Sized>(&self, chunk: &Chunk, pieces: &P, bits: &mut Bits, into: Into) -> Result<(), P::Error> {
        let next = match (self, into) {
            (Step::Const(value), _) => {
                into.combine(&mut bits.words, &Bits::all(chunk.rows, *value).words);
                return Ok(());
            }
            (Step::Rows(rows), _) => {
                into.combine(&mut bits.words, &rows.words);
                return Ok(());
            }
            (Step::Codes(column, truth), _) => return column.find(chunk.generation, pieces, truth, bits, into),
            // These can work on the bits that are there.
            (Step::All(_), Into::Set | Into::And) => Into::And,
            (Step::Any(_), Into::Set | Into::Or) => Into::Or,
            (Step::All(_) | Step::Any(_), _) => {
                let mut own = Bits::all(chunk.rows, false);
                self.run(chunk, pieces, &mut own, Into::Set)?;
                into.combine(&mut bits.words, &own.words);
                return Ok(());
            }
        };
        let (Step::All(steps) | Step::Any(steps)) = self else { return Ok(()) };
        for (number, step) in steps.iter().enumerate() {
            step.run(chunk, pieces, bits, if number == 0 { into } else { next })?;
        }
        Ok(())
    }
}
