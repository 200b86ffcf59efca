//! What is noticed of one operand.

use super::Finder;
use crate::ast::{AsWritten, FieldPredicate, Literal, Operand, Test, TypeOperand};
use crate::date::{DatePart, Written, meant};
use crate::operator::Operator;
use crate::path::Path;
use crate::pattern::LOST_PATTERN;
use crate::types::{JsonType, PropertyType, ScalarType};
use crate::value::Value;

impl Finder<'_> {
    /// Notes equality with a value that is hardly ever meant.
    pub(super) fn equality(&mut self, path: &Path, operand: &Operand, read_as: Option<PropertyType>) {
        match (operand.plain(), read_as) {
            (Value::Literal(Literal::Pattern(pattern)), _) => self.pattern(pattern.source()),
            (Value::Array(items), Some(PropertyType::Array(_))) if let [item] = &items[..] => self.note(
                "an array is compared as a whole: only arrays with exactly this element match",
                format!("For arrays that have it among their elements, write {item} without the brackets."),
                None,
            ),
            (Value::Array(items), Some(PropertyType::Array(_))) if !items.is_empty() => self.note(
                "an array is compared as a whole: only arrays with exactly these elements, in this order, match",
                "For arrays that have all of them, write {\"$all\": […]}; for any of them, {\"$in\": […]}.",
                None,
            ),
            (Value::Object(members), None | Some(PropertyType::Json)) if members.is_empty() => {
                self.note("{} is compared as a value: the empty object", LOST_PATTERN, None)
            }
            (Value::String(text), _) => {
                if let Some((message, hint)) = self.environment.never_holds(path, text) {
                    self.note(message, hint, None);
                }
            }
            _ => {}
        }
    }

    /// A number that no date has there.
    pub(super) fn part(&mut self, part: DatePart, asked: &FieldPredicate) {
        let (least, greatest) = part.bounds();
        let is_one = |operand: &&Operand| match operand.plain() {
            Value::Number(number) => number.to_i64().is_some_and(|it| (least.into()..=greatest.into()).contains(&it)),
            _ => false,
        };
        let operands: Vec<&Operand> = match asked {
            FieldPredicate::Literal(operand) => vec![operand],
            FieldPredicate::Tests(predicate) => predicate.tests.iter().flat_map(equal_to).collect(),
        };
        if let Some(other) = operands.into_iter().find(|operand| !is_one(operand)) {
            let name = Operator::from(part).name();
            self.note(format!("no date has {other} as its {name}"), format!("It is from {least} to {greatest}."), None);
        }
    }

    /// MongoDB's kinds of numbers, which JSON does not tell apart.
    pub(super) fn types(&mut self, operand: &TypeOperand) {
        let asked = match operand {
            TypeOperand::One(asked) => std::slice::from_ref(asked),
            TypeOperand::Any(asked) => asked,
        };
        let is_number = |asked: &&AsWritten<JsonType>| asked.value == JsonType::Number;
        if let Some(kind) = asked.iter().filter(is_number).find(|kind| **kind != JsonType::Number.into()) {
            self.note(format!("{kind} means any number"), "JSON has one kind of numbers: write \"number\".", None);
        }
    }

    /// A pattern as JavaScript writes it.
    pub(super) fn pattern(&mut self, source: &str) {
        let Some((inside, options)) = source.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else { return };
        if inside.is_empty() || !options.chars().all(|letter| "dgimsuvy".contains(letter)) {
            return;
        }
        let options: String = options.chars().filter(|letter| "ims".contains(*letter)).collect();
        let options = if options.is_empty() { String::new() } else { format!(", \"$options\": \"{options}\"") };
        let inside = Value::<std::convert::Infallible>::String(inside.to_owned());
        self.note(
            "the slashes are part of the pattern, and must be in the text",
            format!("Write the pattern without them: {{\"$regex\": {inside}{options}}}."),
            None,
        );
    }

    /// Notes a field's name in place of a value.
    pub(super) fn field_name(&mut self, path: &Path, test: &Test, operand: &Operand) {
        if let Value::String(text) = operand
            && text.strip_prefix('$').is_some_and(|name| name.starts_with(char::is_alphabetic))
        {
            let (name, field) = (test.operator().name(), path.text());
            self.note(
                format!("\"{text}\" is text here, not a field"),
                format!("To compare two fields, write {{\"$expr\": {{\"{name}\": [\"${field}\", \"{text}\"]}}}}."),
                None,
            );
        }
    }

    pub(super) fn operand(&mut self, operand: &Operand, read_as: Option<PropertyType>) {
        if is_text(read_as) && looks_like_date(operand) {
            self.note(
                "a string that looks like a date is compared as text",
                format!("To compare days or points in time, write {{\"$date\": {operand}}}, or declare the property as date or timestamp."),
                None,
            );
        }
    }

    /// Notes a bound such as `yesterday`, which is compared as text.
    pub(super) fn date_in_words(&mut self, operand: &Operand, read_as: Option<PropertyType>) {
        if let Value::String(text) = operand
            && is_text(read_as)
            && let Some(date) = meant(text)
        {
            self.note(format!("\"{text}\" is compared as text, not as a date"), format!("Write {date}."), None);
        }
    }
}

/// What a test compares for equality with.
fn equal_to(test: &Test) -> &[Operand] {
    match test {
        Test::Eq(operand) | Test::Ne(operand) => std::slice::from_ref(operand),
        Test::In(operands) | Test::Nin(operands) => operands,
        _ => &[],
    }
}

/// Whether strings are compared as text, and not as dates.
fn is_text(read_as: Option<PropertyType>) -> bool {
    matches!(read_as.and_then(PropertyType::element), None | Some(ScalarType::String))
}

fn looks_like_date(operand: &Operand) -> bool {
    matches!(operand, Value::String(text) if Written::parse(text).is_some())
}
