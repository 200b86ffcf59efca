//! The condition language of segments, without Postgres.
//!
//! ```text
//! text ─parse→ AST ─check→ Expr ┬→ Program      one condition, one document
//!                               ├→ ProgramSet   many conditions, one document
//!                               ├→ RelationProgram  many tests on rows, the rows of one contact
//!                               ├→ SQL          a WHERE clause over a table of contacts
//!                               └→ facts        what an index can use
//! ```
//!
//! Imports go down only: a module may import the modules on the lines below its own, and no others.
//!
//! ```text
//! columns, notices, relation_program, rename, row_conditions
//! program_set
//! check, comparison, sql
//! facts, program, seconds
//! expr, parse, print
//! ast, row
//! jsonb, path
//! document, json, pattern
//! date, error, infer, operator
//! bucket, limits, locator, nearest, types, value
//! decimal, members
//! ```
#![forbid(unsafe_code)]
pub mod ast;
pub mod bucket;
pub mod check;
pub mod columns;
pub mod comparison;
pub mod date;
pub mod decimal;
pub mod document;
pub mod error;
pub mod expr;
pub mod facts;
pub mod infer;
mod json;
pub mod jsonb;
pub mod limits;
pub mod locator;
pub mod members;
pub mod nearest;
pub mod notices;
pub mod operator;
pub mod parse;
pub mod path;
pub mod pattern;
pub mod print;
pub mod program;
pub mod program_set;
pub mod relation_program;
pub mod rename;
pub mod row;
pub mod row_conditions;
mod seconds;
pub mod sql;
pub mod types;
pub mod value;
