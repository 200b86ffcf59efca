//! Aggregates of the rows of each contact.

use super::related::Related;
use super::{SqlExpr, Symbol};
use crate::ast::Aggregate;
use crate::expr::{Asked, Constant, ElementsTest, Expr, ValueKind, ValueTest, ValuesTest, holds_of_count};
use crate::sql::native::Scalar;
use crate::sql::table::ColumnKind;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

/// Aggregates of the rows in a group.
pub(super) struct Aggregates<'a> {
    pub(super) related: &'a Related<'a>,
    /// The rows that they are of, among those of the group
    filter: Option<SqlExpr>,
    /// Whether each row of the group has a value that counts
    are_present: bool,
}

/// The values that an aggregate is of.
struct Operand {
    term: String,
    kind: ColumnKind,
    may_be_nan: bool,
    /// Whether a sum of a few values may be past the range of `numeric`
    may_be_vast: bool,
}

impl<'a> Aggregates<'a> {
    pub(super) fn of(related: &'a Related<'a>, filter: Option<SqlExpr>) -> Self {
        Aggregates { related, filter, are_present: false }
    }

    /// The aggregates of a group whose rows satisfy the [`presence`](Self::presence) of the test.
    pub(super) fn of_present(self) -> Self {
        Aggregates { are_present: true, ..self }
    }

    /// Whether the rows satisfy the test, apart from its filter, or its complement if `positive` is false. The expression
    /// is false or NULL where it does not hold.
    pub(super) fn holds(&self, elements: &ElementsTest, positive: bool) -> SqlExpr {
        match &elements.asked {
            Asked::Every(condition) => {
                let others = self.related.satisfying(&condition.clone().not());
                let zero = self.related.writer().literal(&ColumnKind::BigInt, "0");
                let none = SqlExpr::infix(self.over("count", "*", others), Symbol::Eq, zero);
                if positive { none } else { none.negate() }
            }
            Asked::Count(asked) => {
                let count = self.over("count", "*", SqlExpr::Const(true));
                asked_of(asked, positive, &|test, positive| self.of_count(&count, test, positive))
            }
            Asked::Of(aggregate, values) => {
                SqlExpr::join(values.iter().map(|values| self.of_values(*aggregate, values, positive)), positive)
            }
            Asked::End { .. } | Asked::Sequence { .. } => self.ordered_document(&elements.asked, positive),
        }
    }

    /// What rows that count for the only value of the test satisfy. The other rows need not be in the group.
    pub(super) fn presence(&self, elements: &ElementsTest) -> SqlExpr {
        match &elements.asked {
            Asked::Of(aggregate, values) if values.len() == 1 => {
                self.operand(*aggregate, &values[0]).map_or(SqlExpr::Const(true), |operand| self.is_number(&operand))
            }
            _ => SqlExpr::Const(true),
        }
    }

    /// `function(argument) FILTER (WHERE …)`
    pub(super) fn over(&self, function: &str, argument: &str, condition: SqlExpr) -> String {
        let writer = self.related.writer();
        let function = writer.builtin(function);
        match SqlExpr::and(self.filter.iter().cloned().chain([condition])) {
            SqlExpr::Const(true) => format!("{function}({argument})"),
            condition => format!("{function}({argument}) FILTER (WHERE {})", writer.write(&condition)),
        }
    }

    fn of_values(&self, aggregate: Aggregate, values: &ValuesTest, positive: bool) -> SqlExpr {
        let Some(operand) = self.operand(aggregate, values) else {
            return self.values_document(aggregate, values, positive);
        };
        match aggregate {
            Aggregate::Sum => self.sum(&operand, &values.asked, positive),
            Aggregate::Avg => self.average(&operand, &values.asked, positive),
            Aggregate::Min => self.end("min", &operand, &values.asked, positive),
            Aggregate::Max => self.end("max", &operand, &values.asked, positive),
            Aggregate::Distinct => {
                let (argument, present) = self.distinguished(&operand);
                let count = self.over("count", &format!("DISTINCT {argument}"), present);
                asked_of(&values.asked, positive, &|test, positive| self.of_count(&count, test, positive))
            }
        }
    }

