//! `$bucket`.

use super::{Members, Parser, describe};
use crate::ast::{AsWritten, Bucket};
use crate::bucket::MOST_BUCKETS;
use crate::decimal::Decimal;
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::Operator;
use serde_json::value::RawValue;

const HINT: &str = "Write {\"$bucket\": {\"of\": 10, \"in\": [0], \"salt\": \"spring\"}}: one of ten buckets, which the salt tells from those of other uses.";

impl Parser {
    pub(super) fn bucket(&mut self, raw: &RawValue) -> Option<Bucket> {
        let members = match self.open(raw)? {
            Opened::Object(members) if !members.is_empty() => self.unique(members)?,
            other => return self.wrong_operand(Operator::Bucket, &other, HINT),
        };
        if let Some((key, _)) = members.iter().find(|(key, _)| !["of", "in", "salt"].contains(&key.as_str())) {
            return self.at(key, |parser| {
                parser.fail(ErrorKind::Shape, format!("$bucket takes of, in and salt, not \"{key}\""), HINT)
            });
        }
        let of = self.bucket_member(&members, "of", Parser::number_of_buckets)?;
        let within = self.bucket_member(&members, "in", |parser, raw| parser.listed_buckets(raw, of.value))?;
        let salt = self.bucket_member(&members, "salt", Parser::salt)?;
        Some(Bucket { of, within, salt })
    }

    fn bucket_member<T>(
        &mut self,
        members: &Members<'_>,
        name: &str,
        read: impl FnOnce(&mut Self, &RawValue) -> Option<T>,
    ) -> Option<T> {
        match members.iter().find(|(key, _)| key == name) {
            Some((_, raw)) => self.at(name, |parser| read(parser, raw)),
            None => self.fail(ErrorKind::Shape, format!("$bucket lacks \"{name}\""), HINT),
        }
    }

    fn number_of_buckets(&mut self, raw: &RawValue) -> Option<AsWritten<u32>> {
        let message = || format!("the number of buckets must be from 2 to {MOST_BUCKETS}");
        match self.whole_number(raw, message)? {
            of if (2..=MOST_BUCKETS).contains(&of.value) => Some(of),
            _ => self.fail(ErrorKind::Shape, message(), HINT),
        }
    }

    fn listed_buckets(&mut self, raw: &RawValue, of: u32) -> Option<Vec<AsWritten<u32>>> {
        match self.open(raw)? {
            Opened::Array(items) if items.is_empty() => {
                self.fail(ErrorKind::Shape, "$bucket lists no bucket in \"in\"", HINT)
            }
            // An entry may stand twice, but not so often that there are more than the most buckets.
            Opened::Array(items) if items.len() <= MOST_BUCKETS as usize => {
                let count = items.len();
                let message = || format!("a bucket must be from 0 to {}, where there are {of}", of - 1);
                let read = self.each(items, |parser, item| match parser.whole_number(item, message)? {
                    bucket if bucket.value < of => Some(bucket),
                    _ => parser.fail(ErrorKind::Shape, message(), HINT),
                });
                (read.len() == count).then_some(read)
            }
            Opened::Array(items) => {
                let message = format!("$bucket lists {} buckets, more than there can be", items.len());
                self.fail(ErrorKind::TooLarge, message, HINT)
            }
            other => {
                let message = format!("the buckets must be an array, not {}", describe(&other));
                self.fail(ErrorKind::Shape, message, HINT)
            }
        }
    }

    fn salt(&mut self, raw: &RawValue) -> Option<String> {
        match self.open(raw)? {
            Opened::String(salt) if !salt.is_empty() => Some(salt),
            Opened::String(_) => self.fail(ErrorKind::Shape, "the salt of $bucket is empty", HINT),
            other => self.fail(ErrorKind::Shape, format!("the salt must be a string, not {}", describe(&other)), HINT),
        }
    }

    fn whole_number(&mut self, raw: &RawValue, message: impl FnOnce() -> String) -> Option<AsWritten<u32>> {
        let whole = |number: Decimal| number.to_i64().and_then(|number| u32::try_from(number).ok());
        let number = self.number(raw)?.ok().and_then(|number| number.try_map(whole));
        if number.is_none() { self.fail(ErrorKind::Shape, message(), HINT) } else { number }
    }
}
