//! Random conditions and documents.
//!
//! Conditions are trees as the parser makes them: keys are unique and in order, and nothing is refused.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use segments_core::ast::*;
use segments_core::date::{DateLiteral, DatePart, Edge, PeriodUnit, Relative};
use segments_core::decimal::Decimal;
use segments_core::operator::Operator;
use segments_core::path::Path;
use segments_core::pattern::{Needle, Pattern, TextTest};
use segments_core::types::{BSON_TYPES, JsonType, PropertyType, ScalarType};
use segments_core::value::{Json, Value, key_order};
use std::fmt;

/// The members that a condition may have.
#[derive(Clone, Copy)]
pub struct Options {
    /// `$topic` and `$segment`
    pub audience: bool,
    /// `$expr`, which elements of arrays may not have
    pub pairs: bool,
    /// Whether fields, strings and keys are any text; otherwise they are a few texts, which documents have, too
    pub any_text: bool,
    /// Inside elements of arrays, where fields have one key, because the number of numbers in paths is limited
    pub in_element: bool,
}

/// A value that a failing test shows as text and not as a tree.
#[derive(Clone)]
pub struct Shown<T>(pub T);

impl<T: fmt::Display> fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub fn condition(options: Options) -> impl Strategy<Value = Shown<Condition>> {
    any_condition(options, 3).prop_map(Shown)
}

pub fn document() -> impl Strategy<Value = Shown<Json>> {
    let few = Options { audience: false, pairs: false, any_text: false, in_element: false };
    vec((key(few), json(few, 3)), 0..4).prop_map(object_of).prop_map(Shown)
}

fn any_condition(options: Options, levels: u32) -> BoxedStrategy<Condition> {
    let members = prop_oneof![1 => Just(vec![]), 30 => vec(member(options, levels), 1..4)];
    members.prop_map(|members| Condition { members: ordered(members, Member::key) }).boxed()
}

fn member(options: Options, levels: u32) -> BoxedStrategy<Member> {
    let field =
        (field(options), field_predicate(options, levels)).prop_map(|(path, predicate)| Member::Field(path, predicate));
    if levels == 0 {
        return field.boxed();
    }
    let inner = || any_condition(options, levels - 1);
    let junction = select(vec![Junction::And, Junction::Or, Junction::Nor]);
    let logical = (junction, vec(inner(), 1..4)).prop_map(|(junction, inner)| Member::Logical(junction, inner));
    let document_only = prop_oneof![
        12 => field,
        4 => logical,
        2 => inner().prop_map(Member::Not),
        1 => text(options).prop_map(Member::Comment),
    ];
    let document_only = match options.pairs {
        true => prop_oneof![8 => document_only, 1 => expression(options).prop_map(Member::Expr)].boxed(),
        false => document_only.boxed(),
    };
    if !options.audience {
        return document_only;
    }
    let bucket =
        (2..100u32, vec(0..2u32, 1..3), text(options).prop_map(|text| text + "x")).prop_map(|(of, within, salt)| {
            Member::Bucket(Bucket { of: of.into(), within: within.into_iter().map(AsWritten::from).collect(), salt })
        });
    let audience = prop_oneof![
        bucket,
        name_predicate(options, true).prop_map(Member::Topic),
        name_predicate(options, false).prop_map(Member::Segment)
    ];
    prop_oneof![8 => document_only, 1 => audience].boxed()
}

/// The operand of `$topic` or of `$segment`; that of `$topic` has two operators more.
fn name_predicate(options: Options, of_topics: bool) -> impl Strategy<Value = NamePredicate> {
    let name = || {
        let wrapper = select(vec![Operator::Oid, Operator::Uuid]);
        let wrapped = (wrapper, text(options)).prop_filter_map("a text", |(wrapper, text)| {
            let written = Value::Literal(Literal::Extended(Extended::read(wrapper, &text)?));
            Some(AsWritten { value: text, written })
        });
        prop_oneof![8 => text(options).prop_map(AsWritten::from), 1 => wrapped]
    };
    let names = || vec(name(), 0..3);
    let of_both = prop_oneof![
        name().prop_map(NameTest::Eq),
        name().prop_map(NameTest::Ne),
        names().prop_map(NameTest::In),
        names().prop_map(NameTest::Nin),
    ];
    let of_topics_alone =
        prop_oneof![names().prop_map(NameTest::All), any::<bool>().prop_map(|wanted| NameTest::Exists(wanted.into()))];
    let test = if of_topics { prop_oneof![4 => of_both, 2 => of_topics_alone].boxed() } else { of_both.boxed() };
    let comment = option::weighted(0.05, text(options).prop_map(NameTest::Comment));
    let tests = (vec(test, 1..3), comment).prop_map(|(tests, comment)| {
        ordered(tests.into_iter().chain(comment).collect(), |test| test.operator().name())
    });
    prop_oneof![name().prop_map(NamePredicate::Literal), tests.prop_map(NamePredicate::Tests)]
}

