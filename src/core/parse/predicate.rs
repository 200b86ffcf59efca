//! Reads the predicate on a field.

use super::extended::{has_regular_expression, wrapper_of};
use super::{Members, Parser, describe, takes};
use crate::ast::{
    Aggregate, AllEntry, AsWritten, Comparison, Condition, ElemMatch, FieldPredicate, Literal, Operand, Predicate,
    Quantifier, Test,
};
use crate::date::DatePart;
use crate::error::{ErrorKind, Refusal};
use crate::json::{self, Opened};
use crate::limits;
use crate::operator::{Operator, OperatorPosition};
use crate::pattern::{LOST_PATTERN, Needle, TextTest};
use crate::value::Value;
use serde_json::value::RawValue;

impl Parser {
    pub(super) fn field_predicate(&mut self, raw: &RawValue) -> Option<FieldPredicate> {
        let opened = self.open(raw)?;
        match opened {
            Opened::Object(members) if has_operators(&members) && !is_date(&members) => {
                let members = self.unique(members)?;
                self.predicate(members).map(FieldPredicate::Tests)
            }
            other => {
                self.count_node()?;
                self.opened_operand(other).map(FieldPredicate::Literal)
            }
        }
    }

    /// Reads an object that has operators.
    fn predicate(&mut self, members: Members<'_>) -> Option<Predicate> {
        let mut read_as = None;
        let mut zone = None;
        let mut options = None;
        let mut tests = Vec::new();
        for (key, raw) in members {
            match Operator::parse(&key) {
                Some(Operator::As) => read_as = self.at(&key, |parser| parser.property_type(raw)),
                Some(Operator::Zone) => zone = self.at(&key, |parser| parser.zone_name(raw)),
                Some(Operator::Options) => options = self.at(&key, |parser| parser.options(raw)),
                _ => tests.push((key, raw)),
            }
        }
        if tests.iter().all(|(key, _)| key == Operator::Comment.name()) {
            return self.fail(
                ErrorKind::Shape,
                "the field has no test",
                "$as, $zone, $options and $comment are no tests: add one, such as $eq or $regex.",
            );
        }
        if let Some((key, _)) = tests.iter().find(|(key, _)| key == Operator::RegularExpression.name())
            && (tests.len() > 1 || read_as.is_some() || zone.is_some() || options.is_some())
        {
            return self.at(key, |parser| parser.must_stand_alone(key));
        }
        let has = |which: fn(Operator) -> bool| tests.iter().any(|(key, _)| Operator::parse(key).is_some_and(which));
        let (has_pattern, has_equality) = (has(is_pattern), has(is_equality));
        if options.is_some() && !has_pattern && !has_equality {
            self.at(Operator::Options.name(), |parser| {
                parser.fail::<()>(
                    ErrorKind::Unsupported,
                    "$options has no test that takes it",
                    "$options goes with $regex, $contains, $startsWith or $endsWith in the same object, or with $eq, $ne, $in or $nin.",
                )
            });
        }
        // Beside a pattern, $options belongs to the pattern alone.
        let of_equality = options.clone().filter(|_| !has_pattern);
        if let Some(options) = of_equality.as_deref().filter(|_| has_equality) {
            self.at(Operator::Options.name(), |parser| parser.check_options(Some(options), "i"));
        }
        let written = tests.len();
        let read = tests.into_iter().map(|(key, raw)| {
            self.at(&key, |parser| {
                let test = parser.test(&key, raw, options.as_deref())?;
                match &of_equality {
                    Some(options) if is_equality(test.operator()) => parser.with_options(test, options),
                    _ => Some(test),
                }
            })
        });
        let tests: Vec<Test> = read.flatten().collect();
        if tests.len() == written {
            self.check_filter(&tests);
            self.check_order(&tests);
        }
        Some(Predicate { read_as, zone, tests })
    }

