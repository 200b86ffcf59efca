//! Puts tests to values.

use super::compare::{equals, order};
use super::elements::ElementsCheck;
use super::{Program, Surroundings};
use crate::ast::Comparison;
use crate::date::{Anniversaries, DatePart, Moment, Spans, Zone};
use crate::decimal::Decimal;
use crate::document::{Array, Node, Object, View};
use crate::expr::{Constant, ElementTest, Expr, StoredDates, ValueTest};
use crate::pattern::{Caseless, Needle, Pattern};
use crate::types::JsonType;
use crate::value::{Value, key_order};

/// A compiled [`ValueTest`].
#[derive(Debug)]
pub(super) enum Check {
    Eq(Constant),
    Compare(Comparison, Constant),
    In(Box<Entries>),
    Exists,
    Regex(Pattern),
    Matches(Box<[Pattern]>),
    Text(Needle),
    ElementObject(Box<Program>),
    ElementValue(Box<Expr<Check>>),
    Elements(Box<ElementsCheck>),
    Size(u64),
    Mod(i64, i64),
    Alike(Box<Caseless>),
    Type(Box<[JsonType]>),
    Empty,
    Part(DatePart, StoredDates, Spans),
    Anniversary(StoredDates, Anniversaries),
}

/// The entries of `$in`, sorted, so that strings and numbers are looked up rather than compared one by one.
#[derive(Debug, Default)]
pub(super) struct Entries {
    null: bool,
    /// In key order, because lengths are quicker to compare than bytes
    strings: Vec<String>,
    numbers: Vec<Decimal>,
    others: Vec<Constant>,
}

