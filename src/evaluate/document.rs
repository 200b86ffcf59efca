//! Evaluating conditions for documents: the implementation of `@~`.
//!
//! A condition that stays the same for a whole query is compiled once for each call site. A condition that changes from
//! row to row, as in a join over stored conditions, is looked up for each row in a bounded cache of the backend.

use crate::evaluate::condition;
use crate::evaluate::text_cache::TextCache;
use crate::pg::interrupt;
use segments_core::jsonb::Jsonb;
use segments_core::program::{Program, Surroundings};
use std::cell::RefCell;
use std::rc::Rc;

/// How many bytes the compiled conditions in the backend's cache may take, estimated from their texts and patterns.
const CACHED_BYTES: usize = 4 << 20;

/// The state that one place in a query keeps between rows.
pub struct CallSite {
    stable: bool,
    last: Option<Rc<Program>>,
}

impl CallSite {
    /// A call site. `stable` says whether its condition stays the same for the whole query.
    pub fn new(stable: bool) -> Self {
        CallSite { stable, last: None }
    }

    /// Whether a document satisfies the condition. `document` is its jsonb container. `condition` is called for the
    /// text only if it may have changed.
    pub fn matches(&mut self, document: &[u8], condition: impl FnOnce() -> Vec<u8>) -> bool {
        let program = match &mut self.last {
            Some(program) if self.stable => program,
            last => last.insert(cached(&condition(), if self.stable { Detail::Shown } else { Detail::Hidden })),
        };
        run(program, document)
    }
}

/// Whether a document satisfies a condition, if nothing can be kept between calls. `document` is its jsonb container,
/// `condition` the text.
pub fn matches(document: &[u8], condition: &[u8]) -> bool {
    run(&cached(condition, Detail::Hidden), document)
}

/// Whether a document satisfies a compiled condition. `document` is its jsonb container.
pub fn run(program: &Program, document: &[u8]) -> bool {
    program.matches(Jsonb::new(document).root(), Surroundings { interrupt: interrupt::check, ..Surroundings::NONE })
}

/// Whether an error may quote the condition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The condition is part of the query's own text, or a parameter of it
    Shown,
    /// The condition may come from a row that the caller may not read
    Hidden,
}

fn compile(text: &[u8], detail: Detail) -> Rc<Program> {
    match condition::check_for_documents(text) {
        Ok(checked) => Rc::new(Program::compile(&checked)),
        Err(errors) if detail == Detail::Shown => condition::raise_first(errors),
        Err(_) => condition::raise_without_detail(),
    }
}

thread_local! {
    static CACHE: RefCell<TextCache<Rc<Program>>> = RefCell::new(TextCache::new(CACHED_BYTES));
}

fn cached(text: &[u8], detail: Detail) -> Rc<Program> {
    let known = CACHE.with_borrow_mut(|cache| cache.get(text));
    known.unwrap_or_else(|| {
        let program = compile(text, detail);
        keep(text, &program);
        program
    })
}

/// The bytes that a program takes in addition to what the length of its text suggests: the compiled patterns, and about
/// as much again for searching with them.
pub fn bytes_beside_text(program: &Program) -> usize {
    2 * program.pattern_bytes()
}

/// Puts a program that the planner has compiled into the cache, so that execution finds it.
pub fn keep(text: &[u8], program: &Rc<Program>) {
    CACHE.with_borrow_mut(|cache| cache.put(text, bytes_beside_text(program), program.clone()));
}
