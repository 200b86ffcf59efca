//! Reads `$expr`.

use super::{Members, Parser, date_from_string};
use crate::ast::{Expression, Operand, Side, SideComparison, SideOperator};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::{OPERATORS, Operator};
use crate::path::Path;
use crate::value::Value;
use serde_json::value::RawValue;

const HINT: &str = "Write {\"$expr\": {\"$gt\": [\"$spent\", \"$budget\"]}}, or true or false.";
/// Operators that are tests on a field here, and functions in MongoDB's expressions.
const PARTS_OF_DATES: [&str; 5] = ["$year", "$month", "$dayOfMonth", "$isoDayOfWeek", "$hour"];
const SIDE_HINT: &str = "A side is a field (\"$spent\"), a value or a date.";

impl Parser {
    pub(super) fn expression(&mut self, raw: &RawValue) -> Option<Expression> {
        match self.open(raw)? {
            Opened::Bool(value) => Some(Expression::Const(value)),
            Opened::Object(members) if !members.is_empty() => {
                let members = self.unique(members)?;
                self.nested(|parser| parser.expression_object(members))
            }
            Opened::String(text) if text.starts_with('$') => {
                let field = &text[1..];
                self.fail(
                    ErrorKind::Unsupported,
                    "a field alone is no comparison",
                    format!("To ask whether it is true write {{\"{field}\": true}}, without $expr."),
                )
            }
            other => self.wrong_operand(Operator::Expr, &other, HINT),
        }
    }

    fn inner_expression(&mut self, raw: &RawValue) -> Option<Expression> {
        self.count_node()?;
        self.expression(raw)
    }

    /// Reads an operator, and `$zone` beside a comparison.
    fn expression_object(&mut self, members: Members<'_>) -> Option<Expression> {
        let (zones, mut members): (Members<'_>, Members<'_>) =
            members.into_iter().partition(|(key, _)| key == Operator::Zone.name());
        if members.len() != 1 {
            return self.fail(
                ErrorKind::Shape,
                "an expression has one operator",
                "Put several comparisons under $and: {\"$expr\": {\"$and\": [{\"$gt\": […]}, {\"$lt\": […]}]}}.",
            );
        }
        let (key, raw) = members.pop()?;
        let zone = match zones.into_iter().next() {
            Some((name, raw)) => Some(self.at(name, |parser| parser.zone_name(raw))?),
            None => None,
        };
        self.at(&key, |parser| match Operator::parse(&key) {
            Some(operator) if let Some(relation) = SideOperator::of(operator) => {
                let sides = Box::new(parser.sides(operator, raw)?);
                Some(Expression::Compare(SideComparison { relation, sides, zone }))
            }
            Some(operator @ (Operator::And | Operator::Or | Operator::Not)) if zone.is_some() => parser.fail(
                ErrorKind::Unsupported,
                format!("$zone does not belong beside {}", operator.name()),
                "Put it beside the comparison whose days it is about.",
            ),
            Some(Operator::And) => parser.expressions(Operator::And, raw).map(Expression::And),
            Some(Operator::Or) => parser.expressions(Operator::Or, raw).map(Expression::Or),
            Some(Operator::Not) => parser.not_expression(raw),
            _ => parser.not_of_expressions(&key, raw),
        })
    }

    fn expressions(&mut self, operator: Operator, raw: &RawValue) -> Option<Vec<Expression>> {
        match self.open(raw)? {
            Opened::Array(items) => Some(self.each(items, Parser::inner_expression)),
            other => self.wrong_operand(operator, &other, "Inside $expr it takes an array of expressions."),
        }
    }

    fn not_expression(&mut self, raw: &RawValue) -> Option<Expression> {
        match self.open(raw)? {
            Opened::Array(items) => match items.as_slice() {
                [item] => {
                    let inner = self.at(0, |parser| parser.inner_expression(item))?;
                    Some(Expression::NotListed(Box::new(inner)))
                }
                items => self.fail(
                    ErrorKind::Shape,
                    format!("$not takes an expression, or an array of one, not of {}", items.len()),
                    "For none of several write {\"$not\": {\"$or\": […]}}.",
                ),
            },
            _ => Some(Expression::Not(Box::new(self.inner_expression(raw)?))),
        }
    }