fn expression(options: Options) -> BoxedStrategy<Expression> {
    let leaf = prop_oneof![1 => any::<bool>().prop_map(Expression::Const), 9 => compared(options)];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Expression::And),
            vec(inner.clone(), 0..3).prop_map(Expression::Or),
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            inner.prop_map(|inner| Expression::NotListed(Box::new(inner))),
        ]
    })
    .boxed()
}

/// Two sides of any types, or of one that is said; not a boolean where there is an order.
fn compared(options: Options) -> BoxedStrategy<Expression> {
    let relation = select(vec![
        SideOperator::Eq,
        SideOperator::Ne,
        SideOperator::Ordered(Comparison::Gt),
        SideOperator::Ordered(Comparison::Gte),
        SideOperator::Ordered(Comparison::Lt),
        SideOperator::Ordered(Comparison::Lte),
    ]);
    let has_order =
        |operand: &Operand| !matches!(operand, Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_));
    let value = move || {
        operand(options).prop_filter("a value with an order", has_order).prop_map(|operand| match &operand {
            Value::String(text) if text.starts_with('$') => Side::Literal(operand),
            _ => Side::Value(operand),
        })
    };
    let from_string = select(vec!["2024-01-31", "2024-01-31 10:00:00"]).prop_map(|text| {
        let format = (text.len() == 10).then(|| "%Y-%m-%d".to_owned());
        let date = DateLiteral::date(&Json::String(text.to_owned())).unwrap();
        Side::DateFromString(DateFromString { text: text.to_owned(), format, date: Value::Literal(date.into()) })
    });
    let name = move || field(options).prop_map(Side::Name);
    let untyped =
        prop_oneof![4 => (name(), name()), 1 => (name(), value()), 1 => (value(), name()), 1 => (name(), from_string)];
    let one = select(vec![ScalarType::String, ScalarType::Number]).prop_map(|scalar| (scalar, scalar));
    let moment = || {
        let dates: Vec<ScalarType> = ScalarType::ALL.into_iter().filter(|scalar| scalar.is_temporal()).collect();
        select(dates)
    };
    let typed = (field(options), field(options), prop_oneof![one, (moment(), moment())]).prop_map(
        |(left, right, (one, other))| {
            let side = |path, scalar| Side::Field(path, Some(PropertyType::Scalar(scalar)));
            (side(left, one), side(right, other))
        },
    );
    let zone = option::weighted(0.2, select(vec!["UTC", "America/New_York"]));
    (relation, prop_oneof![2 => untyped, 1 => typed], zone)
        .prop_map(|(relation, (left, right), zone)| {
            let sides = Box::new([left, right]);
            Expression::Compare(SideComparison { relation, sides, zone: zone.map(str::to_owned) })
        })
        .boxed()
}

fn field_predicate(options: Options, levels: u32) -> BoxedStrategy<FieldPredicate> {
    prop_oneof![
        1 => operand(options).prop_map(FieldPredicate::Literal),
        4 => predicate(options, levels).prop_map(FieldPredicate::Tests),
        2 => typed_predicate().prop_map(FieldPredicate::Tests),
        1 => match levels {
            0 => predicate(options, 0),
            levels => {
                let condition = element_condition(options, levels - 1);
                prop_oneof![filtered(condition.clone()), ordered_by(condition)].boxed()
            }
        }
        .prop_map(FieldPredicate::Tests),
    ]
    .boxed()
}

/// Untyped tests of any kind.
fn predicate(options: Options, levels: u32) -> BoxedStrategy<Predicate> {
    let read_as = option::weighted(0.1, Just(PropertyType::Json));
    let tests = vec(test(options, levels), 1..4)
        .prop_filter("a comment alone", |tests| tests.iter().any(|test| !matches!(test, Test::Comment(_))));
    let several = (read_as, tests, option::of("[imsx]{0,2}")).prop_map(|(read_as, tests, letters)| {
        // Equality does not ignore case where json is declared, inside $not neither.
        let read_as = read_as.filter(|_| !tests.iter().any(|test| matches!(test, Test::Not(_))));
        let letters = letters.filter(|_| read_as.is_none());
        Predicate { read_as, zone: None, tests: with_options(tests, letters.as_deref()) }
    });
    let alone = pattern().prop_map(|pattern| Predicate {
        read_as: None,
        zone: None,
        tests: vec![Test::RegularExpression { pattern, is_operand: false }],
    });
    prop_oneof![19 => several, 1 => alone].boxed()
}

