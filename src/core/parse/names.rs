//! Reads `$topic` and `$segment`.

use super::extended::wrapper_of;
use super::{Members, Parser};
use crate::ast::{AsWritten, NamePredicate, NameTest, is_number};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::Operator;
use crate::value::Value;
use serde_json::value::RawValue;

/// The operators that may stand under `$topic`.
const OF_TOPICS: &[Operator] =
    &[Operator::Eq, Operator::Ne, Operator::In, Operator::Nin, Operator::All, Operator::Exists];
/// The operators that may stand under `$segment`.
const OF_SEGMENTS: &[Operator] = &[Operator::Eq, Operator::Ne, Operator::In, Operator::Nin];

impl Parser {
    pub(super) fn topic(&mut self, raw: &RawValue) -> Option<NamePredicate> {
        self.names(raw, NameOperator { of: Operator::Topic, operators: OF_TOPICS, hint: TOPIC_HINT })
    }

    pub(super) fn segment(&mut self, raw: &RawValue) -> Option<NamePredicate> {
        self.names(raw, NameOperator { of: Operator::Segment, operators: OF_SEGMENTS, hint: SEGMENT_HINT })
    }

    fn names(&mut self, raw: &RawValue, names: NameOperator) -> Option<NamePredicate> {
        match self.open(raw)? {
            opened @ Opened::String(_) => self.name(opened, names).map(NamePredicate::Literal),
            Opened::Object(members) if is_text(&members) => {
                self.name(Opened::Object(members), names).map(NamePredicate::Literal)
            }
            Opened::Object(members) if !members.is_empty() => {
                let members = self.unique(members)?;
                if members.iter().all(|(key, _)| key == Operator::Comment.name()) {
                    let message = format!("nothing is asked under {}", names.of.name());
                    return self.fail(ErrorKind::Shape, message, names.hint);
                }
                let read =
                    members.into_iter().map(|(key, raw)| self.at(&key, |parser| parser.name_test(&key, raw, names)));
                Some(NamePredicate::Tests(read.flatten().collect()))
            }
            other => self.wrong_operand(names.of, &other, names.hint),
        }
    }

    /// Reads a name, which is a string; Extended JSON may say so, as in `{"$uuid": "…"}`.
    fn name(&mut self, opened: Opened<'_>, names: NameOperator) -> Option<AsWritten<String>> {
        match opened {
            Opened::String(name) => Some(name.into()),
            Opened::Object(members) if is_text(&members) => {
                let written = self.opened_operand(Opened::Object(members))?;
                match written.plain().clone() {
                    Value::String(value) => Some(AsWritten { value, written }),
                    _ => None,
                }
            }
            other => self.wrong_operand(names.of, &other, names.hint),
        }
    }

    fn name_test(&mut self, key: &str, raw: &RawValue, names: NameOperator) -> Option<NameTest> {
        self.count_node()?;
        let one = |parser: &mut Parser, raw| {
            let opened = parser.open(raw)?;
            parser.name(opened, names)
        };
        let is_here = |operator: &Operator| *operator == Operator::Comment || names.operators.contains(operator);
        match Operator::parse(key).filter(is_here) {
            Some(Operator::Eq) => one(self, raw).map(NameTest::Eq),
            Some(Operator::Ne) => one(self, raw).map(NameTest::Ne),
            Some(Operator::In) => self.entries(Operator::In, raw, one).map(NameTest::In),
            Some(Operator::Nin) => self.entries(Operator::Nin, raw, one).map(NameTest::Nin),
            Some(Operator::All) => self.entries(Operator::All, raw, one).map(NameTest::All),
            Some(Operator::Exists) => self.truth(Operator::Exists, raw).map(NameTest::Exists),
            Some(Operator::Comment) => self.comment(raw).map(NameTest::Comment),
            _ => {
                let under = names.of.name();
                let message = match Operator::parse(key) {
                    Some(operator) => format!("operator {} does not belong under {under}", operator.name()),
                    None => format!("unknown operator \"{key}\" under {under}"),
                };
                self.fail(ErrorKind::Unsupported, message, names.hint)
            }
        }
    }
}

/// Whether an object of Extended JSON stands for a string.
fn is_text(members: &Members<'_>) -> bool {
    wrapper_of(members).is_some_and(|wrapper| !is_number(wrapper))
}

/// An operator over names, the operators that may stand under it, and its hint.
#[derive(Clone, Copy)]
struct NameOperator {
    of: Operator,
    operators: &'static [Operator],
    hint: &'static str,
}

const TOPIC_HINT: &str = "Name topics by slug or id: {\"$topic\": \"weekly\"} or {\"$topic\": {\"$in\": [\"weekly\", \"daily\"]}}; {\"$topic\": {\"$exists\": true}} is any topic.";

const SEGMENT_HINT: &str =
    "Name segments by id or name: {\"$segment\": \"Buyers\"} or {\"$segment\": {\"$nin\": [\"Buyers\", \"Staff\"]}}.";
