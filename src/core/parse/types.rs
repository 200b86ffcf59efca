//! Reads the names of types: the operands of `$type` and `$as`.

use super::Parser;
use crate::ast::{AsWritten, Operand, TypeOperand};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::Operator;
use crate::types::{BSON_TYPES, JsonType, PropertyType};
use crate::value::Value;
use serde_json::value::RawValue;

impl Parser {
    pub(super) fn type_names(&mut self, raw: &RawValue) -> Option<TypeOperand> {
        match self.open(raw)? {
            Opened::Array(items) if !items.is_empty() => Some(TypeOperand::Any(self.each(items, Parser::type_name))),
            Opened::Array(_) => self.fail(
                ErrorKind::Shape,
                "$type needs at least one type",
                format!("Types are {}.", json_type_names()),
            ),
            _ => self.type_name(raw).map(TypeOperand::One),
        }
    }

    /// Reads a type by its name, or by its code or name in MongoDB.
    fn type_name(&mut self, raw: &RawValue) -> Option<AsWritten<JsonType>> {
        let hint = format!("Types are {}.", json_type_names());
        let (found, written): (_, Operand) = match self.number(raw)? {
            Ok(AsWritten { value, written }) => {
                let code = value.to_i64();
                (BSON_TYPES.iter().find(|(of, ..)| Some(*of) == code), written)
            }
            Err(Opened::String(name)) => match JsonType::parse(&name) {
                Some(kind) => return Some(kind.into()),
                None => (BSON_TYPES.iter().find(|(_, of, _)| *of == name), Value::String(name)),
            },
            Err(other) => return self.wrong_operand(Operator::Type, &other, &hint),
        };
        match found {
            Some((.., Some(kind))) => Some(AsWritten { value: *kind, written }),
            Some((_, name, None)) => self.fail(
                ErrorKind::Shape,
                format!("MongoDB's type {name} is not supported in $type"),
                format!("JSON has no such values: dates and ids are strings. {hint}"),
            ),
            None => self.fail(ErrorKind::Shape, format!("unknown type {written} in $type"), hint),
        }
    }

    pub(super) fn property_type(&mut self, raw: &RawValue) -> Option<PropertyType> {
        let hint = PropertyType::listed();
        let name = self.string(Operator::As, raw, &hint)?;
        match PropertyType::parse(&name) {
            Some(property_type) => Some(property_type),
            None => self.fail(ErrorKind::Shape, format!("unknown type \"{name}\" in $as"), hint),
        }
    }
}

fn json_type_names() -> String {
    JsonType::ALL.map(JsonType::name).join(", ")
}