    pub(super) fn test(&mut self, key: &str, raw: &RawValue, options: Option<&str>) -> Option<Test> {
        self.count_node()?;
        let Some(operator) = Operator::parse(key) else {
            return self.not_an_operator(key);
        };
        match operator {
            Operator::Eq => self.operand(raw).map(Test::Eq),
            Operator::Ne => self.operand(raw).map(Test::Ne),
            Operator::Gt => self.bound(Comparison::Gt, raw),
            Operator::Gte => self.bound(Comparison::Gte, raw),
            Operator::Lt => self.bound(Comparison::Lt, raw),
            Operator::Lte => self.bound(Comparison::Lte, raw),
            Operator::In => self.list(operator, raw).map(Test::In),
            Operator::Nin => self.list(operator, raw).map(Test::Nin),
            Operator::Exists => self.truth(operator, raw).map(Test::Exists),
            Operator::Empty => self.boolean(operator, raw).map(Test::Empty),
            Operator::Regex => self.regex(raw, options),
            Operator::RegularExpression => {
                let pattern = self.pattern_and_options(raw)?;
                Some(Test::RegularExpression { pattern, is_operand: false })
            }
            Operator::Contains => self.text_test(TextTest::Contains, raw, options),
            Operator::StartsWith => self.text_test(TextTest::StartsWith, raw, options),
            Operator::EndsWith => self.text_test(TextTest::EndsWith, raw, options),
            Operator::Not => self.not(raw),
            Operator::All => self.entries(operator, raw, Parser::all_entry).map(Test::All),
            Operator::ElemMatch => self.elem_match(raw).map(Test::ElemMatch),
            Operator::Some => self.quantified(Quantifier::Some, raw),
            Operator::None => self.quantified(Quantifier::None, raw),
            Operator::Every => self.quantified(Quantifier::Every, raw),
            Operator::First => self.quantified(Quantifier::First, raw),
            Operator::Last => self.quantified(Quantifier::Last, raw),
            Operator::Sequence => self.sequence(raw).map(Test::Sequence),
            Operator::By => self.ordered_by(raw).map(Test::By),
            Operator::Filter => self.element_condition(operator, raw).map(Test::Filter),
            Operator::Count => self.count(raw).map(Test::Count),
            Operator::Sum => self.values(Aggregate::Sum, raw),
            Operator::Avg => self.values(Aggregate::Avg, raw),
            Operator::Min => self.values(Aggregate::Min, raw),
            Operator::Max => self.values(Aggregate::Max, raw),
            Operator::Distinct => self.values(Aggregate::Distinct, raw),
            Operator::Size => self.size(raw),
            Operator::Type => self.type_names(raw).map(Test::Type),
            Operator::Mod => self.modulo(raw),
            Operator::Anniversary => self.anniversary(raw).map(Test::Anniversary),
            Operator::Year => self.date_part(DatePart::Year, raw),
            Operator::Month => self.date_part(DatePart::Month, raw),
            Operator::DayOfMonth => self.date_part(DatePart::DayOfMonth, raw),
            Operator::IsoDayOfWeek => self.date_part(DatePart::IsoDayOfWeek, raw),
            Operator::Hour => self.date_part(DatePart::Hour, raw),
            Operator::Comment => self.comment(raw).map(Test::Comment),
            _ => self.misplaced(operator),
        }
    }

    /// The entries of `$in` or `$nin`.
    fn list(&mut self, operator: Operator, raw: &RawValue) -> Option<Vec<Operand>> {
        let entries = self.entries(operator, raw, Parser::entry)?;
        let is_pattern = |entry: &&Operand| matches!(entry, Value::Literal(Literal::Pattern(_)));
        let patterns = entries.iter().filter(is_pattern).count();
        if patterns > 0 && patterns < entries.len() {
            self.count_two_tests()?;
        }
        Some(entries)
    }

    /// Counts a list whose checked form is two tests under `$or`.
    fn count_two_tests(&mut self) -> Option<()> {
        for _ in 0..limits::CALENDAR_NODES {
            self.count_node()?;
        }
        self.nested(|parser| parser.nested(|_| Some(())))
    }

    /// An equality without regard to case.
    fn with_options(&mut self, test: Test, options: &str) -> Option<Test> {
        let operands = match &test {
            Test::Eq(operand) | Test::Ne(operand) => std::slice::from_ref(operand),
            Test::In(operands) | Test::Nin(operands) => operands,
            _ => &[],
        };
        let texts = operands.iter().filter(|operand| matches!(operand.plain(), Value::String(_))).count();
        if texts > 0 && texts < operands.len() {
            self.count_two_tests()?;
        }
        match operands.iter().find(|operand| matches!(operand, Value::Array(_) | Value::Object(_))) {
            None => Some(Test::WithOptions(Box::new(test), options.to_owned())),
            Some(operand) => self.fail(
                ErrorKind::Shape,
                format!("beside $options, {} does not compare with {}", test.operator().name(), operand.describe()),
                "Case is ignored in strings. An array of them is matched by each of its elements.",
            ),
        }
    }

