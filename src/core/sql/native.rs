//! Compiles tests on a column with one value to SQL that indexes can serve.

use super::moment;
use super::number::{self, NumberComparison};
use super::table::ColumnKind;
use super::tree::{Equal, Infix, OneOf, SqlExpr, Symbol};
use super::writer::Writer;
use crate::ast::Comparison;
use crate::expr::{Constant, Expr, FieldTest, ValueTest};
use crate::path::Path;
use crate::pattern::TextTest;
use crate::value::Value;
use std::collections::HashSet;
use std::net::IpAddr;

/// An SQL term whose values are neither arrays nor json.
pub(super) struct Scalar<'a> {
    pub writer: Writer<'a>,
    pub kind: &'a ColumnKind,
    pub term: &'a str,
    /// Whether a numeric or floating-point value may be NaN, which Postgres sorts after all numbers
    pub may_be_nan: bool,
}

impl Scalar<'_> {
    /// Compiles a test on a value that is not NULL. Returns `None` if SQL cannot express the test exactly.
    pub(super) fn test(&self, test: &ValueTest) -> Option<SqlExpr> {
        let is_string = self.kind.is_string();
        match test {
            ValueTest::Eq(constant) => self.one_of(std::slice::from_ref(constant)),
            ValueTest::In(constants) => self.one_of(constants),
            ValueTest::Compare(comparison, constant) => self.ordered(*comparison, constant),
            ValueTest::Exists => Some(SqlExpr::Const(true)),
            ValueTest::Text(test, needle) if is_string && needle.is_exact() => Some(self.like(*test, needle.text())),
            ValueTest::Regex(_) | ValueTest::Matches(_) | ValueTest::Text(..) | ValueTest::Alike(_) => None,
            ValueTest::Mod(divisor, remainder) => self.remainder(*divisor, *remainder),
            ValueTest::ElemMatch(_) | ValueTest::Size(_) => Some(SqlExpr::Const(false)),
            // It is no array.
            ValueTest::Elements(elements) => Some(SqlExpr::Const(elements.holds_for_none())),
            ValueTest::Type(types) => {
                Some(SqlExpr::Const(self.kind.json_type().is_some_and(|own| types.contains(&own))))
            }
            // SQL does not express these. They are evaluated with a document, whose reader knows all zones.
            ValueTest::Part(..) | ValueTest::Anniversary(..) => None,
            ValueTest::Empty if self.kind == &ColumnKind::Inet => Some(SqlExpr::Const(false)),
            ValueTest::Empty if is_string => self.one_of(&[Value::String(String::new())]),
            ValueTest::Empty => Some(SqlExpr::Const(false)),
        }
    }

    /// The remainder of the integral part; of a float, of the number that it prints as, which SQL does not have.
    fn remainder(&self, divisor: i64, remainder: i64) -> Option<SqlExpr> {
        let writer = self.writer;
        let integral = match self.kind {
            ColumnKind::SmallInt | ColumnKind::Integer | ColumnKind::BigInt => self.term.to_owned(),
            ColumnKind::Numeric => format!("{}({})", writer.builtin("trunc"), self.term),
            ColumnKind::Real | ColumnKind::Double => return None,
            _ => return Some(SqlExpr::Const(false)),
        };
        let number = |number: i64| writer.literal(&ColumnKind::BigInt, &number.to_string());
        let found = format!("{}({integral}, {})", writer.builtin("mod"), number(divisor));
        Some(SqlExpr::infix(found, Symbol::Eq, number(remainder)))
    }

    /// The value is equal to one of the constants.
    pub(super) fn one_of(&self, constants: &[Constant]) -> Option<SqlExpr> {
        let mut texts = Vec::new();
        let mut parts = Vec::new();
        for constant in constants {
            match self.equal(constant)? {
                Equal::To(text) => texts.push(text),
                Equal::When(sql) => parts.push(sql),
                Equal::Never => {}
            }
        }
        parts.insert(0, self.equal_to_any(texts));
        Some(SqlExpr::or(parts))
    }

    /// Equality with the constant; `None` if SQL cannot express it.
    pub(super) fn equal(&self, constant: &Constant) -> Option<Equal> {
        let found = |text: Option<String>| text.map_or(Equal::Never, Equal::To);
        Some(match (self.kind, constant) {
            (ColumnKind::Uuid, Value::String(text)) => found(canonical_uuid(text)),
            (ColumnKind::Inet, Value::String(text)) if is_plain_address(text) => Equal::To(text.clone()),
            (ColumnKind::Inet, Value::String(text)) => {
                Equal::When(SqlExpr::infix(self.text(), Symbol::Eq, self.writer.text(text)))
            }
            (ColumnKind::Enum { labels, .. }, Value::String(text)) => {
                found(labels.contains(text).then(|| text.clone()))
            }
            (kind, Value::String(text)) if kind.is_string() => Equal::To(text.clone()),
            (ColumnKind::Boolean, Value::Bool(value)) => Equal::To(value.to_string()),
            (kind, Value::Number(number)) if kind.is_number() => found(number::equal(kind, number)),
            (ColumnKind::Date, Value::Literal(range)) => moment::equal_day(self.writer, self.kind, self.term, range),
            (ColumnKind::Timestamp | ColumnKind::TimestampTz, Value::Literal(range)) => {
                moment::equal(self.writer, self.kind, self.term, range)
            }
            (kind, Value::Literal(_)) if kind.is_string() => return None,
            (ColumnKind::Date | ColumnKind::Timestamp | ColumnKind::TimestampTz, Value::String(_)) => return None,
            _ => Equal::Never,
        })
    }

    fn equal_to_any(&self, mut texts: Vec<String>) -> SqlExpr {
        let (writer, kind) = (self.writer, self.kind);
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        match (kind, texts.len()) {
            (_, 0) => SqlExpr::Const(false),
            (ColumnKind::Boolean, 1) if texts[0] == "true" => SqlExpr::Truth(self.term.to_owned()),
            (ColumnKind::Boolean, 1) => SqlExpr::Truth(self.term.to_owned()).negate(),
            (ColumnKind::Boolean, _) => SqlExpr::Const(true),
            (_, 1) => {
                SqlExpr::infix(self.equality_term(), self.operator(Symbol::Eq), writer.literal(kind, &texts.remove(0)))
            }
            _ => {
                let literals = texts.iter().map(|text| writer.literal(kind, text)).collect();
                let texts: Vec<_> = texts.into_iter().map(Some).collect();
                let array = writer.array(kind, &texts);
                SqlExpr::OneOf(OneOf {
                    term: self.equality_term(),
                    operator: self.operator(Symbol::Eq),
                    literals,
                    array,
                })
            }
        }
    }

    fn ordered(&self, comparison: Comparison, constant: &Constant) -> Option<SqlExpr> {
        let writer = self.writer;
        Some(match (self.kind, constant) {
            (kind, Value::String(text)) if kind.is_string() => self.ordered_text(comparison, text),
            (kind, Value::Number(number)) if kind.is_number() => match number::ordered(kind, comparison, number) {
                NumberComparison::Always(holds) => SqlExpr::Const(holds),
                NumberComparison::Compare(comparison, text) => {
                    self.below_nan(comparison, self.compare(comparison, &text))
                }
            },
            (ColumnKind::Boolean, Value::Bool(value)) => self.compare(comparison, &value.to_string()),
            (ColumnKind::Date, Value::Literal(range)) => {
                moment::ordered_day(writer, self.kind, self.term, comparison, range)
            }
            (ColumnKind::Timestamp | ColumnKind::TimestampTz, Value::Literal(range)) => {
                moment::ordered(writer, self.kind, self.term, comparison, range)
            }
            (kind, Value::Literal(_)) if kind.is_string() => return None,
            (ColumnKind::Date | ColumnKind::Timestamp | ColumnKind::TimestampTz, Value::String(_)) => return None,
            _ => SqlExpr::Const(false),
        })
    }

    fn compare(&self, comparison: Comparison, text: &str) -> SqlExpr {
        SqlExpr::infix(self.term, Symbol::from(comparison), self.writer.literal(self.kind, text))
    }

    /// Excludes NaN, which is no number, but is sorted after all numbers in Postgres.
    fn below_nan(&self, comparison: Comparison, sql: SqlExpr) -> SqlExpr {
        let has_nan = matches!(self.kind, ColumnKind::Numeric | ColumnKind::Real | ColumnKind::Double);
        if has_nan && self.may_be_nan && matches!(comparison, Comparison::Gt | Comparison::Gte) {
            SqlExpr::and([sql, self.compare(Comparison::Lt, "NaN")])
        } else {
            sql
        }
    }

    /// An ordered comparison of strings by their bytes, whatever the column's collation is.
    fn ordered_text(&self, comparison: Comparison, text: &str) -> SqlExpr {
        let writer = self.writer;
        let text_kind = &ColumnKind::Text { deterministic: true };
        let (term, kind) = match self.kind {
            // Uuids have the same order as their canonical texts.
            ColumnKind::Uuid if canonical_uuid(text).as_deref() == Some(text) => return self.compare(comparison, text),
            ColumnKind::Uuid | ColumnKind::Inet | ColumnKind::Enum { .. } => (self.text(), text_kind),
            kind => (self.term.to_owned(), kind),
        };
        SqlExpr::infix(self.in_c(&term), self.operator(comparison.into()), writer.literal(kind, text))
    }

    /// A test for literal text as `LIKE`, because indexes serve it: B-trees with `text_pattern_ops` or the C collation
    /// serve prefixes, and trigram indexes serve any part.
    fn like(&self, test: TextTest, needle: &str) -> SqlExpr {
        if needle.is_empty() {
            return SqlExpr::Const(true);
        }
        let mut pattern = String::new();
        for character in needle.chars() {
            if matches!(character, '\\' | '%' | '_') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        let pattern = match test {
            TextTest::Contains => format!("%{pattern}%"),
            TextTest::StartsWith => format!("{pattern}%"),
            TextTest::EndsWith => format!("%{pattern}"),
        };
        if let ColumnKind::Citext { .. } = self.kind {
            // citext compares in lower case by the database's collation. A trigram index on the column's text serves
            // this.
            let term = format!("{} COLLATE {}", self.text(), self.writer.default_collation());
            return SqlExpr::infix(term, Symbol::ILike, self.writer.text(&pattern));
        }
        let term = match self.kind {
            ColumnKind::Text { .. } | ColumnKind::Varchar { .. } => self.equality_term(),
            // The other types have no LIKE, or one of their own that ignores case or depends on padding.
            ColumnKind::Char { deterministic: false } => self.in_c(&self.writer.as_text(self.term)),
            _ => self.text(),
        };
        SqlExpr::infix(term, Symbol::Like, self.writer.text(&pattern))
    }

    /// A test that SQL cannot express, put with `@~` to a document that has only the string. So other tests on the
    /// column stay in SQL, which compares as the type does.
    pub(super) fn pattern(&self, test: &ValueTest) -> Option<SqlExpr> {
        const KEY: &str = "value";
        let is_pattern =
            matches!(test, ValueTest::Regex(_) | ValueTest::Matches(_) | ValueTest::Text(..) | ValueTest::Alike(_));
        if !self.kind.is_string() || !is_pattern {
            return None;
        }
        let path = Path::from_keys(vec![KEY.to_owned()]);
        let condition = Expr::Test(FieldTest { path, read_as: None, test: test.clone() }).to_condition().to_string();
        let writer = self.writer;
        let document = format!("{}({}, {})", writer.builtin("jsonb_build_object"), writer.text(KEY), self.text());
        Some(SqlExpr::infix(document, writer.matches(), writer.condition(&condition)))
    }

    /// The term with a collation in which only equal bytes are equal. It is the term's own if possible, so that an
    /// index can serve.
    pub(super) fn equality_term(&self) -> String {
        match self.kind {
            ColumnKind::Text { deterministic: false }
            | ColumnKind::Varchar { deterministic: false }
            | ColumnKind::Char { deterministic: false } => self.in_c(self.term),
            _ => self.term.to_owned(),
        }
    }

    /// The text of a value that is of another type.
    pub(super) fn text(&self) -> String {
        match self.kind {
            ColumnKind::Enum { .. } if self.writer.plain(self.kind, self.term) != self.term => {
                self.writer.plain(self.kind, self.term)
            }
            // A cast adds the width of the network to an address, which its output function does not.
            ColumnKind::Inet => self.writer.printed(self.term),
            _ => self.writer.as_text(self.term),
        }
    }

    fn in_c(&self, term: &str) -> String {
        format!("{term} COLLATE {}", self.writer.c_collation())
    }

    /// An operator of the column's type.
    fn operator(&self, symbol: Symbol) -> Infix {
        let schema = match self.kind {
            ColumnKind::Citext { schema } => Some(schema.clone()),
            _ => None,
        };
        Infix { symbol, schema }
    }
}

/// Whether the text is an address without a network, exactly as Postgres writes it, so that equality of addresses is
/// equality of texts. This is false for the few addresses that Postgres writes in a special way (`::1.2.3.4`).
fn is_plain_address(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.segments()[..5] == [0; 5] => false,
        Ok(address) => address.to_string() == text,
        Err(_) => false,
    }
}

/// The canonical text of a uuid that is written with hyphens; `None` for other text.
#[must_use]
pub fn canonical_uuid(text: &str) -> Option<String> {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_uuid.then(|| text.to_ascii_lowercase())
}
