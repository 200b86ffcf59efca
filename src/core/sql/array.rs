//! Tests on native columns that are arrays.
//!
//! A column's arrays are taken to have one dimension, counted from 1, as nearly all have: `@>` and `unnest` find
//! elements at any depth, and `=` minds where counting starts.

use super::native::{Equal, Scalar};
use super::table::ColumnKind;
use super::tree::{Sql, Symbol};
use super::writer::Writer;
use crate::expr::{Constant, ValueTest};
use crate::types::JsonType;
use crate::value::Value;

/// The test on an array that is not NULL; `None` where SQL cannot say exactly that.
pub(super) fn test(writer: Writer<'_>, term: &str, kind: &ColumnKind, test: &ValueTest) -> Option<Sql> {
    let array = Array { writer, term, kind };
    match test {
        ValueTest::Eq(constant) => array.one_of(std::slice::from_ref(constant)),
        ValueTest::In(constants) => array.one_of(constants),
        ValueTest::Compare(..) | ValueTest::Text(..) => array.any_element(|element| element.test(test)),
        ValueTest::Exists => Some(Sql::Const(true)),
        ValueTest::Type(types) => types.contains(&JsonType::Array).then_some(Sql::Const(true)),
        ValueTest::Size(0) | ValueTest::Empty => {
            Some(Sql::infix(format!("{}({term})", writer.builtin("cardinality")), Symbol::Eq, writer.integer(0)))
        }
        // An empty array has no length rather than none, which must not leak through a negation.
        ValueTest::Size(size) => Some(match i32::try_from(*size) {
            Ok(size) => {
                let length = format!("{}({term}, {})", writer.builtin("array_length"), writer.integer(1));
                Sql::infix(format!("coalesce({length}, {})", writer.integer(0)), Symbol::Eq, writer.integer(size))
            }
            Err(_) => Sql::Const(false),
        }),
        ValueTest::Regex(_) | ValueTest::ElemMatch(_) => None,
    }
}

struct Array<'a> {
    writer: Writer<'a>,
    term: &'a str,
    /// What one element is
    kind: &'a ColumnKind,
}

impl<'a> Array<'a> {
    fn element<'t>(&self, term: &'t str) -> Scalar<'t>
    where
        'a: 't,
    {
        Scalar { writer: self.writer, kind: self.kind, term, may_be_nan: true }
    }

    /// Equal to one of the constants, or having an element that is.
    fn one_of(&self, constants: &[Constant]) -> Option<Sql> {
        let scalar = self.element(self.term);
        let mut elements = Vec::new();
        let mut ranges = Vec::new();
        let mut parts = Vec::new();
        for constant in constants {
            match constant {
                // An element that is NULL is one that `@>` does not find.
                Value::Null => return None,
                Value::Array(items) => parts.push(self.equal(items)?),
                constant => match scalar.equal(constant)? {
                    Equal::To(text) => elements.push(Some(text)),
                    Equal::When(_) => ranges.push(constant.clone()),
                    Equal::Never => {}
                },
            }
        }
        // What a GIN index on the column serves.
        match elements.len() {
            0 => {}
            1 => parts.push(self.infix(Symbol::Contains, &elements)),
            _ => parts.push(self.infix(Symbol::Overlaps, &elements)),
        }
        if !ranges.is_empty() {
            parts.push(self.any_element(|element| element.one_of(&ranges))?);
        }
        Some(Sql::or(parts))
    }

    /// Equal as a whole.
    fn equal(&self, items: &[Constant]) -> Option<Sql> {
        let scalar = self.element(self.term);
        let mut texts = Vec::new();
        for item in items {
            texts.push(match item {
                Value::Null => None,
                item => match scalar.equal(item)? {
                    Equal::To(text) => Some(text),
                    Equal::When(_) => return None,
                    Equal::Never => return Some(Sql::Const(false)),
                },
            });
        }
        Some(self.infix(Symbol::Eq, &texts))
    }

    fn infix(&self, symbol: Symbol, texts: &[Option<String>]) -> Sql {
        Sql::infix(self.element(self.term).equality_term(), symbol, self.writer.array(self.kind, texts))
    }

    /// Whether an element that is not NULL satisfies what `test` says of it.
    fn any_element(&self, test: impl FnOnce(&Scalar<'_>) -> Option<Sql>) -> Option<Sql> {
        let element = self.writer.identifier("element");
        let sql = match test(&self.element(&element))? {
            Sql::Const(false) => return Some(Sql::Const(false)),
            Sql::Const(true) => Sql::IsNotNull(element.clone()),
            sql => sql,
        };
        let unnest = self.writer.builtin("unnest");
        let sql = self.writer.write(&sql);
        Some(Sql::Truth(format!("EXISTS (SELECT FROM {unnest}({}) AS {element} WHERE {sql})", self.term)))
    }
}
