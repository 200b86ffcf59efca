//! Compiles comparisons of fields with each other, of which at least one is a column.
//!
//! Numbers, strings and booleans are compared as SQL values; a custom property is read with its `property_*` function.
//! Two columns of days or points in time are compared as SQL values, too; values outside the years 1 to 9999 count as
//! their first or last moment. All other comparisons are put to a document that has the columns and the keys.

use super::Compiler;
use super::table::{ColumnKind, NativeColumn, TypedIndex};
use super::tree::{Infix, SqlExpr, Symbol};
use crate::ast::Comparison;
use crate::date::{Day, Instant, NamedZone};
use crate::expr::{PairTest, Reading, Side};
use crate::path::{Path, as_index};
use crate::types::ScalarType;

/// A side of a comparison as SQL.
pub(super) struct Term {
    pub sql: String,
    pub kind: ColumnKind,
    is_nullable: bool,
    may_be_nan: bool,
}

impl Compiler<'_> {
    /// Compiles the comparison, or its complement if `positive` is false. Returns `None` if SQL cannot express it
    /// exactly. The comparison may be NULL where it does not hold; the complement is never NULL.
    pub(super) fn pair(&self, pair: &PairTest, positive: bool) -> Option<SqlExpr> {
        let sql = match pair.reading() {
            Reading::Anything => return None,
            Reading::Moments { by_day } => self.moments(pair, by_day)?,
            Reading::Scalar(scalar) => self.scalars(pair, scalar)?,
        };
        let Pair { terms, sql } = sql;
        let nulls = terms.iter().filter(|term| term.is_nullable);
        Some(if positive {
            // A disjunction can be true although one part is NULL.
            let guards =
                nulls.filter(|_| matches!(sql, SqlExpr::Or(_))).map(|term| SqlExpr::IsNotNull(term.sql.clone()));
            SqlExpr::and(guards.chain([sql.clone()]))
        } else {
            SqlExpr::or(nulls.map(|term| SqlExpr::IsNull(term.sql.clone())).chain([sql.clone().negate()]))
        })
    }

    fn scalars(&self, pair: &PairTest, scalar: ScalarType) -> Option<Pair> {
        let [left, right] = pair.sides.each_ref().map(|side| self.scalar(side, scalar));
        let terms = [left?, right?];
        let sql = match scalar {
            ScalarType::Number => self.numbers(&terms, pair.order),
            ScalarType::Boolean => SqlExpr::infix(&*terms[0].sql, Symbol::Eq, &*terms[1].sql),
            _ => self.texts(&terms, pair.order),
        };
        Some(Pair { terms, sql })
    }

    /// A field as an SQL term of this type; `None` if there is none.
    fn scalar(&self, side: &Side, scalar: ScalarType) -> Option<Term> {
        self.scalar_at(side.path()?, scalar)
    }

    /// The value of this type at a path as an SQL term; `None` if there is none.
    pub(super) fn scalar_at(&self, path: &Path, scalar: ScalarType) -> Option<Term> {
        if path.rest().iter().any(|key| as_index(key).is_some()) {
            return None;
        }
        let (document, path) = match (self.table.column(path.first()), &self.table.properties) {
            (Some(column), _) if path.rest().is_empty() => {
                let is_of_type = column.kind.property_type() == crate::types::PropertyType::Scalar(scalar);
                return is_of_type.then(|| self.column(column));
            }
            (Some(column), _) if column.kind == ColumnKind::Jsonb => {
                (&column.name, Path::from_keys(path.rest().to_vec()))
            }
            (None, Some(properties)) => (&properties.name, Path::from_keys(path.keys().to_vec())),
            _ => return None,
        };
        let kind = match scalar {
            ScalarType::Number => ColumnKind::Numeric,
            ScalarType::Boolean => ColumnKind::Boolean,
            _ => ColumnKind::Text { deterministic: true },
        };
        let writer = self.writer;
        let function = writer.own(TypedIndex::function(scalar));
        let sql = format!("{function}({}, {})", writer.column(document), writer.text(path.text()));
        Some(Term { sql, kind, is_nullable: true, may_be_nan: false })
    }

    fn column(&self, column: &NativeColumn) -> Term {
        Term {
            sql: self.writer.value(column),
            kind: column.kind.clone(),
            is_nullable: !column.not_null,
            may_be_nan: matches!(column.kind, ColumnKind::Numeric | ColumnKind::Real | ColumnKind::Double),
        }
    }

    /// Compares numbers. NaN is no number. A float counts as the number that it prints as, which matters for floats of
    /// different widths.
    fn numbers(&self, terms: &[Term; 2], order: Option<Comparison>) -> SqlExpr {
        let is_float = |term: &Term| matches!(term.kind, ColumnKind::Real | ColumnKind::Double);
        let as_printed = terms.iter().any(is_float) && terms[0].kind != terms[1].kind;
        let writer = self.writer;
        let term = |term: &Term| match as_printed && is_float(term) {
            true => format!("{}::{}", writer.as_text(&term.sql), writer.type_name(&ColumnKind::Numeric)),
            false => term.sql.clone(),
        };
        let compared = SqlExpr::infix(term(&terms[0]), symbol(order), term(&terms[1]));
        let is_number = terms
            .iter()
            .filter(|term| term.may_be_nan)
            .map(|term| SqlExpr::infix(&*term.sql, Symbol::Ne, writer.literal(&term.kind, "NaN")));
        SqlExpr::and([compared].into_iter().chain(is_number))
    }

    /// Compares texts by their bytes; two columns that ignore case are compared as their type does.
    fn texts(&self, terms: &[Term; 2], order: Option<Comparison>) -> SqlExpr {
        let writer = self.writer;
        let in_c = |term: &str| format!("{term} COLLATE {}", writer.c_collation());
        if let [ColumnKind::Citext { schema }, ColumnKind::Citext { .. }] = terms.each_ref().map(|term| &term.kind) {
            let operator = Infix { symbol: symbol(order), schema: Some(schema.clone()) };
            return SqlExpr::infix(in_c(&terms[0].sql), operator, &*terms[1].sql);
        }
        let text = |term: &Term| match &term.kind {
            ColumnKind::Text { .. } => term.sql.clone(),
            ColumnKind::Inet => writer.printed(&term.sql),
            kind @ ColumnKind::Enum { .. } if writer.plain(kind, &term.sql) != term.sql => {
                writer.plain(kind, &term.sql)
            }
            _ => writer.as_text(&term.sql),
        };
        SqlExpr::infix(in_c(&text(&terms[0])), symbol(order), text(&terms[1]))
    }

    fn moments(&self, pair: &PairTest, by_day: bool) -> Option<Pair> {
        let column = |side: &Side| {
            let path = side.path().filter(|path| path.rest().is_empty())?;
            self.table.column(path.first()).map(|column| self.column(column))
        };
        let [left, right] = pair.sides.each_ref().map(column);
        let terms = [left?, right?];
        let has_zone = |term: &Term| term.kind == ColumnKind::TimestampTz;
        let kind = match by_day {
            true => ColumnKind::Date,
            false if terms.iter().any(has_zone) => ColumnKind::TimestampTz,
            false => ColumnKind::Timestamp,
        };
        let [left, right] = terms.each_ref().map(|term| self.moment(term, &kind, &pair.zone));
        let (least, greatest) = match by_day {
            true => (Day::MIN.to_string(), Day::MAX.to_string()),
            false => (super::moment::text(&kind, Instant::MIN), super::moment::text(&kind, Instant::MAX)),
        };
        let infix = |left: &str, symbol, right: &str| SqlExpr::infix(left, symbol, right);
        let [least, greatest] = [least, greatest].map(|text| self.writer.literal(&kind, &text));
        // Values that are both before the first moment, or both after the last, are equal.
        let before = |left: &str, right: &str| {
            SqlExpr::and([
                infix(left, Symbol::Lt, right),
                infix(left, Symbol::Lt, &greatest),
                infix(right, Symbol::Gt, &least),
            ])
        };
        let sql = match pair.order {
            Some(Comparison::Lt) => before(&left, &right),
            Some(Comparison::Gt) => before(&right, &left),
            Some(Comparison::Gte) => before(&left, &right).negate(),
            Some(Comparison::Lte) => before(&right, &left).negate(),
            None => {
                let both =
                    |symbol, bound: &str| SqlExpr::and([infix(&left, symbol, bound), infix(&right, symbol, bound)]);
                SqlExpr::or([infix(&left, Symbol::Eq, &right), both(Symbol::Lte, &least), both(Symbol::Gte, &greatest)])
            }
        };
        Some(Pair { terms, sql })
    }

    /// The value of a column as a day, or as a point in time.
    fn moment(&self, term: &Term, kind: &ColumnKind, zone: &NamedZone) -> String {
        let writer = self.writer;
        let at = |zone: &str, term: &str| format!("{}({}, {term})", writer.builtin("timezone"), writer.text(zone));
        match (&term.kind, kind) {
            (ColumnKind::Timestamp, ColumnKind::Date) if !zone.is_utc() => {
                let wall = at(zone.name(), &at("UTC", &term.sql));
                format!("{wall}::{}", writer.type_name(kind))
            }
            (ColumnKind::TimestampTz, ColumnKind::Date) => {
                format!("{}::{}", at(zone.name(), &term.sql), writer.type_name(kind))
            }
            (ColumnKind::Timestamp, ColumnKind::Date) => format!("{}::{}", term.sql, writer.type_name(kind)),
            (ColumnKind::Timestamp, ColumnKind::TimestampTz) => at("UTC", &term.sql),
            _ => term.sql.clone(),
        }
    }

    /// Writes `jsonb_build_object('country', country)` with the columns and custom properties that tests read.
    pub(super) fn object_of(&self, members: &[Member<'_>]) -> String {
        let writer = self.writer;
        let members: Vec<String> = members
            .iter()
            .filter_map(|member| Some(format!("{}, {}", writer.text(&member.key), self.member_value(member)?)))
            .collect();
        format!("{}({})", writer.builtin("jsonb_build_object"), members.join(", "))
    }

    /// The value of a member, which is NULL or null where the row has none; `None` if no row has one.
    pub(super) fn member_value(&self, Member { key, column, is_compared }: &Member<'_>) -> Option<String> {
        let writer = self.writer;
        Some(match (column, &self.table.properties) {
            (Some(column), _) if *is_compared => self.bounded(column),
            (Some(column), _) => writer.seen(column),
            (None, Some(properties)) => {
                let operator = writer.operator(&Symbol::Member.into());
                format!("{} {operator} {}", writer.column(&properties.name), writer.text(key))
            }
            (None, None) => return None,
        })
    }

    /// A column's value as a document has it. Moments outside the years 1 to 9999 become the first or the last moment
    /// of these years.
    fn bounded(&self, column: &NativeColumn) -> String {
        let writer = self.writer;
        let term = writer.value(column);
        if let ColumnKind::Array(element) = &column.kind
            && element.property_type().element().is_some_and(ScalarType::is_temporal)
        {
            let name = writer.identifier("element");
            let within = self.bounded_term(element, &name).unwrap_or_else(|| name.clone());
            let list = format!("ARRAY(SELECT {within} FROM {}({term}) AS {name})", writer.builtin("unnest"));
            return format!("CASE WHEN {term} IS NOT NULL THEN {list} END");
        }
        self.bounded_term(&column.kind, &term).unwrap_or_else(|| writer.seen(column))
    }

    /// A date or a timestamp within those years; `None` of other kinds.
    fn bounded_term(&self, kind: &ColumnKind, term: &str) -> Option<String> {
        let writer = self.writer;
        let bounded = self.within_years(kind, term)?;
        let bounded = match kind {
            // In the session's zone, the first and the last moment may be shown as of other years.
            ColumnKind::TimestampTz => format!("{}({}, {bounded})", writer.builtin("timezone"), writer.text("UTC")),
            _ => bounded,
        };
        Some(format!("CASE WHEN {term} IS NOT NULL THEN {bounded} END"))
    }

    /// A date or a timestamp within those years, or a bound for NULL, which LEAST and GREATEST ignore; `None` of other
    /// kinds.
    pub(super) fn within_years(&self, kind: &ColumnKind, term: &str) -> Option<String> {
        let [least, greatest] = self.bounds_of_years(kind)?;
        Some(format!("LEAST(GREATEST({term}, {least}), {greatest})"))
    }

    /// The first and the last date or timestamp of those years; `None` of other kinds.
    pub(super) fn bounds_of_years(&self, kind: &ColumnKind) -> Option<[String; 2]> {
        let bounds = match kind {
            ColumnKind::Date => [Day::MIN, Day::MAX].map(|day| day.to_string()),
            kind @ (ColumnKind::Timestamp | ColumnKind::TimestampTz) => {
                [Instant::MIN, Instant::MAX].map(|instant| super::moment::text(kind, instant))
            }
            _ => return None,
        };
        Some(bounds.map(|text| self.writer.literal(kind, &text)))
    }
}

/// A member of the document that is built from a row.
pub(super) struct Member<'t> {
    pub key: String,
    /// The column with this name; `None` for a custom property
    pub column: Option<&'t NativeColumn>,
    /// Whether it is compared with other members
    pub is_compared: bool,
}

struct Pair {
    terms: [Term; 2],
    sql: SqlExpr,
}

fn symbol(order: Option<Comparison>) -> Symbol {
    order.map_or(Symbol::Eq, Symbol::from)
}
