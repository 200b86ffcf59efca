//! What the planner learns of a condition: which index conditions follow from it, and what it costs.
//!
//! [`crate::entry::planner_support`] speaks with the planner; this module answers in its own terms.

use crate::evaluate::condition::check_for_documents;
use crate::evaluate::document;
use crate::evaluate::text_cache::TextCache;
use crate::pg::nodes::IndexClause;
use segments_core::expr::{Checked, Expr};
use segments_core::facts::{Facts, GinClass};
use segments_core::program::Program;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

pub mod sample;
pub mod selectivity;

/// How many bytes of conditions, by their texts and patterns, the backend keeps what it has derived of: the planner
/// asks several times for each, and again for the next query.
const REMEMBERED_BYTES: usize = 256 << 10;

/// A condition as the planner uses it.
pub struct Planned {
    checked: Checked,
    /// The same program that the executor will run
    pub program: Rc<Program>,
    /// What an index of each class can look for, once it was asked for
    sought: [OnceCell<Option<Sought>>; 2],
    /// What [`selectivity`] last found, and where
    estimated: RefCell<Option<(sample::Seen, f64)>>,
}

/// What an index can look for, all of which holds of every document that satisfies a condition.
pub struct Sought {
    /// Conditions in the index's own operators, all of which hold
    pub clauses: Vec<IndexClause>,
    /// What they say, as a condition, where that is less than the condition itself
    part: Option<Box<Planned>>,
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
        document::keep(text, &planned.program);
        RECENT
            .with_borrow_mut(|recent| recent.put(text, document::bytes_beside_text(&planned.program), planned.clone()));
        Some(planned)
    }

    fn new(checked: Checked) -> Self {
        Planned {
            program: Rc::new(Program::compile(&checked)),
            checked,
            sought: Default::default(),
            estimated: RefCell::new(None),
        }
    }

    /// What an index of that class can look for; `None` where it is of no use.
    pub fn sought(&self, class: GinClass) -> Option<&Sought> {
        let derive = || {
            let Facts { jsonpath, present, condition } = Facts::of(&self.checked, class)?;
            let keys = |mut keys: Vec<String>| match keys.len() {
                1 => IndexClause::Key(keys.remove(0)),
                _ => IndexClause::AnyKey(keys),
            };
            let clauses = jsonpath.map(IndexClause::JsonPath).into_iter().chain(present.into_iter().map(keys));
            let part = (condition != self.checked).then(|| Box::new(Planned::new(condition)));
            Some(Sought { clauses: clauses.collect(), part })
        };
        self.sought[class as usize].get_or_init(derive).as_ref()
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

impl Sought {
    /// What the index finds, of the condition that this is sought for.
    pub fn found<'a>(&'a self, whole: &'a Planned) -> &'a Planned {
        self.part.as_deref().unwrap_or(whole)
    }
}