    /// The values as an SQL term; `None` if SQL has none, or cannot aggregate it exactly.
    fn operand(&self, aggregate: Aggregate, values: &ValuesTest) -> Option<Operand> {
        let rows = self.related.rows();
        if let Some(column) = self.related.relation.rows.column(values.path.first())
            && values.path.rest().is_empty()
        {
            let kind = &column.kind;
            let property_type = kind.property_type();
            let is_of_kind = match &values.kind {
                ValueKind::Number => kind.is_number(),
                ValueKind::String => kind.is_string(),
                ValueKind::Boolean => *kind == ColumnKind::Boolean,
                ValueKind::Date(_) => is_moment(kind),
                ValueKind::Anything => aggregate == Aggregate::Distinct && property_type.is_scalar(),
            };
            let may_be_nan = matches!(kind, ColumnKind::Numeric | ColumnKind::Real | ColumnKind::Double);
            let may_be_vast = *kind == ColumnKind::Numeric && !column.has_precision;
            let term = rows.writer.value(column);
            return is_of_kind.then(|| Operand { term, kind: kind.clone(), may_be_nan, may_be_vast });
        }
        let scalar = match (&values.kind, values.read_as) {
            (ValueKind::Number, Some(PropertyType::Scalar(scalar @ ScalarType::Number)))
            | (ValueKind::String, Some(PropertyType::Scalar(scalar @ ScalarType::String)))
            | (ValueKind::Boolean, Some(PropertyType::Scalar(scalar @ ScalarType::Boolean))) => scalar,
            _ => return None,
        };
        let term = rows.scalar_at(&values.path, scalar)?;
        let may_be_vast = term.kind == ColumnKind::Numeric;
        Some(Operand { term: term.sql, kind: term.kind, may_be_nan: false, may_be_vast })
    }

    /// The value is not NaN, which is no number.
    fn is_number(&self, operand: &Operand) -> SqlExpr {
        match operand.may_be_nan && !self.are_present {
            true => SqlExpr::infix(&*operand.term, Symbol::Ne, self.related.writer().literal(&operand.kind, "NaN")),
            false => SqlExpr::Const(true),
        }
    }

    /// The sum of the values, or that of their [trillionths](crate::decimal::Decimal::trillionth).
    ///
    /// Floats enter a sum as the numbers that they print as.
    fn total(&self, operand: &Operand, of_trillionths: bool) -> (String, ColumnKind) {
        let writer = self.related.writer();
        let (argument, kind) = match operand.kind {
            ColumnKind::SmallInt | ColumnKind::Integer => (operand.term.clone(), ColumnKind::BigInt),
            ColumnKind::Real | ColumnKind::Double => {
                let numeric = writer.type_name(&ColumnKind::Numeric);
                (format!("{}::{numeric}", writer.as_text(&operand.term)), ColumnKind::Numeric)
            }
            _ if of_trillionths => {
                let trillionth = writer.literal(&ColumnKind::Numeric, "1e-12");
                let times = writer.operator(&Symbol::Times.into());
                (format!("{} {times} {trillionth}", operand.term), ColumnKind::Numeric)
            }
            _ => (operand.term.clone(), ColumnKind::Numeric),
        };
        (self.over("sum", &argument, self.is_number(operand)), kind)
    }

    /// What is asked of the sum of trillionths; `None` if it must be the sum itself.
    ///
    /// A sum past the range of `numeric` raises an error, so that whoever writes a few vast numbers would keep all
    /// contacts from being found. The trillionths of as many rows as a table can have do not come near. They are exact,
    /// but for what numbers have after the 16,371st digit behind the point; where a bound has such digits, the sum itself
    /// is asked.
    fn of_trillionths(&self, operand: &Operand, asked: &Expr<ValueTest>) -> Option<Expr<ValueTest>> {
        let of_constant = |constant: &Constant| match constant {
            Value::Number(number) => number.trillionth().map(Value::Number),
            other => Some(other.clone()),
        };
        let of_test = &mut |test: &ValueTest| {
            Some(match test {
                ValueTest::Eq(constant) => ValueTest::Eq(of_constant(constant)?),
                ValueTest::In(constants) => {
                    ValueTest::In(constants.iter().map(of_constant).collect::<Option<Vec<_>>>()?)
                }
                ValueTest::Compare(comparison, constant) => ValueTest::Compare(*comparison, of_constant(constant)?),
                other => other.clone(),
            })
        };
        operand.may_be_vast.then(|| asked.try_map(of_test))?
    }

