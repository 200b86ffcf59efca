//! What a chunk answers to a plan.

use super::bits::{Bits, Into};
use super::chunk::Chunk;
use super::column::{Column, Source};
use super::global::Global;
use super::leaf::Leaf;
use super::piece::Pieces;
use super::plan::{Node, Plan};
use super::truth::Truth;
use super::values::Values;
use super::{Asking, Natives};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

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

/// A plan that is put to chunks. It remembers what is true of the values of global dictionaries.
pub struct Query<'q, N> {
    plan: &'q Plan,
    asking: Asking<'q, N>,
    /// For a leaf and the generation of a dictionary: the numbers for which the leaf's tests hold
    of_globals: RefCell<HashMap<(u32, u64), Rc<Truth>>>,
}

impl<'q, N: Natives> Query<'q, N> {
    /// Makes a query.
    #[must_use]
    pub fn new(plan: &'q Plan, asking: Asking<'q, N>) -> Self {
        Query { plan, asking, of_globals: RefCell::default() }
    }

    /// The rows of the chunk that satisfy the condition.
    ///
    /// # Errors
    /// A piece cannot be read, or it is not what the chunk has there.
    pub fn answer<P: Pieces + ?Sized>(&self, chunk: &Chunk, pieces: &P) -> Result<Answer, P::Error> {
        self.answer_among(chunk, pieces, &Bits::all(chunk.rows, true))
    }

    /// Those of some rows of the chunk that satisfy the condition. Codes that only other rows have are not read.
    ///
    /// # Errors
    /// A piece cannot be read, or it is not what the chunk has there.
    pub fn answer_among<P: Pieces + ?Sized>(
        &self,
        chunk: &Chunk,
        pieces: &P,
        among: &Bits,
    ) -> Result<Answer, P::Error> {
        let root = &self.plan.root;
        let rows = self.rows(root, chunk, pieces, among, false)?;
        if !root.reads_unstored(chunk) {
            return Ok(Answer { rows, unknown: None });
        }
        // Negations stand at leaves alone, so what is true whatever the unknown values are is true if each test of one is
        // false, and what may be true is true if each is true.
        let mut unknown = self.rows(root, chunk, pieces, among, true)?;
        unknown.and_not(&rows);
        Ok(Answer { rows, unknown: Some(unknown).filter(|unknown| unknown.count() > 0) })
    }

    fn rows<P: Pieces + ?Sized>(
        &self,
        node: &Node,
        chunk: &Chunk,
        pieces: &P,
        among: &Bits,
        unknown: bool,
    ) -> Result<Bits, P::Error> {
        let mut bits = among.clone();
        self.resolve(node, chunk, pieces, unknown)?.run(chunk, pieces, &mut bits, Into::And)?;
        Ok(bits)
    }

    /// Puts each leaf to the values of its column.
    fn resolve<'c, P: Pieces + ?Sized>(
        &self,
        node: &Node,
        chunk: &'c Chunk,
        pieces: &P,
        unknown: bool,
    ) -> Result<Step<'c>, P::Error> {
        Ok(match node {
            Node::Const(value) => Step::Const(*value),
            Node::All(parts) | Node::Any(parts) => {
                let is_all = matches!(node, Node::All(_));
                let mut steps = Vec::new();
                for part in parts {
                    match self.resolve(part, chunk, pieces, unknown)? {
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
                None => Step::Const(leaf.holds_for_missing(self.asking)),
                Some(column) => {
                    let (first, of_global) = (column.first(chunk.generation), self.of_global(leaf, column));
                    let of_global = of_global.as_ref().map(|(global, truth)| (*global, &**truth));
                    let truth = leaf.truth(column, pieces, first, unknown, of_global, self.asking)?;
                    truth.constant().map_or_else(|| Step::Codes(column, truth), Step::Const)
                }
            },
            Node::Pair(pair) => Step::Rows(pair.rows(chunk, pieces, unknown, self.asking)?),
        })
    }

    /// The column's global dictionary, and the numbers in it for which the leaf's tests hold; `None` if it has none.
    fn of_global(&self, leaf: &Leaf, column: &Column) -> Option<(&'q Global, Rc<Truth>)> {
        let Values::Shared(shared) = &column.values else { return None };
        let global = self.asking.globals.find(shared.generation)?;
        let key = (leaf.number, shared.generation);
        if let Some(truth) = self.of_globals.borrow().get(&key) {
            return Some((global, truth.clone()));
        }
        let truth = Rc::new(leaf.truth_of_global(global, self.asking));
        self.of_globals.borrow_mut().insert(key, truth.clone());
        Some((global, truth))
    }
}

impl Node {
    /// Whether it reads a column of which some values are not stored.
    fn reads_unstored(&self, chunk: &Chunk) -> bool {
        let may_lack = |source: &Source| {
            chunk
                .column_of(source)
                .is_some_and(|column| column.source == Source::OtherKeys || !column.values.unstored().is_empty())
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
