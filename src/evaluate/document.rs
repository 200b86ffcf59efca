//! Conditions put to documents: what is behind `@~`.
//!
//! A condition that stays the same for a whole query is looked up once per call site. One that changes from row to
//! row (a join over stored conditions) is looked up for each, in a bounded cache of the backend.

use crate::evaluate::condition;
use crate::evaluate::text_cache::TextCache;
use crate::pg::interrupt;
use segments_core::jsonb::Jsonb;
use segments_core::program::{Program, Surroundings};
use std::cell::RefCell;
use std::rc::Rc;

/// How many bytes of conditions, by their texts and patterns, the backend's cache keeps compiled.
const CACHED_BYTES: usize = 4 << 20;

/// What one place in a query keeps between rows.
pub struct CallSite {
    stable: bool,
    last: Option<Rc<Program>>,
}

impl CallSite {
    /// A call site whose condition stays the same for the whole query, or not.
    pub fn new(stable: bool) -> Self {
        CallSite { stable, last: None }
    }

    /// Whether the document's jsonb container satisfies the condition, whose text is asked for only when it may have
    /// changed.
    pub fn matches(&mut self, document: &[u8], condition: impl FnOnce() -> Vec<u8>) -> bool {
        let program = match &mut self.last {
            Some(program) if self.stable => program,
            last => last.insert(cached(&condition(), if self.stable { Detail::Shown } else { Detail::Hidden })),
        };
        run(program, document)
    }
}

/// Whether the document's jsonb container satisfies the condition's text, where nothing can be kept between calls.
pub fn matches(document: &[u8], condition: &[u8]) -> bool {
    run(&cached(condition, Detail::Hidden), document)
}

/// Whether the document's jsonb container satisfies the compiled condition.
pub fn run(program: &Program, document: &[u8]) -> bool {
    program.matches(Jsonb::new(document).root(), Surroundings { interrupt: interrupt::check, topics: &[] })
}

/// Whether an error may quote the condition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// It is part of the query's own text, or a parameter of it
    Shown,
    /// It may be of a row that the caller is not to see
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

/// What a program takes beside what its text tells of: compiled patterns, and about as much again for their searches.
pub fn bytes_beside_text(program: &Program) -> usize {
    2 * program.pattern_bytes()
}

/// Keeps a program that the planner compiled, so that execution finds it.
pub fn keep(text: &[u8], program: &Rc<Program>) {
    CACHE.with_borrow_mut(|cache| cache.put(text, bytes_beside_text(program), program.clone()));
}
