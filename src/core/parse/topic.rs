//! `$topic`.

use super::Parser;
use crate::ast::{TopicPredicate, TopicTest};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::Operator;
use serde_json::value::RawValue;

const HINT: &str =
    "Name topics by slug or id: {\"$topic\": \"weekly\"} or {\"$topic\": {\"$in\": [\"weekly\", \"daily\"]}}.";

impl Parser {
    pub(super) fn topic(&mut self, raw: &RawValue) -> Option<TopicPredicate> {
        match self.open(raw)? {
            Opened::String(topic) => Some(TopicPredicate::Literal(topic)),
            Opened::Object(members) if !members.is_empty() => {
                let members = self.unique(members)?;
                let read = members.into_iter().map(|(key, raw)| self.at(&key, |parser| parser.topic_test(&key, raw)));
                Some(TopicPredicate::Tests(read.flatten().collect()))
            }
            other => self.wrong_operand(Operator::Topic, &other, HINT),
        }
    }

    fn topic_test(&mut self, key: &str, raw: &RawValue) -> Option<TopicTest> {
        self.count_node()?;
        match Operator::parse(key) {
            Some(Operator::Eq) => self.topic_name(raw).map(TopicTest::Eq),
            Some(Operator::Ne) => self.topic_name(raw).map(TopicTest::Ne),
            Some(Operator::In) => self.entries(Operator::In, raw, Parser::topic_name).map(TopicTest::In),
            Some(Operator::Nin) => self.entries(Operator::Nin, raw, Parser::topic_name).map(TopicTest::Nin),
            Some(Operator::All) => self.entries(Operator::All, raw, Parser::topic_name).map(TopicTest::All),
            Some(operator) => self.fail(
                ErrorKind::Unsupported,
                format!("operator {} does not belong under $topic", operator.name()),
                HINT,
            ),
            None => self.fail(ErrorKind::Unsupported, format!("unknown operator \"{key}\" under $topic"), HINT),
        }
    }

    fn topic_name(&mut self, raw: &RawValue) -> Option<String> {
        self.string(Operator::Topic, raw, HINT)
    }
}
