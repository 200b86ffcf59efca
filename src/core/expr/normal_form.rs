//! Negation normal form: De Morgan's laws push negations down to single tests.

use super::Expr;

/// A node of an expression in negation normal form. Its parts have been folded to `R`.
pub enum NormalForm<'e, T, R> {
    /// Always true, or always false
    Const(bool),
    /// All hold
    All(Vec<R>),
    /// Any holds
    Any(Vec<R>),
    /// The test or, where `positive` is false, its complement
    Test {
        /// The test
        test: &'e T,
        /// Whether the test itself is meant, and not its complement
        positive: bool,
    },
}

impl<T> Expr<T> {
    /// Folds the negation normal form of the expression, from its tests up.
    pub fn fold_normal_form<'e, R>(&'e self, fold: &mut impl FnMut(NormalForm<'e, T, R>) -> R) -> R {
        self.fold_signed(true, fold)
    }

    fn fold_signed<'e, R>(&'e self, positive: bool, fold: &mut impl FnMut(NormalForm<'e, T, R>) -> R) -> R {
        let node = match self {
            Expr::Not(inner) => return inner.fold_signed(!positive, fold),
            Expr::Const(value) => NormalForm::Const(*value == positive),
            Expr::Test(test) => NormalForm::Test { test, positive },
            Expr::And(parts) | Expr::Or(parts) => {
                let folded = parts.iter().map(|part| part.fold_signed(positive, fold)).collect();
                if matches!(self, Expr::And(_)) == positive { NormalForm::All(folded) } else { NormalForm::Any(folded) }
            }
        };
        fold(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negations_stand_before_single_tests() {
        let expr = Expr::or([Expr::and([Expr::Test("a"), Expr::Test("b").not()]).not(), Expr::Test("c")]).not();
        let written = expr.fold_normal_form(&mut |node: NormalForm<'_, &str, String>| match node {
            NormalForm::Const(value) => value.to_string(),
            NormalForm::All(parts) => format!("({})", parts.join(" and ")),
            NormalForm::Any(parts) => format!("({})", parts.join(" or ")),
            NormalForm::Test { test, positive: true } => (*test).to_owned(),
            NormalForm::Test { test, positive: false } => format!("not {test}"),
        });
        assert_eq!(written, "((a and not b) and not c)");
    }
}
