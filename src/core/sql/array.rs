//! Compiles tests on columns that are arrays.
//!
//! An array of several dimensions counts as the list of its elements, as in `@>` and `unnest`, and its first element
//! has index 0, whatever its lower bound is. `=` depends on both, so that it is used on the list.

use super::native::Scalar;
use super::table::{ColumnKind, NativeColumn};
use super::tree::{Equal, SqlExpr, Symbol};
use super::writer::Writer;
use crate::expr::{Asked, Constant, DocumentTest, ElementTest, ElementsTest, Expr, FieldTest, ValueTest};
use crate::path::{Path, as_index};
use crate::types::{JsonType, PropertyType};
use crate::value::Value;

/// Compiles a test on an array that is not NULL. Returns `None` if SQL cannot express the test exactly.
pub(super) fn test(writer: Writer<'_>, term: &str, kind: &ColumnKind, test: &ValueTest) -> Option<SqlExpr> {
    let array = Array { writer, term, kind };
    match test {
        ValueTest::Eq(constant) => array.one_of(std::slice::from_ref(constant)),
        ValueTest::In(constants) => array.one_of(constants),
        ValueTest::Compare(..) | ValueTest::Text(..) | ValueTest::Mod(..) => {
            array.any_element(|element| element.test(test))
        }
        ValueTest::Exists => Some(SqlExpr::Const(true)),
        ValueTest::Type(types) if types.contains(&JsonType::Array) => Some(SqlExpr::Const(true)),
        ValueTest::Type(_) => array.any_element_or_null(|element| element_test(element, &Expr::Test(test.clone()))),
        ValueTest::Empty => Some(array.has_length(0)),
        ValueTest::Size(size) => {
            Some(i32::try_from(*size).map_or(SqlExpr::Const(false), |size| array.has_length(size)))
        }
        ValueTest::Elements(elements) => match &**elements {
            ElementsTest { filter: None, asked: Asked::Count(asked) } => array.count(asked),
            _ => None,
        },
        ValueTest::ElemMatch(test) => match &**test {
            // The elements are no objects.
            ElementTest::Object(_) => Some(SqlExpr::Const(false)),
            ElementTest::Value { tests, .. } => array.any_element_or_null(|element| element_test(element, tests)),
        },
        ValueTest::Regex(_)
        | ValueTest::Matches(_)
        | ValueTest::Alike(_)
        | ValueTest::Part(..)
        | ValueTest::Anniversary(..) => None,
    }
}

/// Compiles a test on one element of an array, given by its index, or the test's complement if `positive` is false. The
/// expression is false or NULL where it does not hold. `on_missing` says whether the test holds if the element does not
/// exist. Returns `None` if the field is no element, or SQL cannot express the test exactly.
pub(super) fn element(
    writer: Writer<'_>,
    column: &NativeColumn,
    field: &FieldTest,
    on_missing: bool,
    positive: bool,
) -> Option<SqlExpr> {
    let (ColumnKind::Array(kind), [key]) = (&column.kind, field.path.rest()) else { return None };
    let index = as_index(key).filter(|_| kind.property_type() != PropertyType::Json)?;
    // A subscript can count all elements that an array can have.
    let index = i32::try_from(index).ok().and_then(|index| Some((index, index.checked_add(1)?)));
    let Some((index, subscript)) = index else { return Some(SqlExpr::Const(on_missing == positive)) };
    let array = writer.value(column);
    let term = format!("({})[{subscript}]", writer.flat(&array));
    let element = Scalar { writer, kind, term: &term, may_be_nan: true };
    let is_there =
        || SqlExpr::infix(format!("{}({array})", writer.builtin("cardinality")), Symbol::Gt, writer.integer(index));
    // A NULL element is present, and null.
    let sql = match &field.test {
        ValueTest::Exists => is_there(),
        ValueTest::Type(types) => {
            let is_own = kind.json_type().is_some_and(|own| types.contains(&own));
            match (is_own, types.contains(&JsonType::Null)) {
                (true, true) => is_there(),
                (true, false) => SqlExpr::IsNotNull(term.clone()),
                (false, true) => SqlExpr::and([SqlExpr::IsNull(term.clone()), is_there()]),
                (false, false) => SqlExpr::Const(false),
            }
        }
        test => {
            let sql = element.test(test).or_else(|| element.pattern(test))?;
            let sql = if positive { sql } else { sql.negate() };
            return Some(match on_missing == positive {
                true => SqlExpr::or([SqlExpr::IsNull(term), sql]),
                false if sql == SqlExpr::Const(true) => SqlExpr::IsNotNull(term),
                false => sql,
            });
        }
    };
    Some(match positive {
        true => sql,
        false if column.not_null => sql.negate(),
        false => SqlExpr::or([SqlExpr::IsNull(array), sql.negate()]),
    })
}

struct Array<'a> {
    writer: Writer<'a>,
    term: &'a str,
    /// The type of one element
    kind: &'a ColumnKind,
}