/// Gives all tests of an object the same options, because it has only one `$options`. Beside a test for literal text,
/// only `i` is possible.
fn with_options(tests: Vec<Test>, letters: Option<&str>) -> Vec<Test> {
    let has_own = tests.iter().any(|test| matches!(test, Test::RegularExpression { .. }));
    let letters = letters.filter(|_| !has_own);
    let has_pattern = tests.iter().any(|test| matches!(test, Test::Text(..) | Test::Regex(_)));
    let is_scalar = |operand: &Operand| !matches!(operand, Value::Array(_) | Value::Object(_));
    let can_ignore_case = letters.is_some()
        && tests.iter().all(|test| match test {
            Test::Eq(operand) | Test::Ne(operand) => is_scalar(operand),
            Test::In(operands) | Test::Nin(operands) => operands.iter().all(is_scalar),
            _ => true,
        });
    let has_text = tests.iter().any(|test| matches!(test, Test::Text(..)));
    let letters = letters.map(|letters| if has_text { letters.replace(['m', 's', 'x'], "") } else { letters.into() });
    let letters = letters.as_deref();
    let tests = tests.into_iter().map(|test| match test {
        Test::Regex(pattern) => Test::Regex(Pattern::compile(pattern.source(), letters).unwrap()),
        Test::Text(test, needle) => Test::Text(test, Needle::compile(test, needle.text(), letters).unwrap()),
        test @ (Test::Eq(_) | Test::Ne(_) | Test::In(_) | Test::Nin(_)) if !has_pattern && can_ignore_case => {
            Test::WithOptions(Box::new(test), letters.unwrap_or_default().replace(['m', 's', 'x'], ""))
        }
        other => other,
    });
    ordered(tests.collect(), |test| test.operator().name())
}

fn test(options: Options, levels: u32) -> BoxedStrategy<Test> {
    let leaf = prop_oneof![
        3 => operand(options).prop_map(Test::Eq),
        2 => operand(options).prop_map(Test::Ne),
        3 => (comparison(), bound(options)).prop_map(|(comparison, bound)| Test::Compare(comparison, bound)),
        2 => vec(entry(options), 0..4).prop_map(Test::In),
        2 => vec(entry(options), 0..4).prop_map(Test::Nin),
        1 => pattern().prop_map(|pattern| Test::RegularExpression { pattern, is_operand: true }),
        1 => exists(),
        1 => any::<bool>().prop_map(Test::Empty),
        1 => select(PATTERNS).prop_map(|source| Test::Regex(Pattern::compile(source, None).unwrap())),
        2 => (text_test(), text(options)).prop_map(|(test, text)| Test::Text(test, Needle::compile(test, &text, None).unwrap())),
        1 => whole(0..4).prop_map(|size| Test::Size(size.try_map(|size| u64::try_from(size).ok()).unwrap())),
        1 => (select(vec![-4i64, -1, 1, 2, 3, i64::MIN]), whole(-3..4)).prop_map(|(divisor, remainder)| Test::Mod(divisor.into(), remainder)),
        1 => text(options).prop_map(Test::Comment),
        1 => part(),
        1 => anniversary(),
        1 => json_type().prop_map(|kind| Test::Type(TypeOperand::One(kind))),
        1 => vec(json_type(), 1..3).prop_map(|kinds| Test::Type(TypeOperand::Any(kinds))),
    ];
    if levels == 0 {
        return leaf.boxed();
    }
    let entry = prop_oneof![
        4 => entry(options).prop_map(AllEntry::Value),
        1 => elem_match(options, levels - 1).prop_map(AllEntry::ElemMatch),
    ];
    prop_oneof![
        16 => leaf,
        2 => predicate(options, levels - 1).prop_map(Test::Not),
        1 => vec(entry, 0..3).prop_map(Test::All),
        3 => elem_match(options, levels - 1).prop_map(Test::ElemMatch),
        2 => on_elements(element_condition(options, levels - 1)),
    ]
    .boxed()
}

/// A test on the elements of an array.
fn on_elements(condition: BoxedStrategy<Condition>) -> BoxedStrategy<Test> {
    let quantifier =
        select(vec![Quantifier::Some, Quantifier::None, Quantifier::Every, Quantifier::First, Quantifier::Last]);
    let in_order = vec(condition.clone(), 2..4).prop_map(|conditions| {
        Test::Sequence(conditions.into_iter().map(|condition| entry_of(condition, None)).collect())
    });
    prop_oneof![
        2 => (quantifier, condition).prop_map(|(quantifier, condition)| Test::Elements(quantifier, condition)),
        1 => count().prop_map(Test::Count),
        2 => aggregate(),
        1 => in_order,
    ]
    .boxed()
}

