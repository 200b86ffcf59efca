//! What the planner learns of a condition: which index conditions follow from it, and what it costs.
//!
//! [`crate::pg::support`] speaks with the planner; this module answers in its own terms.

use crate::condition::check_for_documents;
use crate::matching;
use crate::text_cache::TextCache;
use segments_core::expr::{Checked, Expr};
use segments_core::facts::Facts;
use segments_core::program::Program;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

pub mod sample;
pub mod selectivity;

/// How many bytes of condition text the backend keeps what it has derived of: the planner asks several times for each,
/// and again for the next query.
const REMEMBERED_BYTES: usize = 256 << 10;

/// A condition as the planner uses it.
pub struct Planned {
    checked: Checked,
    /// The same program that the executor will run
    pub program: Rc<Program>,
    /// What holds of every document that satisfies it
    pub facts: Facts,
    presence: OnceCell<Option<Box<Planned>>>,
    /// What [`selectivity`] last found, and where
    estimated: RefCell<Option<(sample::Seen, f64)>>,
}

thread_local! {
    static RECENT: RefCell<TextCache<Rc<Planned>>> = RefCell::new(TextCache::new(REMEMBERED_BYTES));
}

impl Planned {
    /// The condition of that text. `None` where it cannot be put to documents alone: then its evaluation says so.
    pub fn of(text: &[u8]) -> Option<Rc<Self>> {
        if let Some(known) = RECENT.with_borrow_mut(|recent| recent.get(text)) {
            return Some(known);
        }
        let checked = check_for_documents(text).ok()?;
        let planned = Rc::new(Planned::new(checked));
        matching::keep(text, &planned.program);
        RECENT.with_borrow_mut(|recent| recent.put(text, planned.clone()));
        Some(planned)
    }

    fn new(checked: Checked) -> Self {
        Planned {
            program: Rc::new(Program::compile(&checked)),
            facts: Facts::of(&checked),
            checked,
            presence: OnceCell::new(),
            estimated: RefCell::new(None),
        }
    }

    /// That the keys are there which every document has that satisfies the condition; `None` where there are none.
    pub fn presence(&self) -> Option<&Self> {
        self.presence.get_or_init(|| self.facts.presence().map(|checked| Box::new(Planned::new(checked)))).as_deref()
    }

    /// What it is of every document, where that is the same.
    fn constant(&self) -> Option<bool> {
        match self.checked {
            Expr::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The parts of a conjunction; none where it is not one.
    fn conjuncts(&self) -> &[Checked] {
        match &self.checked {
            Expr::And(parts) => parts,
            _ => &[],
        }
    }

    /// How many of Postgres's own operators a test of one document is worth.
    pub fn operators(&self) -> f64 {
        CALL + f64::from(self.program.cost()) * COMPARISON
    }
}

/// What opening a document costs, in `cpu_operator_cost`. A test of one key takes 150 ns, where a scan's own work on a
/// row takes 70 ns and costs 24.
const CALL: f64 = 20.0;
/// What comparing one of its values costs.
const COMPARISON: f64 = 3.0;

/// The operator classes of GIN on jsonb that Postgres brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GinFamily {
    /// `jsonb_ops`: keys and scalars
    Jsonb,
    /// `jsonb_path_ops`: scalars at their paths
    JsonbPath,
}

impl GinFamily {
    /// The operator family of that OID, which `pg_opfamily.dat` fixes.
    pub fn of(oid: u32) -> Option<Self> {
        match oid {
            4036 => Some(GinFamily::Jsonb),
            4037 => Some(GinFamily::JsonbPath),
            _ => None,
        }
    }
}

/// A condition on an indexed document: an operator of its family, and the operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexClause {
    /// `@@`: a jsonpath predicate
    JsonPath(String),
    /// `?`: a key
    Key(String),
    /// `?|`: any of these keys
    AnyKey(Vec<String>),
}

impl Planned {
    /// What an index of that family can look for, all of which holds of every document that satisfies the condition;
    /// none where it is of no use.
    pub fn index_clauses(&self, family: GinFamily) -> Vec<IndexClause> {
        match (self.facts.jsonpath(), family) {
            (Some(jsonpath), _) => vec![IndexClause::JsonPath(jsonpath.to_owned())],
            (None, GinFamily::Jsonb) => self
                .facts
                .present()
                .iter()
                .map(|keys| match &keys[..] {
                    [key] => IndexClause::Key(key.clone()),
                    keys => IndexClause::AnyKey(keys.to_vec()),
                })
                .collect(),
            (None, GinFamily::JsonbPath) => vec![],
        }
    }
}