    /// The sum of no values is 0. Infinity and -Infinity together are NaN, as which the sum is missing.
    fn sum(&self, operand: &Operand, asked: &Expr<ValueTest>, positive: bool) -> SqlExpr {
        let writer = self.related.writer();
        let of_trillionths = self.of_trillionths(operand, asked);
        let (total, kind) = self.total(operand, of_trillionths.is_some());
        asked_of(of_trillionths.as_ref().unwrap_or(asked), positive, &|test, positive| {
            let is_of_zero = holds_of_count(&Expr::Test(test.clone()), 0) == positive;
            let zero = writer.literal(&kind, "0");
            let term = if is_of_zero { format!("COALESCE({total}, {zero})") } else { total.clone() };
            let sql = match test {
                ValueTest::Exists if operand.may_be_nan => {
                    SqlExpr::infix(&*term, Symbol::Ne, writer.literal(&kind, "NaN"))
                }
                test => {
                    let scalar = Scalar { writer, kind: &kind, term: &term, may_be_nan: operand.may_be_nan };
                    scalar.test(test).unwrap_or(SqlExpr::Const(false))
                }
            };
            let sql = if positive { sql } else { sql.negate() };
            self.with_nan(operand, (&term, &kind), test, sql, positive)
        })
    }

    /// A test of a sum that is missing if it is NaN, with what it says of that.
    fn with_nan(
        &self,
        operand: &Operand,
        (total, kind): (&str, &ColumnKind),
        test: &ValueTest,
        sql: SqlExpr,
        positive: bool,
    ) -> SqlExpr {
        if !(operand.may_be_nan && test.holds_for_missing()) {
            return sql;
        }
        let nan = self.related.writer().literal(kind, "NaN");
        match positive {
            true => SqlExpr::or([SqlExpr::infix(total, Symbol::Eq, nan), sql]),
            false => SqlExpr::and([SqlExpr::infix(total, Symbol::Ne, nan), sql]),
        }
    }

    /// An average is not computed: the sum is compared with the bound times the number of values.
    fn average(&self, operand: &Operand, asked: &Expr<ValueTest>, positive: bool) -> SqlExpr {
        let writer = self.related.writer();
        let of_trillionths = self.of_trillionths(operand, asked);
        let (total, kind) = self.total(operand, of_trillionths.is_some());
        let count = self.over("count", &operand.term, self.is_number(operand));
        let nan = || writer.literal(&kind, "NaN");
        let compared = |symbol: Symbol, constant: &Constant| match constant {
            Value::Number(bound) => {
                let bound = writer.literal(&ColumnKind::Numeric, &bound.to_string());
                let numeric = writer.type_name(&ColumnKind::Numeric);
                let times = writer.operator(&Symbol::Times.into());
                let sql = SqlExpr::infix(&*total, symbol, format!("({bound} {times} ({count})::{numeric})"));
                let may_be_nan = operand.may_be_nan && matches!(symbol, Symbol::Gt | Symbol::Gte);
                SqlExpr::and([sql].into_iter().chain(may_be_nan.then(|| SqlExpr::infix(&*total, Symbol::Lt, nan()))))
            }
            _ => SqlExpr::Const(false),
        };
        asked_of(of_trillionths.as_ref().unwrap_or(asked), positive, &|test, positive| {
            let sql = match test {
                ValueTest::Eq(constant) => compared(Symbol::Eq, constant),
                ValueTest::In(constants) => {
                    SqlExpr::or(constants.iter().map(|constant| compared(Symbol::Eq, constant)))
                }
                ValueTest::Compare(comparison, constant) => compared((*comparison).into(), constant),
                ValueTest::Exists if operand.may_be_nan => SqlExpr::infix(&*total, Symbol::Ne, nan()),
                ValueTest::Exists => SqlExpr::IsNotNull(total.clone()),
                _ => SqlExpr::Const(false),
            };
            self.with_nan(operand, (&total, &kind), test, with_missing(&total, test, sql, positive), positive)
        })
    }