/// A condition on an element, which has no operators of predicates alone.
fn element_condition(options: Options, levels: u32) -> BoxedStrategy<Condition> {
    any_condition(Options { audience: false, in_element: true, ..options }, levels)
}

/// A filter, and tests beside it.
fn filtered(condition: BoxedStrategy<Condition>) -> BoxedStrategy<Predicate> {
    let tests = vec(on_elements(condition.clone()), 1..3).boxed();
    let not = (option::weighted(0.3, condition.clone()), tests.clone()).prop_map(|(filter, tests)| {
        let filter = filter.map(Test::Filter);
        Test::Not(predicate_of(tests.into_iter().chain(filter).collect()))
    });
    (condition, tests, option::weighted(0.3, not))
        .prop_map(|(filter, tests, not)| {
            predicate_of(tests.into_iter().chain([Test::Filter(filter)]).chain(not).collect())
        })
        .boxed()
}

/// Tests on elements in the order of a date.
fn ordered_by(condition: BoxedStrategy<Condition>) -> BoxedStrategy<Predicate> {
    let condition = || condition.clone();
    let end = (select(vec![Quantifier::First, Quantifier::Last]), condition())
        .prop_map(|(quantifier, condition)| Test::Elements(quantifier, condition));
    let within = || {
        select(vec!["0 days", "1 day", "2 weeks", "1 month", "100 years"])
            .prop_map(|text| Relative::parse(text).unwrap())
    };
    let as_of = select(vec![Some("2024-03-01"), Some("2024-11-03T01:30:00Z"), None]);
    let later = prop_oneof![
        3 => (condition(), option::of(within())).prop_map(|(condition, within)| entry_of(condition, within)),
        1 => (condition(), within(), as_of).prop_map(|(condition, within, as_of)| SequenceEntry {
            is_absence: true,
            as_of: as_of.map(|text| DateLiteral::date(&Json::String(text.to_owned())).unwrap()),
            ..entry_of(condition, Some(within))
        }),
    ];
    let sequence = (condition(), vec(later, 1..3))
        .prop_map(|(first, later)| Test::Sequence([entry_of(first, None)].into_iter().chain(later).collect()));
    let few = Options { audience: false, pairs: false, any_text: false, in_element: false };
    let read_as = select(vec![None, Some(ScalarType::Date), Some(ScalarType::Timestamp)]);
    let by = (field(few), read_as, option::of(Just("America/New_York".to_owned())), any::<Option<bool>>()).prop_map(
        |(path, read_as, zone, is_stable)| match read_as {
            None if is_stable.is_none() => OrderedBy::Name(path),
            None => OrderedBy::Field { path, read_as: None, zone: None, is_stable },
            read_as => OrderedBy::Field { path, read_as: read_as.map(PropertyType::Scalar), zone, is_stable },
        },
    );
    let test = prop_oneof![1 => end, 2 => sequence].boxed();
    (by, test.clone(), option::weighted(0.3, test), option::weighted(0.2, condition()))
        .prop_map(|(by, test, not, filter)| {
            let not = not.map(|test| Test::Not(predicate_of(vec![test])));
            predicate_of([test, Test::By(by)].into_iter().chain(not).chain(filter.map(Test::Filter)).collect())
        })
        .boxed()
}

fn entry_of(condition: Condition, within: Option<Relative>) -> SequenceEntry {
    SequenceEntry { condition, is_absence: false, within, as_of: None }
}

fn predicate_of(tests: Vec<Test>) -> Predicate {
    Predicate { read_as: None, zone: None, tests: ordered(tests, |test| test.operator().name()) }
}

