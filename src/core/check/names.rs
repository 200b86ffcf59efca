//! Topics and segments, each looked up by its name or id.

use super::Checker;
use crate::ast::{AsWritten, NamePredicate, NameTest};
use crate::expr::{Atom, Checked, Expr};

impl Checker<'_> {
    /// Checks the operand of `$topic`.
    pub(super) fn topics(&mut self, predicate: &NamePredicate) -> Checked {
        self.names(predicate, Self::topic)
    }

    /// Checks the operand of `$segment`.
    pub(super) fn segments(&mut self, predicate: &NamePredicate) -> Checked {
        self.names(predicate, Self::segment)
    }

    fn names(&mut self, predicate: &NamePredicate, look_up: fn(&mut Self, &str) -> Checked) -> Checked {
        match predicate {
            NamePredicate::Literal(name) => look_up(self, &name.value),
            NamePredicate::Tests(tests) => {
                let parts: Vec<_> = tests
                    .iter()
                    .map(|test| self.at(test.operator().name(), |checker| checker.name_test(test, look_up)))
                    .collect();
                Expr::and(parts)
            }
        }
    }

    fn name_test(&mut self, test: &NameTest, look_up: fn(&mut Self, &str) -> Checked) -> Checked {
        let mut each = |names: &[AsWritten<String>]| self.each(names, |checker, name| look_up(checker, &name.value));
        match test {
            NameTest::In(names) => Expr::or(each(names)),
            NameTest::Nin(names) => Expr::or(each(names)).not(),
            NameTest::All(names) if names.is_empty() => Expr::Const(false),
            NameTest::All(names) => Expr::and(each(names)),
            NameTest::Eq(name) => look_up(self, &name.value),
            NameTest::Ne(name) => look_up(self, &name.value).not(),
            NameTest::Exists(wanted) => self.any_topic().negate_unless(wanted.value),
            NameTest::Comment(_) => Expr::Const(true),
        }
    }

    fn topic(&mut self, reference: &str) -> Checked {
        let topic = self.environment.topic(reference);
        self.accept(topic).map_or(Expr::Const(false), |id| Expr::Test(Atom::Topic(id)))
    }

    /// Subscribed to any topic. The condition lists all topics, because rows that name a topic which does not exist do
    /// not count.
    fn any_topic(&mut self) -> Checked {
        let topics = self.environment.topics();
        let topics = self.accept(topics).unwrap_or_default();
        Expr::or(topics.into_iter().map(|id| Expr::Test(Atom::Topic(id))))
    }

    fn segment(&mut self, reference: &str) -> Checked {
        let segment = self.environment.segment(reference);
        self.accept(segment).and_then(|segment| self.bound_nodes(segment)).unwrap_or(Expr::Const(false))
    }
}
