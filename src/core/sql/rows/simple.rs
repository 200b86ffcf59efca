//! Tests on rows as simpler tests of the same meaning.
//!
//! Whether there is a row is found faster than what all rows have in common: by an index on the column that is tested,
//! and without gathering anything. On 200,000 contacts with 1,000,000 orders, `$min` of a time since last month, as a
//! row since then and none before, took a sixth of the time of `HAVING min(…)`.

use crate::ast::{Aggregate, Comparison};
use crate::decimal::Decimal;
use crate::expr::{
    Asked, Atom, Checked, DocumentTest, ElementsTest, Expr, FieldTest, RowsAsked, RowsTest, ValueKind, ValueTest,
    ValuesTest,
};
use crate::sql::ContactTable;
use crate::types::PropertyType;
use crate::value::Value;

/// The condition with simpler tests on rows.
pub(in crate::sql) fn simplified(checked: &Checked, table: &ContactTable) -> Checked {
    let tests = tests_of(checked);
    if tests.is_empty() {
        return checked.clone();
    }
    replaced(checked, &|rows| match &rows.asked {
        RowsAsked::Some(_) => None,
        RowsAsked::Elements(elements) => at_least_one(elements)
            .map(|(condition, positive)| some(rows, condition).negate_unless(positive))
            .or_else(|| of_single_rows(rows, table, &tests).filter(|simple| one_and_none(simple).is_none())),
    })
}

/// The tests on rows in a condition.
pub(in crate::sql) fn tests_of(checked: &Checked) -> Vec<&RowsTest> {
    let mut tests = Vec::new();
    checked.for_each(&mut |atom| {
        tests.extend(match atom {
            Atom::Rows(rows) => Some(rows),
            _ => None,
        })
    });
    tests
}

/// A test of the least or the greatest value as tests of single rows, unless it shares a group with others.
pub(super) fn of_single_rows(rows: &RowsTest, table: &ContactTable, tests: &[&RowsTest]) -> Option<Checked> {
    let RowsAsked::Elements(elements) = &rows.asked else { return None };
    let Asked::Of(aggregate @ (Aggregate::Min | Aggregate::Max), values) = &elements.asked else { return None };
    let is_beside = |other: &&&RowsTest| {
        let RowsAsked::Elements(asked) = &other.asked else { return false };
        other.relation == rows.relation && asked.filter == elements.filter && at_least_one(asked).is_none()
    };
    if tests.iter().filter(is_beside).count() > 1 {
        return None;
    }
    let is_max = *aggregate == Aggregate::Max;
    let end = |values| End { table, rows, values, is_max }.holds();
    Some(Expr::and(values.iter().map(end).collect::<Option<Vec<_>>>()?))
}

/// The two conditions on a row, if the condition, or else its complement, is that a row satisfies the first one and none
/// the second one.
pub(super) fn one_and_none(checked: &Checked) -> Option<(&Expr<DocumentTest>, &Expr<DocumentTest>)> {
    match checked {
        Expr::Not(inner) => one_and_none(inner),
        Expr::And(parts) => match parts.as_slice() {
            [one, Expr::Not(none)] => Some((has_row(one)?, has_row(none)?)),
            _ => None,
        },
        _ => None,
    }
}

fn has_row(checked: &Checked) -> Option<&Expr<DocumentTest>> {
    match checked {
        Expr::Test(Atom::Rows(RowsTest { asked: RowsAsked::Some(condition), .. })) => Some(condition),
        _ => None,
    }
}

fn replaced(checked: &Checked, replace: &impl Fn(&RowsTest) -> Option<Checked>) -> Checked {
    match checked {
        Expr::Const(value) => Expr::Const(*value),
        Expr::And(parts) => Expr::and(parts.iter().map(|part| replaced(part, replace))),
        Expr::Or(parts) => Expr::or(parts.iter().map(|part| replaced(part, replace))),
        Expr::Not(part) => replaced(part, replace).not(),
        Expr::Test(Atom::Rows(rows)) => replace(rows).unwrap_or_else(|| checked.clone()),
        Expr::Test(_) => checked.clone(),
    }
}

/// A row that the filter lets through satisfies the condition.
fn some(rows: &RowsTest, condition: Expr<DocumentTest>) -> Checked {
    let filter = match &rows.asked {
        RowsAsked::Elements(elements) => elements.filter.clone(),
        RowsAsked::Some(_) => None,
    };
    let filter = filter.unwrap_or(Expr::Const(true));
    match Expr::and([filter, condition]) {
        Expr::Const(false) => Expr::Const(false),
        condition => {
            Expr::Test(Atom::Rows(RowsTest { relation: rows.relation.clone(), asked: RowsAsked::Some(condition) }))
        }
    }
}