/// A test on an aggregate of the values at a path or at two.
fn aggregate() -> BoxedStrategy<Test> {
    let few = Options { audience: false, pairs: false, any_text: false, in_element: false };
    let of = |aggregates: Vec<Aggregate>, asked: BoxedStrategy<FieldPredicate>| {
        let values = (field(few), asked).prop_map(|(path, asked)| ValuesPredicate { path, asked });
        (select(aggregates), vec(values, 1..3))
            .prop_map(|(aggregate, values)| Test::Of(aggregate, ordered(values, |values| values.path.text())))
    };
    let numbers = || asked_of(scalar_operand(ScalarType::Number), vec![None, Some(ScalarType::Number)]);
    let strings = asked_of(scalar_operand(ScalarType::String), vec![None, Some(ScalarType::String)]);
    let dates = asked_of(
        literal().prop_map(Value::Literal).boxed(),
        vec![None, Some(ScalarType::Date), Some(ScalarType::Timestamp)],
    );
    let whole = (0..4i64).prop_map(|number| Operand::Number(number.into())).boxed();
    let counted = asked_of(whole, vec![None, Some(ScalarType::String), Some(ScalarType::Timestamp)]);
    prop_oneof![
        2 => of(vec![Aggregate::Sum, Aggregate::Avg, Aggregate::Min, Aggregate::Max], numbers()),
        1 => of(vec![Aggregate::Min, Aggregate::Max], strings),
        2 => of(vec![Aggregate::Min, Aggregate::Max], dates),
        1 => of(vec![Aggregate::Distinct], counted),
    ]
    .boxed()
}

/// What is asked of a result that compares with these operands. At least one of them tells the type.
fn asked_of(operand: BoxedStrategy<Operand>, types: Vec<Option<ScalarType>>) -> BoxedStrategy<FieldPredicate> {
    let bounds = operand.clone();
    let compare =
        move || (comparison(), bounds.clone()).prop_map(|(comparison, bound)| Test::Compare(comparison, bound)).boxed();
    let test = prop_oneof![
        operand.clone().prop_map(Test::Eq),
        operand.clone().prop_map(Test::Ne),
        compare(),
        vec(operand.clone(), 0..3).prop_map(Test::In),
        vec(operand.clone(), 0..3).prop_map(Test::Nin),
        exists(),
    ];
    let zone = option::weighted(0.2, Just("America/New_York".to_owned()));
    let tests = (vec(test.clone(), 0..3), compare(), option::weighted(0.2, vec(test, 1..3)), select(types), zone);
    let tests = tests.prop_map(|(tests, compare, not, read_as, zone)| {
        let tests = tests.into_iter().filter(|test| !matches!(test, Test::Compare(..)));
        let not = not.map(|tests| Test::Not(predicate_of(tests)));
        FieldPredicate::Tests(Predicate {
            read_as: read_as.map(PropertyType::Scalar),
            zone: zone.filter(|_| read_as.is_some_and(ScalarType::is_temporal)),
            ..predicate_of(tests.chain([compare]).chain(not).collect())
        })
    });
    prop_oneof![1 => operand.prop_map(FieldPredicate::Literal), 3 => tests].boxed()
}

/// What is asked of a number of elements.
fn count() -> BoxedStrategy<FieldPredicate> {
    let number = || (0..4i64).prop_map(|number| Operand::Number(number.into()));
    let test = prop_oneof![
        number().prop_map(Test::Eq),
        number().prop_map(Test::Ne),
        (comparison(), number()).prop_map(|(comparison, number)| Test::Compare(comparison, number)),
        vec(number(), 0..3).prop_map(Test::In),
        vec(number(), 0..3).prop_map(Test::Nin),
        exists(),
    ];
    let tests = move || vec(test.clone(), 1..3).prop_map(predicate_of);
    let with_not = (tests(), option::weighted(0.3, tests()))
        .prop_map(|(predicate, not)| predicate_of(predicate.tests.into_iter().chain(not.map(Test::Not)).collect()));
    prop_oneof![1 => number().prop_map(FieldPredicate::Literal), 2 => with_not.prop_map(FieldPredicate::Tests)].boxed()
}

fn elem_match(options: Options, levels: u32) -> BoxedStrategy<ElemMatch> {
    let options = Options { audience: false, pairs: false, in_element: true, ..options };
    // An object of `$not` and `$comment` alone would be a predicate.
    let reads_as_condition = |condition: &Condition| {
        let mut members = condition.members.iter();
        condition.members.is_empty() || members.any(|member| !matches!(member, Member::Not(_) | Member::Comment(_)))
    };
    prop_oneof![
        8 => any_condition(options, levels).prop_filter("$not alone", reads_as_condition).prop_map(ElemMatch::Condition),
        8 => predicate(options, levels).prop_map(ElemMatch::Predicate),
        1 => literal().prop_map(|literal| ElemMatch::Literal(Value::Literal(literal))),
    ]
    .boxed()
}

/// Typed tests, with operands that fit the type.
fn typed_predicate() -> BoxedStrategy<Predicate> {
    Union::new(ScalarType::ALL.map(tests_of)).boxed()
}

