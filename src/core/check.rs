//! Checks a condition and turns it into its normal form. It looks up names, checks operands against the types of
//! properties, and resolves dates.

use crate::ast::{
    AllEntry, Bucket, Condition, FieldPredicate, Junction, Literal, Member, Predicate, Test, TypeOperand,
};
use crate::date::NamedZone;
use crate::error::{Error, ErrorKind, JsonPointer, Refusal};
use crate::expr::{Atom, BucketTest, Checked, DocumentTest, Expr, FieldTest, TimeOf, ValueTest};
use crate::limits;
use crate::operator::{OPERATORS, Operator};
use crate::path::Path;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

mod aggregate;
mod calendar;
mod constant;
mod document;
mod element;
mod elements;
mod environment;
mod expression;
mod list;
mod names;
pub(crate) mod property;
mod rows;
mod sequence;

pub use document::DocumentOnly;
pub use environment::{Declaration, Environment, RelationDeclaration};
pub use property::UNUSABLE;

use rows::Relation;

/// Checks a condition and returns its normal form.
///
/// # Errors
/// All mistakes, in the order of the condition's keys.
pub fn check(condition: &Condition, environment: &dyn Environment) -> Result<Checked, Vec<Error>> {
    let mut checker = Checker {
        environment,
        place: JsonPointer::default(),
        errors: Vec::new(),
        segment_nodes: 0,
        ignores_case: false,
        zone: environment.zone(),
        field: Vec::new(),
        relation: None,
        inside: None,
        filter: None,
        by: None,
        filter_nodes: 0,
    };
    let checked = checker.condition(condition, &|checker, member| checker.contact_member(member));
    checker.bound_levels(&checked);
    checker.bound_filters(&checked);
    if checker.errors.is_empty() { Ok(checked) } else { Err(checker.errors) }
}

/// The state of a check. After a mistake, the check goes on with [`Expr::Const`] in place of the wrong part; the result
/// is then thrown away.
struct Checker<'s> {
    environment: &'s dyn Environment,
    place: JsonPointer,
    errors: Vec<Error>,
    /// The number of nodes of the segments that were put in place of `$segment`
    segment_nodes: usize,
    /// Whether the current field is text that is compared without regard to case
    ignores_case: bool,
    /// Where days and parts of typed dates are read
    zone: NamedZone,
    /// The keys of the current field, those of the arrays around it included
    field: Vec<String>,
    /// The relation that the current field is, or is a field of
    relation: Option<Relation>,
    /// The operator whose condition on elements is being read
    inside: Option<Operator>,
    /// What the elements of the current field have to satisfy to be seen
    filter: Option<Expr<DocumentTest>>,
    /// The date that orders the elements of the current field
    by: Option<TimeOf>,
    /// The number of nodes of all filters, each as often as there are tests beside it
    filter_nodes: usize,
}