impl Check {
    pub(super) fn compile(test: &ValueTest) -> Self {
        match test {
            ValueTest::Eq(constant) => Check::Eq(constant.clone()),
            ValueTest::Compare(comparison, constant) => Check::Compare(*comparison, constant.clone()),
            ValueTest::In(constants) => Check::In(Box::new(Entries::sort(constants))),
            ValueTest::Exists => Check::Exists,
            ValueTest::Regex(pattern) => Check::Regex(pattern.clone()),
            ValueTest::Matches(patterns) => Check::Matches(patterns.clone().into_boxed_slice()),
            ValueTest::Text(_, needle) => Check::Text(needle.clone()),
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Object(expr) => Check::ElementObject(Box::new(Program::compile_element(expr))),
                ElementTest::Value { tests, .. } => Check::ElementValue(Box::new(compile_element(tests))),
            },
            ValueTest::Elements(elements) => Check::Elements(Box::new(ElementsCheck::compile(elements))),
            ValueTest::Size(size) => Check::Size(*size),
            ValueTest::Mod(divisor, remainder) => Check::Mod(*divisor, *remainder),
            ValueTest::Alike(caseless) => Check::Alike(Box::new(caseless.clone())),
            ValueTest::Type(kinds) => Check::Type(kinds.clone().into_boxed_slice()),
            ValueTest::Empty => Check::Empty,
            ValueTest::Part(part, stored, spans) => Check::Part(*part, stored.clone(), spans.clone()),
            ValueTest::Anniversary(stored, days) => Check::Anniversary(stored.clone(), Anniversaries::within(days)),
        }
    }

    /// An estimate of the time that it takes; comparing a scalar is 1.
    pub(super) fn cost(&self) -> u32 {
        match self {
            Check::Exists | Check::Eq(_) | Check::Compare(..) | Check::Size(_) | Check::Type(_) | Check::Empty => 1,
            Check::In(_) | Check::Mod(..) => 2,
            Check::Text(_) | Check::Alike(_) | Check::Part(..) | Check::Anniversary(..) => 4,
            Check::Regex(_) => 12,
            Check::Matches(_) | Check::ElementObject(_) | Check::ElementValue(_) | Check::Elements(_) => 16,
        }
    }

    pub(super) fn pattern_bytes(&self) -> usize {
        match self {
            Check::Regex(pattern) => pattern.bytes(),
            Check::Matches(patterns) => patterns.iter().map(Pattern::bytes).sum(),
            Check::Text(needle) => needle.bytes(),
            Check::ElementObject(program) => program.pattern_bytes(),
            Check::Elements(elements) => elements.pattern_bytes(),
            Check::ElementValue(expr) => {
                let mut bytes = 0;
                expr.for_each(&mut |check| bytes += check.pattern_bytes());
                bytes
            }
            _ => 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Check::Empty)
    }

    /// Whether a value, or with `fan_out` any element of it, satisfies it.
    #[inline]
    pub(super) fn value<'d, N: Node<'d>>(&self, value: N, fan_out: bool, surroundings: Surroundings<'_>) -> bool {
        if self.itself(value, surroundings) {
            return true;
        }
        match value.view() {
            View::Array(array) if fan_out && self.fans_out() => array.iter().enumerate().any(|(index, element)| {
                honour_interrupts(index, surroundings);
                self.itself(element, surroundings)
            }),
            _ => false,
        }
    }

    fn fans_out(&self) -> bool {
        matches!(
            self,
            Check::Eq(_)
                | Check::Compare(..)
                | Check::In(_)
                | Check::Regex(_)
                | Check::Matches(_)
                | Check::Text(_)
                | Check::Type(_)
                | Check::Mod(..)
                | Check::Alike(_)
                | Check::Part(..)
                | Check::Anniversary(..)
        )
    }

    #[inline]
    fn itself<'d, N: Node<'d>>(&self, value: N, surroundings: Surroundings<'_>) -> bool {
        match (self, value.view()) {
            (Check::Eq(constant), _) => equals(value, constant),
            (Check::Compare(comparison, constant), _) => {
                order(value, constant).is_some_and(|ordering| comparison.accepts(ordering))
            }
            (Check::In(entries), view) => entries.contains(value, view),
            (Check::Exists, _) => true,
            (Check::Regex(_) | Check::Matches(_) | Check::Text(_), View::String(text)) => self.text(text, surroundings),
            // A test for literal text reads the folded text. A pattern, and a test that ignores case anyway, reads the
            // text itself.
            (Check::Text(needle), View::Folded(folded)) if needle.is_exact() => {
                self.text(&folded.compared, surroundings)
            }
            (Check::Regex(_) | Check::Matches(_) | Check::Text(_), View::Folded(folded)) => {
                self.text(&folded.text, surroundings)
            }
            (Check::ElementObject(program), View::Array(array)) => array.iter().enumerate().any(|(index, element)| {
                honour_interrupts(index, surroundings);
                program.matches_element(element, surroundings)
            }),
            (Check::ElementValue(expr), View::Array(array)) => array.iter().enumerate().any(|(index, element)| {
                honour_interrupts(index, surroundings);
                expr.evaluate(&mut |check| check.value(element, false, surroundings))
            }),
            (Check::Elements(elements), View::Array(array)) => elements.hold(array, surroundings),
            (Check::Elements(elements), _) => elements.holds_for_none(),
            (Check::Mod(divisor, remainder), View::Number(number)) => number.remainder(*divisor) == Some(*remainder),
            (Check::Alike(caseless), View::String(text)) => caseless.has(text),
            (Check::Alike(caseless), View::Folded(folded)) => caseless.has(&folded.text),
            (Check::Size(size), View::Array(array)) => array.len() as u64 == *size,
            (Check::Type(kinds), view) => kinds.contains(&kind(&view)),
            (Check::Part(_, dates, _) | Check::Anniversary(dates, _), View::String(text)) => {
                dates.reading.string(text).is_some_and(|stored| self.moment(stored))
            }
            (Check::Part(_, dates, _) | Check::Anniversary(dates, _), View::Number(number)) => {
                dates.reading.number(number).is_some_and(|stored| self.moment(stored))
            }
            (Check::Part(..) | Check::Anniversary(..), View::Moment(stored)) => self.moment(stored),
            (Check::Empty, view) => match view {
                View::Null => true,
                View::String(text) => text.is_empty(),
                View::Folded(folded) => folded.text.is_empty(),
                View::Array(array) => array.is_empty(),
                View::Object(object) => object.is_empty(),
                View::Bool(_) | View::Number(_) | View::Moment(_) => false,
            },
            _ => false,
        }
    }

    /// Whether a stored date satisfies a test on the calendar.
    fn moment(&self, stored: Moment) -> bool {
        match self {
            Check::Part(part, dates, spans) => part.of(stored, &dates.zone).is_some_and(|it| spans.contains(it)),
            Check::Anniversary(dates, anniversaries) => anniversaries.has_one_of(match stored {
                Moment::Day(day) => day,
                Moment::Instant(instant) => dates.zone.local_of(instant).day(),
            }),
            _ => false,
        }
    }

    /// Puts a pattern or a test for literal text to a text.
    fn text(&self, text: &[u8], surroundings: Surroundings<'_>) -> bool {
        match self {
            Check::Regex(pattern) => pattern.is_match(text, surroundings.interrupt),
            Check::Matches(patterns) => patterns.iter().any(|pattern| pattern.is_match(text, surroundings.interrupt)),
            Check::Text(needle) => {
                if text.len() >= 4096 {
                    (surroundings.interrupt)();
                }
                needle.is_in(text, surroundings.interrupt)
            }
            _ => false,
        }
    }
}