    fn sides(&mut self, operator: Operator, raw: &RawValue) -> Option<[Side; 2]> {
        let name = operator.name();
        match self.open(raw)? {
            Opened::Array(items) if items.len() == 2 => {
                let mut sides = self.each(items, |parser, side| parser.side(operator, side)).into_iter();
                Some([sides.next()?, sides.next()?])
            }
            Opened::Array(items) => self.fail(
                ErrorKind::Shape,
                format!("inside $expr, {name} takes an array of two sides, not of {}", items.len()),
                format!("Write {{\"{name}\": [\"$spent\", \"$budget\"]}}."),
            ),
            _ => self.fail(
                ErrorKind::Shape,
                format!("inside $expr, {name} takes an array of two sides"),
                format!("Write {{\"{name}\": [\"$spent\", \"$budget\"]}}; a field with a value is compared without $expr: {{\"spent\": {{\"{name}\": …}}}}."),
            ),
        }
    }

    fn side(&mut self, operator: Operator, raw: &RawValue) -> Option<Side> {
        self.count_node()?;
        match self.open(raw)? {
            Opened::String(text) if text.starts_with("$$") => self.variable(&text),
            Opened::String(text) if text.starts_with('$') => self.path(&text[1..]).map(Side::Name),
            Opened::Object(members) => match members.first().map(|(key, _)| Operator::parse(key)) {
                _ if members.iter().any(|(key, _)| key == Operator::Field.name()) => self.field_side(members),
                Some(Some(Operator::Literal)) if members.len() == 1 => {
                    let raw = members[0].1;
                    self.at(Operator::Literal.name(), |parser| {
                        let operand = parser.operand(raw)?;
                        parser.comparable(operator, operand)
                    })
                    .map(Side::Literal)
                }
                _ if matches!(members.as_slice(), [(key, _)] if key == date_from_string::NAME) => {
                    let raw = members[0].1;
                    self.at(date_from_string::NAME, |parser| parser.date_from_string(raw)).map(Side::DateFromString)
                }
                _ if members.iter().any(|(key, _)| key.starts_with('$')) && !super::predicate::is_date(&members) => {
                    let (key, raw) = members.into_iter().find(|(key, _)| key.starts_with('$'))?;
                    self.at(&key, |parser| parser.not_of_expressions(&key, raw))
                }
                _ => self.value_side(operator, Opened::Object(members)),
            },
            other => self.value_side(operator, other),
        }
    }

    fn value_side(&mut self, operator: Operator, opened: Opened<'_>) -> Option<Side> {
        let operand = self.opened_operand(opened)?;
        if let Some(field) = field_inside(&operand) {
            return self.fail(
                ErrorKind::Unsupported,
                format!("a field, {field}, stands inside an array or an object"),
                "Compare the field by itself; a value with text that begins with $ is {\"$literal\": …}.",
            );
        }
        self.comparable(operator, operand).map(Side::Value)
    }

    /// Checks that the operator can compare with a value: it is not null, and has an order if the operator needs one.
    fn comparable(&mut self, operator: Operator, operand: Operand) -> Option<Operand> {
        let name = operator.name();
        let is_ordered = !matches!(operator, Operator::Eq | Operator::Ne);
        match operand {
            Value::Null => self.fail(
                ErrorKind::Unsupported,
                format!("inside $expr, {name} does not compare with null"),
                "Write {\"a\": null}, without $expr: it holds for null and for missing values.",
            ),
            Value::Bool(_) if is_ordered => self.fail(
                ErrorKind::Shape,
                format!("inside $expr, {name} does not compare booleans"),
                "Booleans take $eq and $ne.",
            ),
            Value::Array(_) | Value::Object(_) if is_ordered => self.fail(
                ErrorKind::Shape,
                format!("{name} cannot compare with {}", operand.describe()),
                "Arrays and objects have no order; use $eq or $ne.",
            ),
            operand => Some(operand),
        }
    }