/// Turns a member into an expression on contacts, or on an element of an array.
type ReadMember<'r, T> = &'r dyn Fn(&mut Checker<'_>, &Member) -> Expr<T>;

impl Checker<'_> {
    fn condition<T>(&mut self, condition: &Condition, read: ReadMember<'_, T>) -> Expr<T> {
        let parts: Vec<_> = condition.members.iter().map(|member| read(self, member)).collect();
        Expr::and(parts)
    }

    fn junction<T>(&mut self, junction: Junction, conditions: &[Condition], read: ReadMember<'_, T>) -> Expr<T> {
        let parts = self.at(junction.operator().name(), |checker| {
            checker.each(conditions, |checker, condition| checker.condition(condition, read))
        });
        match junction {
            Junction::And => Expr::and(parts),
            Junction::Or => Expr::or(parts),
            Junction::Nor => Expr::or(parts).not(),
        }
    }

    fn contact_member(&mut self, member: &Member) -> Checked {
        let read: ReadMember<'_, Atom> = &|checker, member| checker.contact_member(member);
        match member {
            Member::Logical(junction, conditions) => self.junction(*junction, conditions, read),
            Member::Not(condition) => self.at(Operator::Not.name(), |checker| checker.condition(condition, read)).not(),
            Member::Topic(predicate) => self.at(Operator::Topic.name(), |checker| checker.topics(predicate)),
            Member::Segment(predicate) => self.at(Operator::Segment.name(), |checker| checker.segments(predicate)),
            Member::Expr(expression) => self.at(Operator::Expr.name(), |checker| checker.expression(expression)),
            Member::Bucket(bucket) => self.at(Operator::Bucket.name(), |checker| checker.bucket(bucket)),
            Member::Comment(_) => Expr::Const(true),
            Member::Field(path, predicate) => self.at(path.text(), |checker| checker.field(path, predicate)),
        }
    }

    fn bucket(&mut self, bucket: &Bucket) -> Checked {
        let allowed = self.environment.bucket();
        if self.accept(allowed).is_none() {
            return Expr::Const(false);
        }
        let of = bucket.of.value;
        let mut within: Vec<u32> = bucket.within.iter().map(|bucket| bucket.value).collect();
        within.sort_unstable();
        within.dedup();
        if within.len() == of as usize {
            return Expr::Const(true);
        }
        Expr::Test(Atom::Bucket(BucketTest { of, within, salt: bucket.salt.clone() }))
    }

    /// Limits the size of all segments together: segments that refer twice to others, which refer twice to others
    /// again, double in size with each step.
    fn bound_nodes(&mut self, segment: Checked) -> Option<Checked> {
        self.segment_nodes = self.segment_nodes.saturating_add(segment.nodes());
        if self.segment_nodes <= limits::NODES {
            return Some(segment);
        }
        self.fail(
            ErrorKind::TooLarge,
            format!("condition has more than {} nodes with its segments put in place", limits::NODES),
            "Refer to fewer or smaller segments.",
        );
        None
    }

    fn bound_levels(&mut self, checked: &Checked) {
        if checked.levels() > limits::NESTING {
            self.fail(
                ErrorKind::TooDeep,
                format!(
                    "condition is nested deeper than {} levels with its segments and filters put in place",
                    limits::NESTING
                ),
                "Refer to segments that do not themselves refer to others, and nest fewer tests beside $filter.",
            );
        }
    }

    /// Reads a predicate on a field of the contact.
    fn field(&mut self, path: &Path, predicate: &FieldPredicate) -> Checked {
        let relation = self.environment.relation(path.first());
        let Some(relation) = self.accept(relation) else { return Expr::Const(false) };
        if let Some(declaration) = relation {
            let relation = Relation { name: path.first().to_owned(), declaration };
            return self.relation(relation, path, predicate);
        }
        let Some((path, declared)) = self.declared(path, predicate) else { return Expr::Const(false) };
        self.ignores_case = self.environment.ignores_case(&path.prefix(1));
        self.field = path.keys().to_vec();
        let field = self.field_predicate(&path, declared, predicate);
        self.ignores_case = false;
        field.try_map(&mut |test| Some(Atom::Field(test.clone()))).unwrap_or(Expr::Const(false))
    }

    fn field_predicate(
        &mut self,
        path: &Path,
        declared: Option<PropertyType>,
        predicate: &FieldPredicate,
    ) -> Expr<FieldTest> {
        match predicate {
            FieldPredicate::Literal(operand) => {
                let equal = self.constant(operand, declared).map(ValueTest::Eq);
                field_tests(path, declared, value_expr(equal))
            }
            FieldPredicate::Tests(predicate) => self.predicate(path, declared, predicate),
        }
    }

    fn predicate(&mut self, path: &Path, outer: Option<PropertyType>, predicate: &Predicate) -> Expr<FieldTest> {
        let read_as = self.read_as(outer, predicate);
        let outside = self.enter_zone(predicate, read_as);
        let unfiltered = self.enter_filter(predicate);
        let unordered = self.enter_order(predicate);
        let parts: Vec<_> = predicate
            .tests
            .iter()
            .map(|test| {
                self.at(test.operator().name(), |checker| match test {
                    Test::Not(inner) => checker.predicate(path, read_as, inner).not(),
                    test => {
                        let values = checker.test(test, read_as);
                        field_tests(path, read_as, values)
                    }
                })
            })
            .collect();
        self.zone = outside;
        self.filter = unfiltered;
        self.by = unordered;
        Expr::and(parts)
    }

    /// The type as which a predicate's tests read the field: its `$as`, which may not contradict the declared type.
    fn read_as(&mut self, declared: Option<PropertyType>, predicate: &Predicate) -> Option<PropertyType> {
        match (declared, predicate.read_as) {
            (Some(declared), Some(read_as)) if declared != PropertyType::Json && declared != read_as => {
                self.at(Operator::As.name(), |checker| checker.contradicts(declared, read_as));
                Some(declared)
            }
            (declared, read_as) => read_as.or(declared),
        }
    }

    /// Goes over to the zone of a predicate, if it has one, and gives the one before.
    fn enter_zone(&mut self, predicate: &Predicate, read_as: Option<PropertyType>) -> NamedZone {
        let outside = self.zone.clone();
        let Some(name) = &predicate.zone else { return outside };
        let is_temporal = read_as.as_ref().is_some_and(is_of_dates);
        let found = self.at(Operator::Zone.name(), |checker| {
            if is_temporal || read_as.is_none() && !checker.environment.knows_types() {
                return checker.zone_of(name);
            }
            checker.fail(
                ErrorKind::Unsupported,
                "$zone stands where no date is declared",
                "Put \"$as\": \"date\" or \"timestamp\" beside it. Dates of fields without a type are read in UTC.",
            );
            None
        });
        std::mem::replace(&mut self.zone, found.unwrap_or(outside))
    }

    fn contradicts(&mut self, declared: PropertyType, read_as: PropertyType) {
        self.fail(
            ErrorKind::TypeMismatch,
            format!("$as {read_as} contradicts the property's type, {declared}"),
            "Leave $as out: the declared type is used.",
        );
    }

    fn test(&mut self, test: &Test, read_as: Option<PropertyType>) -> Expr<ValueTest> {
        if matches!(test, Test::Comment(_)) {
            return Expr::Const(true);
        }
        if let Some(property_type) = read_as
            && !test.operator().row().fits.allows(property_type)
        {
            return self.misfit(test.operator(), property_type);
        }
        match test {
            Test::Eq(operand) => value_expr(self.constant(operand, read_as).map(ValueTest::Eq)),
            Test::Ne(operand) => value_expr(self.constant(operand, read_as).map(ValueTest::Eq)).not(),
            Test::Compare(comparison, operand) => {
                value_expr(self.constant(operand, read_as).map(|constant| ValueTest::Compare(*comparison, constant)))
            }
            Test::In(operands) => self.membership(operands, read_as),
            Test::Nin(operands) => self.membership(operands, read_as).not(),
            Test::Exists(wanted) => Expr::Test(ValueTest::Exists).negate_unless(wanted.value),
            Test::Empty(wanted) => Expr::Test(ValueTest::Empty).negate_unless(*wanted),
            Test::Regex(pattern) | Test::RegularExpression { pattern, .. } => {
                value_expr(self.pattern(pattern).map(ValueTest::Regex))
            }
            Test::Text(text, needle) => Expr::Test(ValueTest::Text(*text, needle.clone())),
            Test::Not(inner) => {
                self.keeps_reading(inner, read_as);
                self.element_predicate(inner, read_as).not()
            }
            Test::All(entries) if entries.is_empty() => Expr::Const(false),
            Test::All(entries) => {
                let parts = self.each(entries, |checker, entry| match entry {
                    AllEntry::Value(Value::Literal(Literal::Pattern(pattern))) => {
                        value_expr(checker.entry(pattern, read_as).map(|pattern| ValueTest::Matches(vec![pattern])))
                    }
                    AllEntry::Value(operand) => value_expr(checker.constant(operand, read_as).map(ValueTest::Eq)),
                    AllEntry::ElemMatch(inner) => {
                        checker.at(Operator::ElemMatch.name(), |checker| checker.elem_match(inner, read_as))
                    }
                });
                Expr::and(parts)
            }
            Test::ElemMatch(inner) => self.elem_match(inner, read_as),
            Test::Elements(quantifier, condition) => self.quantified(*quantifier, condition),
            Test::Count(asked) => self.count(asked),
            Test::Sequence(entries) => self.sequence(entries),
            Test::Of(aggregate, values) => self.aggregate(*aggregate, values),
            Test::Size(size) => Expr::Test(ValueTest::Size(size.value)),
            Test::Type(operand) => {
                let kinds = match operand {
                    TypeOperand::One(kind) => std::slice::from_ref(kind),
                    TypeOperand::Any(kinds) => kinds,
                };
                Expr::Test(ValueTest::Type(kinds.iter().map(|kind| kind.value).collect()))
            }
            Test::Mod(divisor, remainder) => Expr::Test(ValueTest::Mod(divisor.value, remainder.value)),
            Test::WithOptions(test, letters) if letters.is_empty() => self.test(test, read_as),
            Test::WithOptions(test, _) => self.alike(test, read_as),
            Test::Filter(_) | Test::By(_) | Test::Comment(_) => Expr::Const(true),
            Test::Part(part, asked) => self.part(*part, asked, read_as),
            Test::Anniversary(asked) => self.anniversary(asked, read_as),
        }
    }

    fn misfit(&mut self, operator: Operator, property_type: PropertyType) -> Expr<ValueTest> {
        let hint = match operator {
            Operator::Contains | Operator::StartsWith | Operator::EndsWith
                if property_type == PropertyType::Array(ScalarType::String) =>
            {
                "Use $eq or $all to find an element. To find a part of one, as \"vip\" in \"not-vip\", use $regex."
                    .to_owned()
            }
            _ => {
                let fitting =
                    OPERATORS.iter().filter(|row| row.position.in_predicate() && row.fits.allows(property_type));
                format!(
                    "Operators for {property_type}: {}.",
                    fitting.map(|row| row.name).collect::<Vec<_>>().join(", ")
                )
            }
        };
        self.fail(
            ErrorKind::TypeMismatch,
            format!("operator {} does not fit a property of type {property_type}", operator.name()),
            hint,
        );
        Expr::Const(false)
    }

    fn at<T>(&mut self, step: impl std::fmt::Display, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.enter(step);
        let result = read(self);
        self.place.leave();
        result
    }

    fn each<T, U>(&mut self, items: &[T], mut read: impl FnMut(&mut Self, &T) -> U) -> Vec<U> {
        items.iter().enumerate().map(|(index, item)| self.at(index, |checker| read(checker, item))).collect()
    }

    fn accept<T>(&mut self, result: Result<T, Refusal>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.fail(refusal.kind, refusal.message, refusal.hint);
                None
            }
        }
    }

    fn fail(&mut self, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) {
        if self.errors.len() < limits::ERRORS {
            self.errors.push(self.place.error(kind, message, hint));
        }
    }
}

fn is_of_dates(property_type: &PropertyType) -> bool {
    property_type.element().is_some_and(ScalarType::is_temporal)
}

fn value_expr(test: Option<ValueTest>) -> Expr<ValueTest> {
    test.map_or(Expr::Const(false), Expr::Test)
}

fn field_tests(path: &Path, read_as: Option<PropertyType>, values: Expr<ValueTest>) -> Expr<FieldTest> {
    let mut lift = |test: &ValueTest| Some(FieldTest { path: path.clone(), read_as, test: test.clone() });
    values.try_map(&mut lift).unwrap_or(Expr::Const(false))
}
