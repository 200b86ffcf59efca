//! A WHERE expression before it is written.

use crate::ast::Comparison;

/// A Boolean combination of tests, whose terms are SQL already.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sql {
    /// Only ever the whole expression
    Const(bool),
    /// At least two, none of them an `And`
    And(Vec<Sql>),
    /// At least two, none of them an `Or`
    Or(Vec<Sql>),
    /// Over a test that has no complement of its own
    Not(Box<Sql>),
    /// `left operator right`
    Infix { left: String, operator: Infix, right: String },
    /// `term IS NULL`
    IsNull(String),
    /// `term IS NOT NULL`
    IsNotNull(String),
    /// Equal to one of several; the literals are written when it is known how
    OneOf(OneOf),
    /// A Boolean term
    Truth(String),
}

/// An operator between two terms, with the schema it is in where that is not `pg_catalog`.
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
}

/// `term = ANY (literals)`, or `term <> ALL (literals)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OneOf {
    pub term: String,
    /// `Eq` or `Ne`
    pub operator: Infix,
    /// As they stand in a list
    pub literals: Vec<String>,
    /// As they stand in an array
    pub array: String,
}

/// What equality with a constant becomes.
pub(super) enum Equal {
    /// With a value of the column's type, as its text
    To(String),
    /// Something else that it means
    When(Sql),
    /// Of nothing
    Never,
}

impl Sql {
    pub(super) fn and(parts: impl IntoIterator<Item = Sql>) -> Sql {
        Self::join(parts, true)
    }

    pub(super) fn or(parts: impl IntoIterator<Item = Sql>) -> Sql {
        Self::join(parts, false)
    }

    /// The conjunction where `all`, else the disjunction; folded and flattened.
    pub(super) fn join(parts: impl IntoIterator<Item = Sql>, all: bool) -> Sql {
        let mut flat: Vec<Sql> = Vec::new();
        for part in parts {
            match part {
                Sql::Const(value) if value == all => {}
                Sql::Const(_) => return Sql::Const(!all),
                Sql::And(inner) if all => flat.extend(inner),
                Sql::Or(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Sql::Const(all),
            1 => flat.swap_remove(0),
            _ if all => Sql::And(flat),
            _ => Sql::Or(flat),
        }
    }

    /// The complement, by De Morgan; NULL stays NULL.
    pub(super) fn negate(self) -> Sql {
        match self {
            Sql::Const(value) => Sql::Const(!value),
            Sql::And(parts) => Sql::or(parts.into_iter().map(Sql::negate)),
            Sql::Or(parts) => Sql::and(parts.into_iter().map(Sql::negate)),
            Sql::Not(inner) => *inner,
            Sql::IsNull(term) => Sql::IsNotNull(term),
            Sql::IsNotNull(term) => Sql::IsNull(term),
            Sql::Infix { left, operator, right } => match operator.symbol.complement() {
                Some(symbol) => Sql::Infix { left, operator: Infix { symbol, ..operator }, right },
                None => Sql::Not(Box::new(Sql::Infix { left, operator, right })),
            },
            Sql::OneOf(one_of) => {
                let symbol = one_of.operator.symbol.complement().unwrap_or(Symbol::Ne);
                Sql::OneOf(OneOf { operator: Infix { symbol, ..one_of.operator }, ..one_of })
            }
            Sql::Truth(term) => Sql::Not(Box::new(Sql::Truth(term))),
        }
    }

    pub(super) fn infix(left: impl Into<String>, operator: impl Into<Infix>, right: impl Into<String>) -> Sql {
        Sql::Infix { left: left.into(), operator: operator.into(), right: right.into() }
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
            Symbol::Contains | Symbol::Overlaps | Symbol::Matches | Symbol::Member => return None,
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