    /// Reads `{"$field": "spent", "$as": "number"}`.
    fn field_side(&mut self, members: Members<'_>) -> Option<Side> {
        let members = self.unique(members)?;
        let (mut path, mut read_as) = (None, None);
        for (key, raw) in members {
            self.at(&key, |parser| match Operator::parse(&key) {
                Some(Operator::Field) => {
                    let name = parser.string(Operator::Field, raw, "Write {\"$field\": \"spent\"}.")?;
                    path = Some(parser.path(&name)?);
                    Some(())
                }
                Some(Operator::As) => {
                    read_as = Some(parser.property_type(raw)?);
                    Some(())
                }
                _ => parser.fail(
                    ErrorKind::Unsupported,
                    format!("{key} does not belong beside $field"),
                    "A side is {\"$field\": \"spent\"}, perhaps with \"$as\" beside it.",
                ),
            })?;
        }
        Some(Side::Field(path?, read_as))
    }

    pub(super) fn zone_name(&mut self, raw: &RawValue) -> Option<String> {
        self.string(Operator::Zone, raw, "Name a zone of the IANA database: {\"$zone\": \"Europe/Paris\"}.")
    }

    /// Refuses `$$NOW` and other variables of MongoDB.
    fn variable<T>(&mut self, text: &str) -> Option<T> {
        let hint = match text {
            "$$NOW" | "$$CLUSTER_TIME" => "For the present write {\"$now\": \"0 days\"}.".to_owned(),
            _ => match text.strip_prefix("$$ROOT.").or_else(|| text.strip_prefix("$$CURRENT.")) {
                Some(field) => format!("Write \"${field}\"."),
                None => format!("A field is named with one $. Text that begins so is {{\"$literal\": \"{text}\"}}."),
            },
        };
        self.fail(ErrorKind::Unsupported, format!("there is no variable {text}"), hint)
    }

    /// Refuses operators of MongoDB's expressions that do not exist here.
    fn not_of_expressions<T>(&mut self, key: &str, raw: &RawValue) -> Option<T> {
        let argument = match self.open(raw)? {
            Opened::String(text) => text.strip_prefix('$').map(str::to_owned),
            Opened::Array(items) => match items.first().map(|item| self.open(item)) {
                Some(Some(Opened::String(text))) => text.strip_prefix('$').map(str::to_owned),
                _ => None,
            },
            _ => None,
        };
        let tests_fields =
            PARTS_OF_DATES.contains(&key) || OPERATORS.iter().any(|row| row.name == key && row.position.in_predicate());
        let hint = match argument {
            argument if tests_fields => {
                let field = argument.as_deref().unwrap_or("property");
                format!("Test the field itself, without $expr: {{\"{field}\": {{\"{key}\": …}}}}.")
            }
            _ => format!(
                "$expr compares fields, values and dates by $eq, $ne, $gt, $gte, $lt and $lte, under $and, $or and $not. {SIDE_HINT}"
            ),
        };
        let message = match Operator::parse(key) {
            Some(_) => format!("operator {key} does not belong inside $expr"),
            None if key.starts_with('$') => format!("operator {key} is not supported inside $expr"),
            None => format!("key \"{key}\" stands among the operators of $expr"),
        };
        self.fail(ErrorKind::Unsupported, message, hint)
    }

    /// Reads the path of a field.
    pub(super) fn path(&mut self, text: &str) -> Option<Path> {
        let path = Path::parse(text);
        if path.keys().iter().any(String::is_empty) {
            return self.fail(
                ErrorKind::Shape,
                format!("a key of path \"{text}\" is empty"),
                "A dot stands between two keys. A dot that belongs to a key takes a backslash before it.",
            );
        }
        if path.keys().len() > crate::limits::NESTING { self.too_deep() } else { Some(path) }
    }
}

/// A text inside a value that MongoDB reads as a field.
fn field_inside(operand: &Operand) -> Option<&str> {
    match operand {
        Value::String(text) => text.starts_with('$').then_some(text.as_str()),
        Value::Array(items) => items.iter().find_map(field_inside),
        Value::Object(members) => members.iter().find_map(|(_, value)| field_inside(value)),
        _ => None,
    }
}