/// A test that holds if there is a row which satisfies a condition or, if false, if there is none.
fn at_least_one(elements: &ElementsTest) -> Option<(Expr<DocumentTest>, bool)> {
    let compares = |test: &ValueTest, comparison, bound: i64| {
        *test == ValueTest::Compare(comparison, Value::Number(Decimal::from(bound)))
    };
    let of_count = |test: &ValueTest| {
        if compares(test, Comparison::Gte, 1) || compares(test, Comparison::Gt, 0) {
            return Some(true);
        }
        let is_zero = *test == ValueTest::Eq(Value::Number(Decimal::from(0)))
            || compares(test, Comparison::Lt, 1)
            || compares(test, Comparison::Lte, 0);
        is_zero.then_some(false)
    };
    match &elements.asked {
        Asked::Every(condition) => Some((condition.clone().not(), false)),
        Asked::Count(Expr::Test(test)) => of_count(test).map(|positive| (Expr::Const(true), positive)),
        Asked::Count(Expr::Not(inner)) => match &**inner {
            Expr::Test(test) => of_count(test).map(|positive| (Expr::Const(true), !positive)),
            _ => None,
        },
        _ => None,
    }
}

/// The greatest of the rows' values, or the least.
struct End<'a> {
    table: &'a ContactTable,
    rows: &'a RowsTest,
    values: &'a ValuesTest,
    is_max: bool,
}

/// The most values of `$in` for which two sub-queries each are faster than one for all.
const FEW: usize = 2;

impl End<'_> {
    /// `None` if it cannot be said of single rows.
    fn holds(&self) -> Option<Checked> {
        self.is_comparable().then(|| self.asked(&self.values.asked))?
    }

    /// Whether each row has at most one value, and these are in one order with the constants that they are compared with.
    fn is_comparable(&self) -> bool {
        let path = &self.values.path;
        let column = self.table.relation(&self.rows.relation).and_then(|relation| relation.rows.column(path.first()));
        let is_scalar = self.values.read_as.is_some_and(PropertyType::is_scalar);
        match self.values.kind {
            ValueKind::Number => is_scalar,
            ValueKind::String | ValueKind::Date(_) => {
                let is_of_scalars = |column: &crate::sql::NativeColumn| column.kind.property_type().is_scalar();
                path.rest().is_empty() && column.is_some_and(is_of_scalars)
            }
            ValueKind::Boolean | ValueKind::Anything => false,
        }
    }

    fn asked(&self, asked: &Expr<ValueTest>) -> Option<Checked> {
        Some(match asked {
            Expr::Const(value) => Expr::Const(*value),
            Expr::And(parts) => Expr::and(parts.iter().map(|part| self.asked(part)).collect::<Option<Vec<_>>>()?),
            Expr::Or(parts) => Expr::or(parts.iter().map(|part| self.asked(part)).collect::<Option<Vec<_>>>()?),
            Expr::Not(part) => self.asked(part)?.not(),
            Expr::Test(test) => self.test(test)?,
        })
    }

    fn test(&self, test: &ValueTest) -> Option<Checked> {
        let beyond = if self.is_max { Comparison::Gt } else { Comparison::Lt };
        Some(match test {
            ValueTest::Eq(Value::Null) => return None,
            ValueTest::Eq(constant) => Expr::and([
                self.has(ValueTest::Eq(constant.clone())),
                self.has(ValueTest::Compare(beyond, constant.clone())).not(),
            ]),
            ValueTest::In(constants) if constants.len() <= FEW => {
                let each = constants.iter().map(|constant| self.test(&ValueTest::Eq(constant.clone())));
                Expr::or(each.collect::<Option<Vec<_>>>()?)
            }
            ValueTest::Compare(comparison, constant) => {
                let is_toward_end = matches!(comparison, Comparison::Gt | Comparison::Gte) == self.is_max;
                let has = self.has(test.clone());
                let others = ValueTest::Compare(opposite(*comparison), constant.clone());
                if is_toward_end { has } else { Expr::and([has, self.has(others).not()]) }
            }
            _ => return None,
        })
    }

    /// A row has a value that satisfies the test.
    fn has(&self, test: ValueTest) -> Checked {
        let field = FieldTest { path: self.values.path.clone(), read_as: self.values.read_as, test };
        some(self.rows, Expr::Test(DocumentTest::Field(field)))
    }
}

/// The comparison that holds for the other values.
fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Gt => Comparison::Lte,
        Comparison::Gte => Comparison::Lt,
        Comparison::Lt => Comparison::Gte,
        Comparison::Lte => Comparison::Gt,
    }
}