    /// The least or the greatest value; strings by their bytes.
    fn end(&self, function: &str, operand: &Operand, asked: &Expr<ValueTest>, positive: bool) -> SqlExpr {
        let writer = self.related.writer();
        let present = self.is_number(operand);
        let (end, kind) = match &operand.kind {
            kind @ ColumnKind::Citext { .. } => {
                let end = self.over(function, &self.text(operand), present);
                // It is compared as its type compares.
                (format!("({end})::{}", writer.type_name(kind)), kind.clone())
            }
            kind if kind.is_string() => {
                (self.over(function, &self.text(operand), present), ColumnKind::Text { deterministic: true })
            }
            kind => (self.over(function, &operand.term, present), kind.clone()),
        };
        let scalar = Scalar { writer, kind: &kind, term: &end, may_be_nan: false };
        asked_of(asked, positive, &|test, positive| {
            let sql = scalar.test(test).unwrap_or(SqlExpr::Const(false));
            with_missing(&end, test, sql, positive)
        })
    }

    /// The text of a string, which is compared by its bytes.
    fn text(&self, operand: &Operand) -> String {
        let writer = self.related.writer();
        let scalar = Scalar { writer, kind: &operand.kind, term: &operand.term, may_be_nan: false };
        let text = match operand.kind {
            ColumnKind::Text { .. } | ColumnKind::Varchar { .. } => operand.term.clone(),
            ColumnKind::Citext { .. } => {
                format!("{}({} COLLATE {})", writer.builtin("lower"), scalar.text(), writer.default_collation())
            }
            _ => scalar.text(),
        };
        format!("{text} COLLATE {}", writer.c_collation())
    }

    /// A term that is equal for values that are equal, and what the values satisfy that count.
    fn distinguished(&self, operand: &Operand) -> (String, SqlExpr) {
        match &operand.kind {
            ColumnKind::Uuid | ColumnKind::Enum { .. } => (operand.term.clone(), SqlExpr::Const(true)),
            kind if kind.is_string() => (self.text(operand), SqlExpr::Const(true)),
            kind if is_moment(kind) => {
                let bounded =
                    self.related.rows().within_years(kind, &operand.term).unwrap_or_else(|| operand.term.clone());
                // Of NULL it would be a bound.
                (bounded, SqlExpr::IsNotNull(operand.term.clone()))
            }
            _ => (operand.term.clone(), self.is_number(operand)),
        }
    }

    fn of_count(&self, count: &str, test: &ValueTest, positive: bool) -> SqlExpr {
        let writer = self.related.writer();
        let scalar = Scalar { writer, kind: &ColumnKind::BigInt, term: count, may_be_nan: false };
        let sql = scalar.test(test).unwrap_or(SqlExpr::Const(false));
        if positive { sql } else { sql.negate() }
    }
}

/// Combines the tests of a result. Those that `test` compiles are false or NULL where they do not hold.
fn asked_of(asked: &Expr<ValueTest>, positive: bool, test: &dyn Fn(&ValueTest, bool) -> SqlExpr) -> SqlExpr {
    let asked = asked.clone().negate_unless(positive);
    SqlExpr::of_tests(&asked, &mut |asked, positive| Some(test(asked, positive))).unwrap_or(SqlExpr::Const(false))
}

/// A test of a result that is NULL if it is missing.
fn with_missing(term: &str, test: &ValueTest, sql: SqlExpr, positive: bool) -> SqlExpr {
    let sql = if positive { sql } else { sql.negate() };
    match test.holds_for_missing() == positive {
        true => SqlExpr::or([SqlExpr::IsNull(term.to_owned()), sql]),
        false if sql == SqlExpr::Const(true) => SqlExpr::IsNotNull(term.to_owned()),
        false => sql,
    }
}

pub(super) fn is_moment(kind: &ColumnKind) -> bool {
    matches!(kind, ColumnKind::Date | ColumnKind::Timestamp | ColumnKind::TimestampTz)
}