    fn modulo(&mut self, raw: &RawValue) -> Option<Test> {
        let hint = "Write {\"$mod\": [4, 1]}: divided by 4, it leaves 1.";
        let items = match self.open(raw)? {
            Opened::Array(items) if items.len() == 2 => items,
            Opened::Array(items) => {
                return self.fail(ErrorKind::Shape, takes(Operator::Mod, format!("an array of {}", items.len())), hint);
            }
            other => return self.wrong_operand(Operator::Mod, &other, hint),
        };
        let read = |parser: &mut Self, item| match parser.number(item)? {
            Ok(AsWritten { value, written }) => match value.to_i64() {
                Some(value) => Some(AsWritten { value, written }),
                None => parser.fail(ErrorKind::Shape, format!("{value} is not an integer of 64 bits"), hint),
            },
            Err(other) => parser.fail(ErrorKind::Shape, format!("$mod takes integers, not {}", describe(&other)), hint),
        };
        let mut numbers = self.each(items, read).into_iter();
        match (numbers.next()?, numbers.next()?) {
            (divisor, _) if divisor.value == 0 => self.fail(ErrorKind::Shape, "the divisor of $mod is 0", hint),
            (divisor, remainder) => Some(Test::Mod(divisor, remainder)),
        }
    }

    pub(super) fn not_an_operator<T>(&mut self, key: &str) -> Option<T> {
        if key.starts_with('$') {
            return self.unknown_operator(key, OperatorPosition::in_predicate);
        }
        self.fail(
            ErrorKind::Shape,
            format!("key \"{key}\" is no operator, but stands beside operators"),
            "To compare with an object use {\"$eq\": {…}}; to reach into one use a dotted path, such as \"address.city\".",
        )
    }

    fn bound(&mut self, comparison: Comparison, raw: &RawValue) -> Option<Test> {
        let operator = comparison.operator();
        let opened = self.open(raw)?;
        let found = describe(&opened);
        match self.opened_operand(opened)? {
            Value::Null => self.fail(
                ErrorKind::Shape,
                format!("{} cannot compare with null", operator.name()),
                "Nothing is greater or less than null. For contacts that have a value use {\"$exists\": true} or {\"$ne\": null}.",
            ),
            Value::Array(_) | Value::Object(_) => self.fail(
                ErrorKind::Shape,
                takes(operator, found),
                "Arrays and objects have no order; use $eq, $in or $all.",
            ),
            operand => Some(Test::Compare(comparison, operand)),
        }
    }

    fn regex(&mut self, raw: &RawValue, options: Option<&str>) -> Option<Test> {
        if has_regular_expression(raw) {
            let Opened::Object(members) = self.open(raw)? else { return None };
            let pattern = self.regular_expression(members)?;
            if options.is_none() {
                return Some(Test::RegularExpression { pattern, is_operand: true });
            }
            let hint = "Write the letters inside: {\"pattern\": \"^a\", \"options\": \"i\"}.";
            return self.fail(ErrorKind::Shape, "$options stands beside a $regularExpression, which has its own", hint);
        }
        let hint = match json::open(raw) {
            Ok(Opened::Object(members)) if members.is_empty() => LOST_PATTERN,
            _ => "Write the pattern as a string, without slashes around it.",
        };
        let source = self.string(Operator::Regex, raw, hint)?;
        self.check_options(options, "imsx")?;
        self.compile(&source, options).map(Test::Regex)
    }

    fn text_test(&mut self, test: TextTest, raw: &RawValue, options: Option<&str>) -> Option<Test> {
        let text = self.string(test.operator(), raw, "Write the text to look for as a string.")?;
        self.check_options(options, "i")?;
        match Needle::compile(test, &text, options) {
            Ok(needle) => self.count_pattern(needle.bytes()).map(|()| Test::Text(test, needle)),
            Err(Refusal { kind, message, hint }) => self.fail(kind, message, hint),
        }
    }

    pub(super) fn count_pattern(&mut self, bytes: usize) -> Option<()> {
        self.pattern_bytes += bytes;
        if self.pattern_bytes <= limits::PATTERNS_BYTES {
            return Some(());
        }
        self.fatal(
            ErrorKind::TooLarge,
            format!("patterns of the condition take more than {} bytes compiled", limits::PATTERNS_BYTES),
            "Use fewer patterns, or simpler ones: classes such as \\w are large, since they are Unicode's.",
        )
    }

    fn options(&mut self, raw: &RawValue) -> Option<String> {
        self.string(Operator::Options, raw, "Write the letters as a string: {\"$regex\": \"…\", \"$options\": \"i\"}.")
    }

    pub(super) fn check_options(&mut self, options: Option<&str>, allowed: &str) -> Option<()> {
        match options.and_then(|letters| letters.chars().find(|letter| !allowed.contains(*letter))) {
            None => Some(()),
            Some(letter) => self.fail(
                ErrorKind::Shape,
                format!("unknown option \"{letter}\" in $options"),
                format!("Allowed here: {}.", allowed.chars().map(String::from).collect::<Vec<_>>().join(", ")),
            ),
        }
    }

