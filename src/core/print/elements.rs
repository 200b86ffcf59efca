//! Prints the operands of `$sequence` and `$by`.

use super::{key, object, operand_of_member, string};
use crate::ast::{Condition, Member, OrderedBy, SequenceEntry};
use crate::operator::Operator;
use crate::value::{Json, key_order};
use std::fmt;

enum Part<'e> {
    Member(&'e Member),
    None(&'e Condition),
    Text(String),
    Json(Json),
}

impl fmt::Display for SequenceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members: Vec<(&str, Part<'_>)> = match self.is_absence {
            true => vec![(Operator::None.name(), Part::None(&self.condition))],
            false => self.condition.members.iter().map(|member| (member.key(), Part::Member(member))).collect(),
        };
        members.extend(self.within.map(|within| (Operator::Within.name(), Part::Text(within.to_string()))));
        if let Some(date) = &self.as_of {
            let operands = date.members().into_iter();
            members.extend(operands.map(|(operator, operand)| (operator, Part::Json(operand))));
        }
        members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
        object(f, &members, |f, (name, part)| {
            key(f, name)?;
            match part {
                Part::Member(member) => operand_of_member(f, member),
                Part::None(condition) => condition.fmt(f),
                Part::Text(text) => string(f, text),
                Part::Json(operand) => operand.fmt(f),
            }
        })
    }
}

impl fmt::Display for OrderedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderedBy::Name(path) => string(f, path.text()),
            OrderedBy::Field { path, read_as, zone, is_stable } => {
                // The keys are in the order of jsonb.
                let read_as = read_as.map(|read_as| (Operator::As.name(), Json::String(read_as.to_string())));
                let zone = zone.clone().map(|zone| (Operator::Zone.name(), Json::String(zone)));
                let field = (Operator::Field.name(), Json::String(path.text().to_owned()));
                let stable = is_stable.map(|is_stable| (Operator::Stable.name(), Json::Bool(is_stable)));
                let members: Vec<_> = read_as.into_iter().chain(zone).chain([field]).chain(stable).collect();
                object(f, &members, |f, (name, value)| {
                    key(f, name)?;
                    value.fmt(f)
                })
            }
        }
    }
}
