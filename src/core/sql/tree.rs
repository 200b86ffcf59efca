//! The tree of a WHERE expression.

use crate::ast::Comparison;
use crate::expr::{Expr, NormalForm};

/// A Boolean combination of tests; their terms are SQL text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SqlExpr {
    /// Only as the whole expression
    Const(bool),
    /// At least two, none of them an `And`
    And(Vec<SqlExpr>),
    /// At least two, none of them an `Or`
    Or(Vec<SqlExpr>),
    /// Only on a test without an operator for its complement
    Not(Box<SqlExpr>),
    /// `left operator right`
    Infix { left: String, operator: Infix, right: String },
    /// `term IS NULL`
    IsNull(String),
    /// `term IS NOT NULL`
    IsNotNull(String),
    /// A term that is equal, or not equal, to one of several literals
    OneOf(OneOf),
    /// A Boolean term
    Truth(String),
}

/// An operator between two terms, with its schema if that is not `pg_catalog`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Infix {
    pub symbol: Symbol,
    pub schema: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    Like,
    NotLike,
    /// `ILIKE`
    ILike,
    NotILike,
    /// `@>` of arrays
    Contains,
    /// `&&` of arrays
    Overlaps,
    /// `@~`
    Matches,
    /// `->` of jsonb
    Member,
    /// `+`
    Plus,
    /// `*`
    Times,
}

/// `term = ANY (literals)`, or `term <> ALL (literals)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OneOf {
    pub term: String,
    /// `Eq` or `Ne`
    pub operator: Infix,
    /// The literals for a list
    pub literals: Vec<String>,
    /// The literals as one array
    pub array: String,
}

/// The SQL for equality with a constant.
pub(super) enum Equal {
    /// Equality with a value of the column's type, given as text
    To(String),
    /// Another expression
    When(SqlExpr),
    /// No value is equal
    Never,
}

impl SqlExpr {
    pub(super) fn and(parts: impl IntoIterator<Item = SqlExpr>) -> SqlExpr {
        Self::join(parts, true)
    }

    pub(super) fn or(parts: impl IntoIterator<Item = SqlExpr>) -> SqlExpr {
        Self::join(parts, false)
    }

    /// The conjunction if `all`, else the disjunction; folded and flattened.
    pub(super) fn join(parts: impl IntoIterator<Item = SqlExpr>, all: bool) -> SqlExpr {
        let mut flat: Vec<SqlExpr> = Vec::new();
        for part in parts {
            match part {
                SqlExpr::Const(value) if value == all => {}
                SqlExpr::Const(_) => return SqlExpr::Const(!all),
                SqlExpr::And(inner) if all => flat.extend(inner),
                SqlExpr::Or(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => SqlExpr::Const(all),
            1 => flat.swap_remove(0),
            _ if all => SqlExpr::And(flat),
            _ => SqlExpr::Or(flat),
        }
    }

    /// The complement, by De Morgan's laws; NULL stays NULL.
    pub(super) fn negate(self) -> SqlExpr {
        match self {
            SqlExpr::Const(value) => SqlExpr::Const(!value),
            SqlExpr::And(parts) => SqlExpr::or(parts.into_iter().map(SqlExpr::negate)),
            SqlExpr::Or(parts) => SqlExpr::and(parts.into_iter().map(SqlExpr::negate)),
            SqlExpr::Not(inner) => *inner,
            SqlExpr::IsNull(term) => SqlExpr::IsNotNull(term),
            SqlExpr::IsNotNull(term) => SqlExpr::IsNull(term),
            SqlExpr::Infix { left, operator, right } => match operator.symbol.complement() {
                Some(symbol) => SqlExpr::Infix { left, operator: Infix { symbol, ..operator }, right },
                None => SqlExpr::Not(Box::new(SqlExpr::Infix { left, operator, right })),
            },
            SqlExpr::OneOf(one_of) => {
                let symbol = one_of.operator.symbol.complement().unwrap_or(Symbol::Ne);
                SqlExpr::OneOf(OneOf { operator: Infix { symbol, ..one_of.operator }, ..one_of })
            }
            SqlExpr::Truth(term) => SqlExpr::Not(Box::new(SqlExpr::Truth(term))),
        }
    }

    pub(super) fn negate_unless(self, positive: bool) -> SqlExpr {
        if positive { self } else { self.negate() }
    }

    /// Compiles a combination of tests, each with whether it is itself meant, and not its complement; `None` if one of
    /// them has no SQL.
    pub(super) fn of_tests<T>(expr: &Expr<T>, test: &mut dyn FnMut(&T, bool) -> Option<SqlExpr>) -> Option<SqlExpr> {
        expr.fold_normal_form(&mut |node| match node {
            NormalForm::Const(value) => Some(SqlExpr::Const(value)),
            NormalForm::All(parts) => Some(SqlExpr::and(parts.into_iter().collect::<Option<Vec<_>>>()?)),
            NormalForm::Any(parts) => Some(SqlExpr::or(parts.into_iter().collect::<Option<Vec<_>>>()?)),
            NormalForm::Test { test: asked, positive } => test(asked, positive),
        })
    }

    pub(super) fn infix(left: impl Into<String>, operator: impl Into<Infix>, right: impl Into<String>) -> SqlExpr {
        SqlExpr::Infix { left: left.into(), operator: operator.into(), right: right.into() }
    }
}

impl Symbol {
    fn complement(self) -> Option<Symbol> {
        Some(match self {
            Symbol::Eq => Symbol::Ne,
            Symbol::Ne => Symbol::Eq,
            Symbol::Lt => Symbol::Gte,
            Symbol::Gte => Symbol::Lt,
            Symbol::Gt => Symbol::Lte,
            Symbol::Lte => Symbol::Gt,
            Symbol::Like => Symbol::NotLike,
            Symbol::NotLike => Symbol::Like,
            Symbol::ILike => Symbol::NotILike,
            Symbol::NotILike => Symbol::ILike,
            Symbol::Contains | Symbol::Overlaps | Symbol::Matches | Symbol::Member | Symbol::Plus | Symbol::Times => {
                return None;
            }
        })
    }

    /// The operator's name in the catalog.
    pub(super) fn name(self) -> &'static str {
        match self {
            Symbol::Eq => "=",
            Symbol::Ne => "<>",
            Symbol::Lt => "<",
            Symbol::Lte => "<=",
            Symbol::Gt => ">",
            Symbol::Gte => ">=",
            Symbol::Like => "~~",
            Symbol::NotLike => "!~~",
            Symbol::ILike => "~~*",
            Symbol::NotILike => "!~~*",
            Symbol::Contains => "@>",
            Symbol::Overlaps => "&&",
            Symbol::Matches => "@~",
            Symbol::Member => "->",
            Symbol::Plus => "+",
            Symbol::Times => "*",
        }
    }
}

impl From<Symbol> for Infix {
    fn from(symbol: Symbol) -> Self {
        Infix { symbol, schema: None }
    }
}

impl From<Comparison> for Symbol {
    fn from(comparison: Comparison) -> Self {
        match comparison {
            Comparison::Gt => Symbol::Gt,
            Comparison::Gte => Symbol::Gte,
            Comparison::Lt => Symbol::Lt,
            Comparison::Lte => Symbol::Lte,
        }
    }
}