fn tests_of(scalar: ScalarType) -> BoxedStrategy<Predicate> {
    let operand = move || prop_oneof![9 => scalar_operand(scalar), 1 => Just(Value::Null)];
    let entries = move || vec(operand(), 0..3);
    let common = prop_oneof![
        2 => operand().prop_map(Test::Eq),
        2 => operand().prop_map(Test::Ne),
        1 => entries().prop_map(Test::In),
        1 => entries().prop_map(Test::Nin),
        1 => exists(),
    ];
    let compare =
        (comparison(), scalar_operand(scalar)).prop_map(|(comparison, bound)| Test::Compare(comparison, bound));
    let single = if scalar == ScalarType::Boolean {
        common.clone().boxed()
    } else {
        prop_oneof![common.clone(), compare].boxed()
    };
    let single = match scalar {
        scalar if scalar.has_time() => prop_oneof![4 => single, 1 => part(), 1 => anniversary()].boxed(),
        scalar if scalar.is_day() => {
            let part = part().prop_filter("a day has no hour", |test| !matches!(test, Test::Part(DatePart::Hour, _)));
            prop_oneof![4 => single, 1 => part, 1 => anniversary()].boxed()
        }
        _ => single,
    };
    let not = |test: BoxedStrategy<Test>| {
        vec(test, 1..3)
            .prop_map(|tests| Test::Not(Predicate { read_as: None, zone: None, tests: with_options(tests, None) }))
    };
    let single = prop_oneof![5 => single.clone(), 1 => not(single)].boxed();
    let of_arrays = prop_oneof![
        4 => single.clone(),
        1 => entries().prop_map(|entries| Test::All(entries.into_iter().map(AllEntry::Value).collect())),
        1 => entries().prop_map(|entries| Test::Eq(Value::Array(entries))),
        1 => vec(single.clone(), 1..4).prop_map(|tests| {
            Test::ElemMatch(ElemMatch::Predicate(Predicate { read_as: None, zone: None, tests: with_options(tests, None) }))
        }),
        1 => (0..3u64).prop_map(|size| Test::Size(size.into())),
    ];
    let typed = move |property_type: PropertyType, test: BoxedStrategy<Test>| {
        vec(test, 1..4)
            .prop_flat_map(|tests| (Just(tests), option::weighted(0.2, Just("America/New_York".to_owned()))))
            .prop_map(move |(tests, zone)| Predicate {
                read_as: Some(property_type),
                zone: zone.filter(|_| scalar.is_temporal()),
                tests: with_options(tests, None),
            })
    };
    prop_oneof![typed(PropertyType::Scalar(scalar), single), typed(PropertyType::Array(scalar), of_arrays.boxed())]
        .boxed()
}

/// What is asked of a part of a date.
fn part() -> BoxedStrategy<Test> {
    use DatePart::{DayOfMonth, Hour, IsoDayOfWeek, Month, Year};
    let number = || {
        prop_oneof![4 => 0..13i64, 1 => select(vec![2023, 2024, -1, 24, 1_000_000_000_000])]
            .prop_map(|number| Operand::Number(number.into()))
    };
    let test = prop_oneof![
        number().prop_map(Test::Eq),
        number().prop_map(Test::Ne),
        (comparison(), number()).prop_map(|(comparison, number)| Test::Compare(comparison, number)),
        vec(number(), 0..4).prop_map(Test::In),
        vec(number(), 0..4).prop_map(Test::Nin),
    ];
    let asked = prop_oneof![number().prop_map(FieldPredicate::Literal), asked(test.boxed())];
    (select(vec![Year, Month, DayOfMonth, IsoDayOfWeek, Hour]), asked)
        .prop_map(|(part, asked)| Test::Part(part, asked))
        .boxed()
}

/// What is asked of an anniversary.
fn anniversary() -> BoxedStrategy<Test> {
    let date = || {
        let text = select(DATES).prop_map(|text| Operand::String(text.to_owned()));
        prop_oneof![2 => literal().prop_map(Value::Literal), 1 => text]
    };
    let test = prop_oneof![
        date().prop_map(Test::Eq),
        (comparison(), date()).prop_map(|(comparison, date)| Test::Compare(comparison, date)),
        vec(date(), 0..4).prop_map(Test::In),
    ];
    prop_oneof![date().prop_map(FieldPredicate::Literal), asked(test.boxed())].prop_map(Test::Anniversary).boxed()
}

fn asked(test: BoxedStrategy<Test>) -> impl Strategy<Value = FieldPredicate> {
    vec(test, 1..4).prop_map(|tests| {
        FieldPredicate::Tests(Predicate { read_as: None, zone: None, tests: with_options(tests, None) })
    })
}

