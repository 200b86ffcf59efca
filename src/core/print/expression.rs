//! Prints `$expr`.

use super::{array, key, list, string};
use crate::ast::{Expression, Side, SideComparison};
use crate::operator::Operator;
use crate::value::key_order;
use std::fmt;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |f: &mut fmt::Formatter<'_>, parts: &[Expression]| array(f, parts, |f, part| part.fmt(f));
        match self {
            Expression::Const(value) => value.fmt(f),
            Expression::Compare(compared) => compared.fmt(f),
            Expression::And(parts) => under(f, Operator::And, |f| each(f, parts)),
            Expression::Or(parts) => under(f, Operator::Or, |f| each(f, parts)),
            Expression::Not(part) => under(f, Operator::Not, |f| part.fmt(f)),
            Expression::NotListed(part) => under(f, Operator::Not, |f| each(f, std::slice::from_ref(part))),
        }
    }
}

fn under(
    f: &mut fmt::Formatter<'_>,
    operator: Operator,
    print: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str("{")?;
    key(f, operator.name())?;
    print(f)?;
    f.write_str("}")
}

impl fmt::Display for SideComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = vec![self.relation.operator().name()];
        members.extend(self.zone.as_ref().map(|_| Operator::Zone.name()));
        members.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        list(f, &members, ("{", "}"), |f, name| {
            key(f, name)?;
            match &self.zone {
                Some(zone) if *name == Operator::Zone.name() => string(f, zone),
                _ => array(f, &*self.sides, |f, side| side.fmt(f)),
            }
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Name(path) => string(f, &format!("${}", path.text())),
            // The keys are in the order of jsonb, shorter ones first.
            Side::Field(path, read_as) => {
                f.write_str("{")?;
                if let Some(read_as) = read_as {
                    key(f, Operator::As.name())?;
                    string(f, &read_as.to_string())?;
                    f.write_str(", ")?;
                }
                key(f, Operator::Field.name())?;
                string(f, path.text())?;
                f.write_str("}")
            }
            Side::Value(operand) => operand.fmt(f),
            Side::Literal(operand) => under(f, Operator::Literal, |f| operand.fmt(f)),
            Side::DateFromString(date) => {
                f.write_str("{\"$dateFromString\": {")?;
                if let Some(format) = &date.format {
                    key(f, "format")?;
                    string(f, format)?;
                    f.write_str(", ")?;
                }
                key(f, "dateString")?;
                string(f, &date.text)?;
                f.write_str("}}")
            }
        }
    }
}
