//! The operands of `$topic` and `$segment`.

use super::AsWritten;
use crate::operator::Operator;

/// The operand of `$topic` or `$segment`: a predicate on the topics that a contact is subscribed to, each given by slug
/// or id, or on the segments that it is a member of, each given by name or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePredicate {
    /// It is among them; written as the name alone
    Literal(AsWritten<String>),
    /// Tests, all of which must hold, in [`crate::value::key_order`] of their operators
    Tests(Vec<NameTest>),
}

/// One test on a contact's topics or segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameTest {
    /// `$eq`: it is among them
    Eq(AsWritten<String>),
    /// `$ne`: it is not among them
    Ne(AsWritten<String>),
    /// `$in`: one of these is among them
    In(Vec<AsWritten<String>>),
    /// `$nin`: none of these is among them
    Nin(Vec<AsWritten<String>>),
    /// `$all`, for topics: all of these are among them; `[]` matches nobody
    All(Vec<AsWritten<String>>),
    /// `$exists`, for topics: there is any, or none
    Exists(AsWritten<bool>),
    /// `$comment`: no test, but kept
    Comment(String),
}

impl NamePredicate {
    /// The names, each with the keys and indexes that lead to it from the predicate.
    #[must_use]
    pub fn names(&self) -> Vec<(Vec<String>, &str)> {
        let under = |test: &NameTest, index: Option<usize>| {
            [test.operator().name().to_owned()].into_iter().chain(index.map(|index| index.to_string())).collect()
        };
        match self {
            NamePredicate::Literal(name) => vec![(vec![], name.value.as_str())],
            NamePredicate::Tests(tests) => tests
                .iter()
                .flat_map(|test| match test {
                    NameTest::Eq(name) | NameTest::Ne(name) => vec![(under(test, None), name.value.as_str())],
                    NameTest::In(names) | NameTest::Nin(names) | NameTest::All(names) => names
                        .iter()
                        .enumerate()
                        .map(|(index, name)| (under(test, Some(index)), name.value.as_str()))
                        .collect(),
                    NameTest::Exists(_) | NameTest::Comment(_) => vec![],
                })
                .collect(),
        }
    }

    /// The same predicate with other names.
    #[must_use]
    pub fn renamed(&self, rename: &dyn Fn(&str) -> String) -> Self {
        let rename = |name: &AsWritten<String>| {
            let renamed = rename(&name.value);
            if renamed == name.value { name.clone() } else { renamed.into() }
        };
        let all = |names: &[AsWritten<String>]| names.iter().map(rename).collect();
        match self {
            NamePredicate::Literal(name) => NamePredicate::Literal(rename(name)),
            NamePredicate::Tests(tests) => NamePredicate::Tests(
                tests
                    .iter()
                    .map(|test| match test {
                        NameTest::Eq(name) => NameTest::Eq(rename(name)),
                        NameTest::Ne(name) => NameTest::Ne(rename(name)),
                        NameTest::In(names) => NameTest::In(all(names)),
                        NameTest::Nin(names) => NameTest::Nin(all(names)),
                        NameTest::All(names) => NameTest::All(all(names)),
                        NameTest::Exists(_) | NameTest::Comment(_) => test.clone(),
                    })
                    .collect(),
            ),
        }
    }
}

impl NameTest {
    /// Its operator.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self {
            NameTest::Eq(_) => Operator::Eq,
            NameTest::Ne(_) => Operator::Ne,
            NameTest::In(_) => Operator::In,
            NameTest::Nin(_) => Operator::Nin,
            NameTest::All(_) => Operator::All,
            NameTest::Exists(_) => Operator::Exists,
            NameTest::Comment(_) => Operator::Comment,
        }
    }
}
