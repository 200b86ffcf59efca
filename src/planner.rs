//! Conditions as the planner uses them: the index clauses that follow from a condition, and the cost of evaluating it.
//!
//! `entry::planner_support` translates the planner's requests into calls of this module.

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

/// How many bytes the planned conditions that a backend keeps may take, estimated from their texts and patterns. They
/// are kept because the planner asks several times for each condition, and again for the next query.
const REMEMBERED_BYTES: usize = 256 << 10;

/// A condition as the planner uses it.
pub struct Planned {
    checked: Checked,
    /// The program that the executor will run, too
    pub program: Rc<Program>,
    /// The index clauses for each operator class, computed when they are first needed
    sought: [OnceCell<Option<Sought>>; 2],
    /// The last selectivity, and the state of the column that it was estimated for
    estimated: RefCell<Option<(sample::Seen, f64)>>,
}

/// The clauses that an index can serve. Every document that satisfies the condition satisfies all of them.
pub struct Sought {
    /// The clauses, in the operators of the index
    pub clauses: Vec<IndexClause>,
    /// The clauses as a condition; `None` if they are equivalent to the whole condition
    part: Option<Box<Planned>>,
}

thread_local! {
    static RECENT: RefCell<TextCache<Rc<Planned>>> = RefCell::new(TextCache::new(REMEMBERED_BYTES));
}

impl Planned {
    /// The condition with that text; `None` if it needs more than a document. In that case its evaluation will raise.
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

    /// The clauses for an index of that class; `None` if the index cannot help.
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

    /// The value of the condition, if it is the same for every document.
    fn constant(&self) -> Option<bool> {
        match self.checked {
            Expr::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The parts of a conjunction; empty if the condition is not one.
    fn conjuncts(&self) -> &[Checked] {
        match &self.checked {
            Expr::And(parts) => parts,
            _ => &[],
        }
    }

    /// The cost of evaluating the condition for one document, in `cpu_operator_cost`.
    pub fn operators(&self) -> f64 {
        CALL + f64::from(self.program.cost()) * COMPARISON
    }
}

/// The cost of opening a document, in `cpu_operator_cost`. Testing one key takes 150 ns. In comparison, the work of a
/// scan on a row takes 70 ns and costs 24.
const CALL: f64 = 20.0;
/// The cost of comparing one value of the document.
const COMPARISON: f64 = 3.0;

impl Sought {
    /// The condition that exactly the documents which the index finds satisfy. `whole` is the condition that the
    /// clauses are for.
    pub fn found<'a>(&'a self, whole: &'a Planned) -> &'a Planned {
        self.part.as_deref().unwrap_or(whole)
    }
}
