//! Tests inside a real server, for what only it can answer: whether Postgres agrees with the core.
//!
//! Each runs once with a seed that never changes and once with a new one, which its failures name.

mod cases;
mod column_index;
mod columns;
mod documents;
mod elements;
mod ids;
mod indexes;
mod subject;
mod zones;

#[path = "../tests/cases/read.rs"]
#[allow(dead_code, reason = "the core's tests read the rest")]
mod corpus;

#[path = "../tests/conformance/generate/condition.rs"]
mod condition;
#[path = "../tests/conformance/generate/document.rs"]
mod document;
#[path = "../tests/conformance/generate/expression.rs"]
mod expression;
#[path = "../tests/conformance/generate/random.rs"]
mod random;

use crate::pg::spi::QueryText::Made;
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::value::Json;

/// The seeds of a run.
fn seeds() -> [u64; 2] {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let fresh = elapsed.map_or(1, |elapsed| elapsed.as_nanos() as u64);
    pgrx::log!("the fresh seed is {fresh}");
    [20_240_229, fresh]
}

/// Makes the queries of this transaction use indexes wherever they can.
fn no_scans() {
    crate::pg::query::write(Made("SET LOCAL enable_seqscan = off"), &[]);
    // Plans that read tables get so high a cost that Postgres would compile each query.
    crate::pg::query::write(Made("SET LOCAL jit = off"), &[]);
}

/// Whether the core finds that the document satisfies the condition.
fn core_matches(checked: &segments_core::expr::Checked, document: &Json) -> bool {
    Program::compile(checked).matches(document, Surroundings::NONE)
}

/// The condition, checked for documents alone; `None` if it exceeds a limit of the language.
fn for_documents(condition: &str) -> Option<segments_core::expr::Checked> {
    parse(condition).ok()?;
    crate::evaluate::condition::check_for_documents(condition.as_bytes()).ok()
}