    fn not(&mut self, raw: &RawValue) -> Option<Test> {
        match self.open(raw)? {
            Opened::Object(members) if has_operators(&members) && !is_date(&members) => {
                let members = self.unique(members)?;
                Some(Test::Not(self.nested(|parser| parser.predicate(members))?))
            }
            Opened::Object(members) if !members.is_empty() && !has_operators(&members) => {
                let key = &members[0].0;
                let hint = match Operator::parse(&format!("${key}")) {
                    Some(operator) => format!("Did you mean {{\"$not\": {{\"{}\": …}}}}?", operator.name()),
                    None => {
                        "Operators begin with $: {\"$not\": {\"$gt\": 5}}. For \"not equal\" write {\"$ne\": value}."
                            .into()
                    }
                };
                self.fail(ErrorKind::Shape, format!("$not on a field takes operators, and \"{key}\" is none"), hint)
            }
            Opened::Object(members) if members.is_empty() => self.fail(
                ErrorKind::Shape,
                "$not on a field takes an object of operators, not an empty object",
                LOST_PATTERN,
            ),
            other => {
                // An object that comes here stands for a value.
                let found = match &other {
                    Opened::Object(members) if wrapper_of(members).is_some() => "a value",
                    Opened::Object(_) => "a date",
                    other => describe(other),
                };
                self.fail(
                    ErrorKind::Shape,
                    format!("$not on a field takes an object of operators, not {found}"),
                    "For \"not equal\" write {\"$ne\": value}; otherwise {\"$not\": {\"$gt\": 5}}.",
                )
            }
        }
    }

    fn all_entry(&mut self, raw: &RawValue) -> Option<AllEntry> {
        match self.open(raw)? {
            Opened::Object(members) if matches!(members.as_slice(), [(key, _)] if key == Operator::ElemMatch.name()) => {
                let (key, inner) = members.into_iter().next()?;
                self.at(key, |parser| parser.elem_match(inner)).map(AllEntry::ElemMatch)
            }
            _ => self.entry(raw).map(AllEntry::Value),
        }
    }

    /// Reads the operand of `$elemMatch`. It is a condition if one of its keys is a field, `$and`, `$or` or `$nor`;
    /// else it is a predicate. Their order does not count, because jsonb does not keep it.
    fn elem_match(&mut self, raw: &RawValue) -> Option<ElemMatch> {
        let members = match self.open(raw)? {
            Opened::Object(members) => self.unique(members)?,
            other => {
                let hint = "Write {\"$elemMatch\": {\"$gte\": 5, \"$lt\": 9}} or {\"$elemMatch\": {\"name\": \"x\"}}.";
                return self.wrong_operand(Operator::ElemMatch, &other, hint);
            }
        };
        if !members.is_empty() && is_date(&members) {
            return self.opened_operand(Opened::Object(members)).map(ElemMatch::Literal);
        }
        let is_condition = members.is_empty()
            || members.iter().any(|(key, _)| !key.starts_with('$') || matches!(key.as_str(), "$and" | "$or" | "$nor"));
        self.nested(|parser| {
            if is_condition {
                Some(ElemMatch::Condition(Condition { members: parser.members(members) }))
            } else {
                parser.predicate(members).map(ElemMatch::Predicate)
            }
        })
    }

    fn size(&mut self, raw: &RawValue) -> Option<Test> {
        let hint =
            "Write {\"$size\": 3}; for a range test an element that must exist: {\"tags.2\": {\"$exists\": true}}.";
        match self.number(raw)? {
            Ok(AsWritten { value, written }) => match value.to_i64().and_then(|size| u64::try_from(size).ok()) {
                Some(size) => Some(Test::Size(AsWritten { value: size, written })),
                None => self.fail(ErrorKind::Shape, takes(Operator::Size, value), hint),
            },
            Err(other) => self.wrong_operand(Operator::Size, &other, hint),
        }
    }
}

/// Whether the operator searches in text.
fn is_pattern(operator: Operator) -> bool {
    matches!(operator, Operator::Regex | Operator::Contains | Operator::StartsWith | Operator::EndsWith)
}

fn is_equality(operator: Operator) -> bool {
    matches!(operator, Operator::Eq | Operator::Ne | Operator::In | Operator::Nin)
}

/// Whether an object is tests rather than a literal.
pub(super) fn has_operators(members: &Members<'_>) -> bool {
    members.iter().any(|(key, _)| key.starts_with('$'))
}

/// Whether an object is `{"$date": …}` or similar, which is a literal.
pub(super) fn is_date(members: &Members<'_>) -> bool {
    members.iter().all(|(key, _)| Operator::parse(key).is_some_and(|operator| operator.row().position.in_operand()))
}