impl<'a> Array<'a> {
    fn element<'t>(&self, term: &'t str) -> Scalar<'t>
    where
        'a: 't,
    {
        Scalar { writer: self.writer, kind: self.kind, term, may_be_nan: true }
    }

    /// The array, or an element of it, is equal to one of the constants.
    fn one_of(&self, constants: &[Constant]) -> Option<SqlExpr> {
        let scalar = self.element(self.term);
        let mut elements = Vec::new();
        let mut ranges = Vec::new();
        let mut parts = Vec::new();
        for constant in constants {
            match constant {
                // `@>` does not find NULL elements.
                Value::Null => {
                    parts.push(self.any_element_or_null(|element| Some(SqlExpr::IsNull(element.term.into())))?)
                }
                Value::Array(items) => parts.push(self.equal(items)?),
                constant => match scalar.equal(constant)? {
                    Equal::To(text) => elements.push(Some(text)),
                    Equal::When(_) => ranges.push(constant.clone()),
                    Equal::Never => {}
                },
            }
        }
        // A GIN index on the column serves these operators.
        match elements.len() {
            0 => {}
            1 => parts.push(self.infix(Symbol::Contains, &elements)),
            _ => parts.push(self.infix(Symbol::Overlaps, &elements)),
        }
        if !ranges.is_empty() {
            parts.push(self.any_element(|element| element.one_of(&ranges))?);
        }
        Some(SqlExpr::or(parts))
    }

    /// The array is equal to a constant as a whole.
    fn equal(&self, items: &[Constant]) -> Option<SqlExpr> {
        let scalar = self.element(self.term);
        let mut texts = Vec::new();
        for item in items {
            texts.push(match item {
                Value::Null => None,
                item => match scalar.equal(item)? {
                    Equal::To(text) => Some(text),
                    Equal::When(_) => return None,
                    Equal::Never => return Some(SqlExpr::Const(false)),
                },
            });
        }
        if texts.is_empty() {
            return Some(self.has_length(0));
        }
        // A GIN index on the column serves `@>`, which does not find NULL.
        let contained: Vec<_> = texts.iter().filter(|text| text.is_some()).cloned().collect();
        let contains = (!contained.is_empty()).then(|| self.infix(Symbol::Contains, &contained));
        let flat = self.writer.flat(self.term);
        let equal = Array { term: &flat, ..*self }.infix(Symbol::Eq, &texts);
        Some(SqlExpr::and(contains.into_iter().chain([equal])))
    }

    fn infix(&self, symbol: Symbol, texts: &[Option<String>]) -> SqlExpr {
        let term = match self.kind {
            // Names are compared with text, and these operators need two arrays of the same type.
            ColumnKind::Name => format!("{}::{}[]", self.term, self.writer.type_name(self.kind)),
            _ => self.element(self.term).equality_term(),
        };
        SqlExpr::infix(term, symbol, self.writer.array(self.kind, texts))
    }

    /// The number of elements satisfies what is asked of it.
    fn count(&self, asked: &Expr<ValueTest>) -> Option<SqlExpr> {
        let term = format!("{}({})", self.writer.builtin("cardinality"), self.term);
        let count = Scalar { writer: self.writer, kind: &ColumnKind::Integer, term: &term, may_be_nan: false };
        SqlExpr::of_tests(asked, &mut |test, positive| Some(count.test(test)?.negate_unless(positive)))
    }

    fn has_length(&self, length: i32) -> SqlExpr {
        let writer = self.writer;
        SqlExpr::infix(format!("{}({})", writer.builtin("cardinality"), self.term), Symbol::Eq, writer.integer(length))
    }

    /// An element that is not NULL satisfies the test.
    fn any_element(&self, test: impl FnOnce(&Scalar<'_>) -> Option<SqlExpr>) -> Option<SqlExpr> {
        self.any_element_or_null(|element| {
            Some(match test(element)? {
                SqlExpr::Const(true) => SqlExpr::IsNotNull(element.term.to_owned()),
                sql => sql,
            })
        })
    }

    /// An element satisfies the test, which has to treat NULL itself.
    fn any_element_or_null(&self, test: impl FnOnce(&Scalar<'_>) -> Option<SqlExpr>) -> Option<SqlExpr> {
        let element = self.writer.identifier("element");
        Some(match test(&self.element(&element))? {
            SqlExpr::Const(false) => SqlExpr::Const(false),
            SqlExpr::Const(true) => self.has_length(0).negate(),
            sql => {
                let (unnest, sql) = (self.writer.builtin("unnest"), self.writer.write(&sql));
                SqlExpr::Truth(format!("EXISTS (SELECT 1 FROM {unnest}({}) AS {element} WHERE {sql})", self.term))
            }
        })
    }
}

/// Compiles a combination of tests on an element. It is false or NULL where it does not hold.
fn element_test(element: &Scalar<'_>, expr: &Expr<ValueTest>) -> Option<SqlExpr> {
    SqlExpr::of_tests(expr, &mut |test, positive| {
        let sql = element.test(test).or_else(|| element.pattern(test))?.negate_unless(positive);
        let term = || element.term.to_owned();
        Some(match holds_for_null(test) == positive {
            true => SqlExpr::or([SqlExpr::IsNull(term()), sql]),
            false if sql == SqlExpr::Const(true) => SqlExpr::IsNotNull(term()),
            false => sql,
        })
    })
}

/// Whether a null element satisfies the test.
fn holds_for_null(test: &ValueTest) -> bool {
    let array = "array".to_owned();
    let element = Box::new(ElementTest::Value { read_as: None, tests: Expr::Test(test.clone()) });
    let path = Path::from_keys(vec![array.clone()]);
    let field = FieldTest { path, read_as: None, test: ValueTest::ElemMatch(element) };
    super::holds(&Expr::Test(DocumentTest::Field(field)), vec![(array, Value::Array(vec![Value::Null]))])
}
