//! Tests on native columns that are arrays.
//!
//! A column's arrays are taken to have one dimension, counted from 1, as nearly all have: `@>` looks for an element
//! at any depth, and `=` minds where counting starts.

use super::native::{Equal, Scalar};
use super::table::ColumnKind;
use super::tree::{Sql, Symbol};
use super::writer::Writer;
use crate::expr::{Constant, ValueTest};
use crate::types::JsonType;
use crate::value::Value;

/// The test on an array that is not NULL; `None` where SQL cannot say exactly that.
pub(super) fn test(writer: Writer<'_>, term: &str, element: &ColumnKind, test: &ValueTest) -> Option<Sql> {
    let array = Array { writer, scalar: Scalar { writer, kind: element, term, may_be_nan: true } };
    match test {
        ValueTest::Eq(constant) => array.one_of(std::slice::from_ref(constant)),
        ValueTest::In(constants) => array.one_of(constants),
        ValueTest::Exists => Some(Sql::Const(true)),
        ValueTest::Type(types) => types.contains(&JsonType::Array).then_some(Sql::Const(true)),
        ValueTest::Size(0) | ValueTest::Empty => {
            Some(Sql::infix(format!("{}({term})", writer.builtin("cardinality")), Symbol::Eq, writer.integer(0)))
        }
        // An empty array has no length rather than none, which must not leak through a negation.
        ValueTest::Size(size) => Some(match i32::try_from(*size) {
            Ok(size) => {
                let length = format!("{}({term}, 1)", writer.builtin("array_length"));
                Sql::infix(format!("coalesce({length}, 0)"), Symbol::Eq, writer.integer(size))
            }
            Err(_) => Sql::Const(false),
        }),
        ValueTest::Compare(..) | ValueTest::Regex(_) | ValueTest::Text(..) | ValueTest::ElemMatch(_) => None,
    }
}

struct Array<'a> {
    writer: Writer<'a>,
    /// An element; its term is the array's
    scalar: Scalar<'a>,
}

impl Array<'_> {
    /// Equal to one of the constants, or having an element that is.
    fn one_of(&self, constants: &[Constant]) -> Option<Sql> {
        let mut elements = Vec::new();
        let mut parts = Vec::new();
        for constant in constants {
            match constant {
                // An element that is NULL is one that `@>` does not find.
                Value::Null => return None,
                Value::Array(items) => parts.push(self.equal(items)?),
                constant => match self.scalar.equal(constant)? {
                    Equal::To(text) => elements.push(Some(text)),
                    Equal::When(_) => return None,
                    Equal::Never => {}
                },
            }
        }
        // What a GIN index on the column serves.
        let has = |symbol| self.infix(symbol, &elements);
        let has_element = match elements.len() {
            0 => Sql::Const(false),
            1 => has(Symbol::Contains),
            _ => has(Symbol::Overlaps),
        };
        parts.insert(0, has_element);
        Some(Sql::or(parts))
    }

    fn equal(&self, items: &[Constant]) -> Option<Sql> {
        let mut texts = Vec::new();
        for item in items {
            texts.push(match item {
                Value::Null => None,
                item => match self.scalar.equal(item)? {
                    Equal::To(text) => Some(text),
                    Equal::When(_) => return None,
                    Equal::Never => return Some(Sql::Const(false)),
                },
            });
        }
        Some(self.infix(Symbol::Eq, &texts))
    }

    fn infix(&self, symbol: Symbol, texts: &[Option<String>]) -> Sql {
        Sql::infix(self.scalar.equality_term(), symbol, self.writer.array(self.scalar.kind, texts))
    }
}