fn scalar_operand(scalar: ScalarType) -> BoxedStrategy<Operand> {
    match scalar {
        ScalarType::String => text(Options { audience: false, pairs: false, any_text: false, in_element: false })
            .prop_map(Value::String)
            .boxed(),
        ScalarType::Number => number().prop_map(Value::Number).boxed(),
        ScalarType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        ScalarType::Date | ScalarType::Timestamp | ScalarType::DateSeconds | ScalarType::TimestampSeconds => {
            prop_oneof![
                literal().prop_map(Value::Literal),
                select(DATES).prop_map(|text| Value::String(text.to_owned()))
            ]
            .boxed()
        }
    }
}

fn operand(options: Options) -> BoxedStrategy<Operand> {
    let date = literal().prop_map(Value::Literal).boxed();
    let wrapped = prop_oneof![
        text(options).prop_map(|text| extended(Operator::Oid, &text)),
        number().prop_map(|number| extended(Operator::NumberDecimal, &number.to_string())),
        (-5..5i64).prop_map(|number| extended(Operator::NumberLong, &number.to_string())),
    ];
    let date = prop_oneof![1 => date, 1 => wrapped].boxed();
    let scalar = prop_oneof![9 => scalar(options), 1 => date.clone()];
    let leaf = prop_oneof![9 => json(options, 0).prop_map(plain), 1 => date];
    prop_oneof![
        6 => scalar,
        1 => vec(leaf.clone(), 0..3).prop_map(Value::Array),
        1 => vec((key(options), leaf), 0..3).prop_map(object_of),
        1 => json(options, 2).prop_map(plain),
    ]
    .boxed()
}

fn bound(options: Options) -> impl Strategy<Value = Operand> {
    prop_oneof![
        3 => number().prop_map(Value::Number),
        2 => text(options).prop_map(Value::String),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => literal().prop_map(Value::Literal),
    ]
}

/// The value as an operand.
fn plain(json: Json) -> Operand {
    match json {
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(value),
        Value::Number(number) => Value::Number(number),
        Value::String(text) => Value::String(text),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(members) => Value::Object(members.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        Value::Literal(never) => match never {},
    }
}

fn scalar<D: Clone + std::fmt::Debug + 'static>(options: Options) -> BoxedStrategy<Value<D>> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        3 => number().prop_map(Value::Number),
        3 => text(options).prop_map(Value::String),
        1 => select(DATES).prop_map(|text| Value::String(text.to_owned())),
        1 => select(EPOCHS).prop_map(|text| Value::Number(Decimal::parse(text).unwrap())),
    ]
    .boxed()
}

fn json(options: Options, levels: u32) -> BoxedStrategy<Json> {
    scalar(options)
        .prop_recursive(levels, 24, 4, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::Array),
                vec((key(options), inner), 0..4).prop_map(object_of)
            ]
        })
        .boxed()
}

fn object_of<D>(members: Vec<(String, Value<D>)>) -> Value<D> {
    Value::Object(ordered(members, |(key, _)| key))
}

/// Sorts items into key order, and removes those with the same key.
fn ordered<T>(mut items: Vec<T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    items.sort_by(|left, right| key_order(key(left).as_bytes(), key(right).as_bytes()));
    items.dedup_by(|left, right| key(left) == key(right));
    items
}

fn number() -> impl Strategy<Value = Decimal> {
    let few = select(vec!["0", "1", "2", "1.5", "-1", "9007199254740993", "1e-7", "1e60"]).prop_map(str::to_owned);
    prop_oneof![4 => few, 1 => "-?[1-9][0-9]{0,30}(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?"]
        .prop_map(|text| Decimal::parse(&text).unwrap_or_else(|| panic!("{text} is a number")))
}

const DATES: &[&str] =
    &["2024-01-01", "2024-01-02", "2024-01-01T04:00:00Z", "2024-01-01T12:00:00", "2024-03-10", "2024-11-03T01:30:00"];

fn literal() -> impl Strategy<Value = Literal> {
    date().prop_map(Literal::Date)
}

/// Numbers of milliseconds, and of seconds, that are near to those dates.
const EPOCHS: &[&str] = &[
    "1704067200000",
    "1704067199999.9999",
    "1704081600000",
    "1710046800000.5",
    "1704067200",
    "1704067199.9999999",
    "1704153600",
    "1704110400.25",
];

