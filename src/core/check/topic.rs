//! Topics, each looked up by slug or id.

use super::Checker;
use crate::ast::{TopicPredicate, TopicTest};
use crate::expr::{Atom, Checked, Expr};

impl Checker<'_> {
    /// What a contact is subscribed to.
    pub(super) fn topics(&mut self, predicate: &TopicPredicate) -> Checked {
        match predicate {
            TopicPredicate::Literal(topic) => self.topic(topic),
            TopicPredicate::Tests(tests) => {
                let parts: Vec<_> = tests
                    .iter()
                    .map(|test| self.at(test.operator().name(), |checker| checker.topic_test(test)))
                    .collect();
                Expr::and(parts)
            }
        }
    }

    fn topic_test(&mut self, test: &TopicTest) -> Checked {
        let mut each = |topics: &[String]| self.each(topics, |checker, topic| checker.topic(topic));
        match test {
            TopicTest::In(topics) => Expr::or(each(topics)),
            TopicTest::Nin(topics) => Expr::or(each(topics)).not(),
            TopicTest::All(topics) if topics.is_empty() => Expr::Const(false),
            TopicTest::All(topics) => Expr::and(each(topics)),
            TopicTest::Eq(topic) => self.topic(topic),
            TopicTest::Ne(topic) => self.topic(topic).not(),
        }
    }

    fn topic(&mut self, reference: &str) -> Checked {
        let topic = self.scope.topic(reference);
        self.accept(topic).map_or(Expr::Const(false), |id| Expr::Test(Atom::Topic(id)))
    }
}
