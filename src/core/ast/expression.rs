//! The operand of `$expr`, which compares fields with each other.

use super::{Comparison, Operand};
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;

/// The operand of `$expr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `true` or `false`, which form builders write for an empty group
    Const(bool),
    /// A comparison
    Compare(SideComparison),
    /// `$and`
    And(Vec<Expression>),
    /// `$or`
    Or(Vec<Expression>),
    /// `$not`
    Not(Box<Expression>),
    /// `$not`, with its operand inside an array
    NotListed(Box<Expression>),
}

/// A comparison of two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideComparison {
    /// The operator
    pub relation: SideOperator,
    /// The left and the right side
    pub sides: Box<[Side; 2]>,
    /// `$zone`: the zone in which days are read
    pub zone: Option<String>,
}

/// The operator of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SideOperator {
    /// `$eq`
    Eq,
    /// `$ne`
    Ne,
    /// `$gt`, `$gte`, `$lt`, `$lte`
    Ordered(Comparison),
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// `"$spent"`
    Name(Path),
    /// `{"$field": "spent", "$as": "number"}`
    Field(Path, Option<PropertyType>),
    /// A value or a date
    Value(Operand),
    /// `{"$literal": value}`
    Literal(Operand),
    /// `{"$dateFromString": {"dateString": "2024-01-31"}}`
    DateFromString(DateFromString),
}

/// A date as form builders write it for MongoDB's expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFromString {
    /// `dateString`
    pub text: String,
    /// `format`, which says what the text shows
    pub format: Option<String>,
    /// The date
    pub date: Operand,
}

impl SideOperator {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            SideOperator::Eq => Operator::Eq,
            SideOperator::Ne => Operator::Ne,
            SideOperator::Ordered(comparison) => comparison.operator(),
        }
    }

    /// The comparison with this operator; `None` if the operator does not compare.
    #[must_use]
    pub fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Eq => SideOperator::Eq,
            Operator::Ne => SideOperator::Ne,
            Operator::Gt => SideOperator::Ordered(Comparison::Gt),
            Operator::Gte => SideOperator::Ordered(Comparison::Gte),
            Operator::Lt => SideOperator::Ordered(Comparison::Lt),
            Operator::Lte => SideOperator::Ordered(Comparison::Lte),
            _ => return None,
        })
    }
}

impl Side {
    /// The field of the side, and its `$as`.
    #[must_use]
    pub fn field(&self) -> Option<(&Path, Option<PropertyType>)> {
        match self {
            Side::Name(path) => Some((path, None)),
            Side::Field(path, read_as) => Some((path, *read_as)),
            Side::Value(_) | Side::Literal(_) | Side::DateFromString(_) => None,
        }
    }
}

impl Expression {
    /// The fields that the expression reads.
    #[must_use]
    pub fn fields(&self) -> Vec<&Path> {
        match self {
            Expression::Const(_) => vec![],
            Expression::Compare(compared) => {
                compared.sides.iter().filter_map(Side::field).map(|(path, _)| path).collect()
            }
            Expression::And(parts) | Expression::Or(parts) => parts.iter().flat_map(Expression::fields).collect(),
            Expression::Not(part) | Expression::NotListed(part) => part.fields(),
        }
    }

    /// The same expression with other fields; fields for which `name` returns `None` stay.
    #[must_use]
    pub fn renamed(&self, name: &dyn Fn(&Path) -> Option<Path>) -> Self {
        let other = |path: &Path| name(path).unwrap_or_else(|| path.clone());
        let each = |parts: &[Expression]| parts.iter().map(|part| part.renamed(name)).collect();
        match self {
            Expression::Const(value) => Expression::Const(*value),
            Expression::Compare(compared) => {
                let side = |side: &Side| match side {
                    Side::Name(path) => Side::Name(other(path)),
                    Side::Field(path, read_as) => Side::Field(other(path), *read_as),
                    side => side.clone(),
                };
                let sides = Box::new([side(&compared.sides[0]), side(&compared.sides[1])]);
                Expression::Compare(SideComparison { sides, ..compared.clone() })
            }
            Expression::And(parts) => Expression::And(each(parts)),
            Expression::Or(parts) => Expression::Or(each(parts)),
            Expression::Not(part) => Expression::Not(Box::new(part.renamed(name))),
            Expression::NotListed(part) => Expression::NotListed(Box::new(part.renamed(name))),
        }
    }
}