impl Entries {
    fn sort(constants: &[Constant]) -> Self {
        let mut entries = Entries::default();
        for constant in constants {
            match constant {
                Value::Null => entries.null = true,
                Value::String(text) => entries.strings.push(text.clone()),
                Value::Number(number) => entries.numbers.push(number.clone()),
                other => entries.others.push(other.clone()),
            }
        }
        entries.strings.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        entries.numbers.sort();
        entries
    }

    fn contains<'d, N: Node<'d>>(&self, value: N, view: View<'d, N>) -> bool {
        match view {
            View::Null => self.null,
            View::Number(stored) => {
                self.numbers.binary_search_by(|number| number.as_number().cmp(&stored)).is_ok()
                    || self.others.iter().any(|constant| equals(value, constant))
            }
            View::String(stored) => {
                self.strings.binary_search_by(|text| key_order(text.as_bytes(), stored)).is_ok()
                    || self.others.iter().any(|constant| equals(value, constant))
            }
            View::Folded(stored) => {
                self.strings.binary_search_by(|text| key_order(text.as_bytes(), &stored.compared)).is_ok()
            }
            View::Bool(_) | View::Moment(_) | View::Array(_) | View::Object(_) => {
                self.others.iter().any(|constant| equals(value, constant))
            }
        }
    }
}

fn compile_element(expr: &Expr<ValueTest>) -> Expr<Check> {
    expr.try_map(&mut |test| Some(Check::compile(test))).unwrap_or(Expr::Const(false))
}

/// The type of a value.
pub(crate) fn kind<'d, N: Node<'d>>(view: &View<'d, N>) -> JsonType {
    match view {
        View::Null => JsonType::Null,
        View::Bool(_) => JsonType::Bool,
        View::Number(_) => JsonType::Number,
        View::String(_) | View::Folded(_) | View::Moment(_) => JsonType::String,
        View::Array(_) => JsonType::Array,
        View::Object(_) => JsonType::Object,
    }
}

/// Calls `interrupt` for each array, and for every 64th of its elements, because each element may be compared with
/// thousands of values, and may have arrays inside.
pub(crate) fn honour_interrupts(index: usize, surroundings: Surroundings<'_>) {
    if index.is_multiple_of(64) {
        (surroundings.interrupt)();
    }
}
