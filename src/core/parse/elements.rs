//! Reads predicates on the elements of arrays.

use super::{Members, Parser, takes};
use crate::ast::{
    Aggregate, Condition, ElemMatch, FieldPredicate, Operand, Predicate, Quantifier, Test, ValuesPredicate,
};
use crate::error::ErrorKind;
use crate::json::Opened;
use crate::operator::Operator;
use crate::value::Value;
use serde_json::value::RawValue;

impl Parser {
    /// `{"$some": {"status": "paid"}}`, and `$none` and `$every`
    pub(super) fn quantified(&mut self, quantifier: Quantifier, raw: &RawValue) -> Option<Test> {
        let condition = self.element_condition(quantifier.operator(), raw)?;
        Some(Test::Elements(quantifier, condition))
    }

    /// Reads a condition that is put to elements.
    ///
    /// It counts as two levels, because in the checked form its test may stand under `$not`, or under `$and` beside
    /// another test of the field.
    pub(super) fn element_condition(&mut self, operator: Operator, raw: &RawValue) -> Option<Condition> {
        let name = operator.name();
        let members = match self.open(raw)? {
            Opened::Object(members) => self.unique(members)?,
            other => {
                return self.wrong_operand(operator, &other, &format!("Write {{\"{name}\": {{\"field\": value}}}}."));
            }
        };
        self.names_a_field(operator, &members)?;
        self.nested(|parser| parser.nested(|parser| Some(Condition { members: parser.members(members) })))
    }

    /// Refuses operators that test a value where a condition on an element is to be.
    pub(super) fn names_a_field(&mut self, operator: Operator, members: &Members<'_>) -> Option<()> {
        let tests_a_value = |(key, _): &(String, _)| {
            Operator::parse(key).is_some_and(|operator| {
                let position = operator.row().position;
                position.in_predicate() && !position.in_condition()
            })
        };
        if members.is_empty() || !members.iter().all(tests_a_value) {
            return Some(());
        }
        self.fail(
            ErrorKind::Unsupported,
            format!("{} takes a condition on the fields of elements, and no operators alone", operator.name()),
            "Name a field: {\"total\": {\"$gt\": 5}}. Elements that are values and have no fields are tested by $elemMatch.",
        )
    }

    /// `{"$count": 3}`, `{"$count": {"$gte": 3}}`
    pub(super) fn count(&mut self, raw: &RawValue) -> Option<FieldPredicate> {
        let asked = self.nested(|parser| parser.nested(|parser| parser.field_predicate(raw)))?;
        if let FieldPredicate::Tests(predicate) = &asked
            && (predicate.read_as.is_some() || predicate.zone.is_some())
        {
            let operator = if predicate.read_as.is_some() { Operator::As } else { Operator::Zone };
            return self.at(operator.name(), |parser| parser.not_of_a_result(Operator::Count, operator));
        }
        let hint = "Write {\"$count\": 3} or {\"$count\": {\"$gte\": 3}}.";
        let whole = |parser: &mut Self, operand: &Operand| match found_for_integer(operand) {
            None => Some(()),
            Some(found) => parser.fail(ErrorKind::Shape, takes(Operator::Count, found), hint),
        };
        self.asked_of_result(Operator::Count, &asked, &whole)?;
        Some(asked)
    }

    /// `{"$sum": {"total": {"$gt": 500}}}`, and the other aggregates of values
    pub(super) fn values(&mut self, aggregate: Aggregate, raw: &RawValue) -> Option<Test> {
        let operator = aggregate.operator();
        let name = operator.name();
        let example = match aggregate {
            Aggregate::Sum | Aggregate::Avg => "{\"total\": {\"$gt\": 500}}",
            Aggregate::Min | Aggregate::Max => "{\"placed_at\": {\"$gte\": {\"$today\": \"-7 days\"}}}",
            Aggregate::Distinct => "{\"product\": {\"$gte\": 3}}",
        };
        let bound = match aggregate {
            Aggregate::Min => " A bound on the field itself is $gte.",
            Aggregate::Max => " A bound on the field itself is $lte.",
            _ => "",
        };
        let hint = format!("Name a field of the elements, and what is asked: {{\"{name}\": {example}}}.{bound}");
        let members = match self.open(raw)? {
            Opened::Object(members) if !members.is_empty() => self.unique(members)?,
            other => return self.wrong_operand(operator, &other, &hint),
        };
        if let Some((key, _)) = members.iter().find(|(key, _)| key.starts_with('$')) {
            let message = format!("{name} takes fields of the elements, and {key} is none");
            return self.at(key, |parser| parser.fail(ErrorKind::Shape, message, hint));
        }
        let read = |parser: &mut Self| {
            let values = members.into_iter().map(|(key, raw)| {
                parser.at(&key, |parser| {
                    let path = parser.path(&key)?;
                    let asked = parser.below(&path, |parser| parser.field_predicate(raw))?;
                    parser.asked_of_values(aggregate, &asked)?;
                    Some(ValuesPredicate { path, asked })
                })
            });
            Some(values.flatten().collect())
        };
        let values = self.nested(|parser| parser.nested(read))?;
        Some(Test::Of(aggregate, values))
    }