fn date() -> impl Strategy<Value = DateLiteral> {
    let string = |text: &str| Json::String(text.to_owned());
    prop_oneof![
        4 => select(DATES).prop_map(move |text| DateLiteral::date(&string(text)).unwrap()),
        1 => (-4_000_000_000_000i64..4_000_000_000_000).prop_map(|millis| DateLiteral::date(&Value::Number(millis.into())).unwrap()),
        1 => (-4_000_000_000_000i64..4_000_000_000_000).prop_map(|millis| DateLiteral::wrapped("$numberLong", &millis.to_string(), &millis.into()).unwrap()),
        1 => select(vec!["0 days", "-30 days", "1 month", "-5 minutes"]).prop_map(move |text| DateLiteral::now(&string(text)).unwrap()),
        1 => select(vec!["0 days", "-1 week", "2 years"]).prop_map(move |text| DateLiteral::today(&string(text)).unwrap()),
        1 => select(vec!["this day", "last month", "3 weeks ago", "in 1 year"]).prop_map(move |text| DateLiteral::period(&string(text)).unwrap()),
        1 => (select(vec!["0 days", "-1 month"]), select(vec![Edge::Start(PeriodUnit::Month), Edge::End(PeriodUnit::Week)]))
            .prop_map(move |(text, edge)| DateLiteral::today(&string(text)).unwrap().at_edge(edge).unwrap()),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    select(vec![Comparison::Gt, Comparison::Gte, Comparison::Lt, Comparison::Lte])
}

fn text_test() -> impl Strategy<Value = TextTest> {
    select(vec![TextTest::Contains, TextTest::StartsWith, TextTest::EndsWith])
}

/// A type by its name, or as MongoDB has it.
fn json_type() -> impl Strategy<Value = AsWritten<JsonType>> {
    let of_mongodb = select(BSON_TYPES.to_vec()).prop_filter_map("no type of JSON", |(code, name, kind)| {
        let written = if code % 2 == 0 { Operand::Number(code.into()) } else { Operand::String(name.to_owned()) };
        Some(AsWritten { value: kind?, written })
    });
    prop_oneof![2 => select(JsonType::ALL.to_vec()).prop_map(AsWritten::from), 1 => of_mongodb]
}

fn exists() -> impl Strategy<Value = Test> {
    let number = |value: bool| AsWritten { value, written: Value::Number(i64::from(value).into()) };
    prop_oneof![any::<bool>().prop_map(AsWritten::from), any::<bool>().prop_map(number)].prop_map(Test::Exists)
}

/// A whole number, also as Extended JSON writes it.
fn whole(range: std::ops::Range<i64>) -> impl Strategy<Value = AsWritten<i64>> {
    let wrapped = |value: i64| AsWritten { value, written: extended(Operator::NumberInt, &value.to_string()) };
    prop_oneof![2 => range.clone().prop_map(AsWritten::from), 1 => range.prop_map(wrapped)]
}

fn extended(wrapper: Operator, text: &str) -> Operand {
    Value::Literal(Literal::Extended(Extended::read(wrapper, text).unwrap_or_else(|| panic!("{text} is one"))))
}

/// An entry of a list, which may be a pattern.
fn entry(options: Options) -> BoxedStrategy<Operand> {
    prop_oneof![9 => operand(options), 1 => pattern().prop_map(|pattern| Value::Literal(Literal::Pattern(pattern)))]
        .boxed()
}

const PATTERNS: &[&str] = &["", "a", "^a.?$", "[ab]+", "\\d", "(?i)A", "é|\"|/"];

fn pattern() -> impl Strategy<Value = Pattern> {
    (prop_oneof![9 => select(PATTERNS), 1 => Just("^(?!a)")], option::of("[isx]{0,2}"))
        .prop_map(|(source, options)| Pattern::compile(source, options.as_deref()).unwrap())
}

fn field(options: Options) -> BoxedStrategy<Path> {
    let most = if options.in_element { 1 } else { 3 };
    let few = vec(key(Options { any_text: false, ..options }), 1..=most).prop_map(Path::from_keys);
    if !options.any_text {
        return few.boxed();
    }
    prop_oneof![few, "[^$\\x00]\\PC{0,6}".prop_map(|text| Path::parse(&text)).prop_filter("an empty key", has_keys)]
        .boxed()
}

fn has_keys(path: &Path) -> bool {
    path.keys().iter().all(|key| !key.is_empty())
}

fn key(options: Options) -> BoxedStrategy<String> {
    let few = select(vec!["a", "b", "0", "1", "a.b"]).prop_map(str::to_owned);
    if options.any_text { prop_oneof![few, "[^$\\x00][^\\x00]{0,6}"].boxed() } else { few.boxed() }
}

fn text(options: Options) -> BoxedStrategy<String> {
    let few = select(vec!["", "a", "A", "ab", "é", "\"\\/\n"]).prop_map(str::to_owned);
    if options.any_text { prop_oneof![few, "[^\\x00]{0,8}"].boxed() } else { few.boxed() }
}