    fn asked_of_values(&mut self, aggregate: Aggregate, asked: &FieldPredicate) -> Option<()> {
        let operator = aggregate.operator();
        let whole = |parser: &mut Self, operand: &Operand| match found_for_integer(operand) {
            Some(found) if aggregate == Aggregate::Distinct => {
                let hint = "It is compared with the number of different values: {\"$distinct\": {\"product\": {\"$gte\": 3}}}.";
                parser.fail(ErrorKind::Shape, takes(operator, found), hint)
            }
            _ => Some(()),
        };
        self.asked_of_result(operator, asked, &whole)
    }

    /// Checks what is asked of a number that was counted or computed: its operators, and their operands.
    fn asked_of_result(
        &mut self,
        outer: Operator,
        asked: &FieldPredicate,
        check: &dyn Fn(&mut Self, &Operand) -> Option<()>,
    ) -> Option<()> {
        match asked {
            FieldPredicate::Literal(operand) => check(self, operand),
            FieldPredicate::Tests(predicate) => self.tests_of_result(outer, predicate, check),
        }
    }

    fn tests_of_result(
        &mut self,
        outer: Operator,
        predicate: &Predicate,
        check: &dyn Fn(&mut Self, &Operand) -> Option<()>,
    ) -> Option<()> {
        let mut is_right = Some(());
        for test in &predicate.tests {
            let read = self.at(test.operator().name(), |parser| match test {
                Test::Eq(operand) | Test::Ne(operand) | Test::Compare(_, operand) => check(parser, operand),
                Test::In(operands) | Test::Nin(operands) => {
                    let entries = operands.iter().enumerate();
                    entries
                        .map(|(index, operand)| parser.at(index, |parser| check(parser, operand)))
                        .fold(Some(()), Option::and)
                }
                Test::Exists(_) | Test::Comment(_) => Some(()),
                Test::Not(inner) => parser.tests_of_result(outer, inner, check),
                Test::WithOptions(..) => parser.not_of_a_result(outer, Operator::Options),
                test => parser.not_of_a_result(outer, test.operator()),
            });
            is_right = is_right.and(read);
        }
        is_right
    }

    fn not_of_a_result<T>(&mut self, outer: Operator, operator: Operator) -> Option<T> {
        self.fail(
            ErrorKind::Unsupported,
            format!("operator {} does not belong inside {}", operator.name(), outer.name()),
            "Operators that may stand here: $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $not, $exists.",
        )
    }

    /// Checks that every test beside a `$filter` speaks of elements, and that there is one.
    pub(super) fn check_filter(&mut self, tests: &[Test]) {
        if tests.iter().any(|test| matches!(test, Test::Filter(_))) {
            let is_used = self.sees_elements(tests);
            if !is_used {
                self.at(Operator::Filter.name(), |parser| {
                    parser.fail::<()>(
                        ErrorKind::Shape,
                        "$filter stands alone: it is no test",
                        "For arrays with such an element write {\"$some\": …} in its place; to count them, {\"$count\": {\"$gte\": 1}} beside it.",
                    )
                });
            }
        }
    }

    /// Whether a test among these speaks of elements. Refuses tests that do not, since a filter means nothing to them.
    fn sees_elements(&mut self, tests: &[Test]) -> bool {
        let mut is_used = false;
        for test in tests {
            is_used |= self
                .at(test.operator().name(), |parser| match test {
                    Test::Filter(_) | Test::By(_) | Test::Comment(_) => Some(false),
                    Test::Elements(..) | Test::Count(_) | Test::Of(..) | Test::Sequence(_) | Test::ElemMatch(ElemMatch::Condition(_)) => {
                        Some(true)
                    }
                    // A `$filter` inside has been checked already.
                    Test::Not(inner) if inner.tests.iter().any(|test| matches!(test, Test::Filter(_))) => Some(true),
                    Test::Not(inner) => Some(parser.sees_elements(&inner.tests)),
                    Test::ElemMatch(_) => parser.fail(
                        ErrorKind::Shape,
                        "$elemMatch with operators does not belong beside $filter",
                        "The filter leaves elements that are objects: name a field inside $elemMatch.",
                    ),
                    test => parser.fail(
                        ErrorKind::Shape,
                        format!("operator {} does not belong beside $filter", test.operator().name()),
                        "$filter is for tests on elements. The number of those that it leaves is {\"$count\": {\"$gte\": 1}}; tests of the whole array stand under $and.",
                    ),
                })
                // What is refused already needs no second error.
                .unwrap_or(true);
        }
        is_used
    }
}

/// What the operand is, unless it is an integer.
fn found_for_integer(operand: &Operand) -> Option<String> {
    match operand.plain() {
        Value::Number(number) if number.to_i64().is_some() => None,
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some("null".to_owned()),
        other => Some(other.describe().to_owned()),
    }
}
