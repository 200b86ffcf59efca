//! Checks `$expr`: comparisons of fields with each other.

use super::Checker;
use super::property::PathTarget;
use crate::ast::{Comparison, Expression, FieldPredicate, Operand, Side as Written, SideComparison, SideOperator};
use crate::date::NamedZone;
use crate::error::ErrorKind;
use crate::expr::{Atom, Checked, Constant, Expr, FieldTest, PairTest, Side, ValueTest};
use crate::operator::Operator;
use crate::path::{Path, as_index};
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;
use std::cmp::Ordering;

impl Checker<'_> {
    pub(super) fn expression(&mut self, expression: &Expression) -> Checked {
        match expression {
            Expression::Const(value) => Expr::Const(*value),
            Expression::And(parts) => self.at(Operator::And.name(), |checker| {
                Expr::and(checker.each(parts, |checker, part| checker.expression(part)))
            }),
            Expression::Or(parts) => self.at(Operator::Or.name(), |checker| {
                Expr::or(checker.each(parts, |checker, part| checker.expression(part)))
            }),
            Expression::Not(part) => self.at(Operator::Not.name(), |checker| checker.expression(part)).not(),
            Expression::NotListed(part) => {
                self.at(Operator::Not.name(), |checker| checker.at(0, |checker| checker.expression(part))).not()
            }
            Expression::Compare(compared) => self
                .at(compared.relation.operator().name(), |checker| checker.compared(compared))
                .unwrap_or(Expr::Const(false)),
        }
    }

    fn compared(&mut self, SideComparison { relation, sides, zone }: &SideComparison) -> Option<Checked> {
        let zone = match zone {
            Some(name) => self.at(Operator::Zone.name(), |checker| checker.zone_of(name))?,
            None => self.zone.clone(),
        };
        let read = |checker: &mut Self, index: usize| {
            checker.at(index, |checker| match &sides[index] {
                Written::Name(path) => checker.side_field(path, None).map(Read::Field),
                Written::Field(path, read_as) => checker.side_field(path, *read_as).map(Read::Field),
                Written::Value(operand) | Written::Literal(operand) => Some(Read::Value(operand)),
                Written::DateFromString(written) => Some(Read::Value(&written.date)),
            })
        };
        let (left, right) = (read(self, 0), read(self, 1));
        let (left, right) = (left?, right?);
        let equal = match (left, right) {
            (Read::Field(left), Read::Field(right)) => self.pair(*relation, left, right, zone)?,
            (Read::Field(field), Read::Value(operand)) => self.with_value(*relation, field, (1, operand), zone)?,
            (Read::Value(operand), Read::Field(field)) => self.with_value(*relation, field, (0, operand), zone)?,
            (Read::Value(left), Read::Value(right)) => Expr::Const(self.constants(*relation, left, right)?),
        };
        Some(equal.negate_unless(*relation != SideOperator::Ne))
    }

    /// The field of a side, and its declared type.
    fn side_field(&mut self, path: &Path, read_as: Option<PropertyType>) -> Option<(Path, Option<ScalarType>)> {
        let target = match self.inside {
            Some(_) => PathTarget::At(self.declared_of_element(path, &NO_PREDICATE)?),
            None => {
                self.is_of_contact(path)?;
                PathTarget::of(self.environment, path)
            }
        };
        let declared = match target {
            PathTarget::At(_) if path.rest().iter().any(|key| as_index(key).is_some()) && self.is_in_array(path) => {
                self.fail(
                    ErrorKind::TypeMismatch,
                    format!("inside $expr, \"{}\" yields nothing: a path does not lead into an array", path.text()),
                    "Compare an element with a value under its field, without $expr.",
                );
                return None;
            }
            PathTarget::At(declared) => declared,
            PathTarget::Key if read_as.is_some() => None,
            PathTarget::Below(name, property_type) => {
                self.without_fields(&name, property_type);
                return None;
            }
            PathTarget::Key | PathTarget::Unknown => {
                self.unknown_property(path, &NO_PREDICATE);
                return None;
            }
        };
        match self.at_as(declared, read_as)? {
            None | Some(PropertyType::Json) => Some((path.clone(), None)),
            Some(PropertyType::Scalar(scalar)) => Some((path.clone(), Some(scalar))),
            Some(PropertyType::Array(_)) => {
                self.fail(
                    ErrorKind::TypeMismatch,
                    format!("\"{}\" is an array, and $expr compares single values", path.text()),
                    "Test its elements under the field itself, without $expr.",
                );
                None
            }
        }
    }

    /// Refuses a path that begins with the name of a relation.
    fn is_of_contact(&mut self, path: &Path) -> Option<()> {
        let relation = self.environment.relation(path.first());
        self.accept(relation)?.map_or(Some(()), |_| {
            self.fail(
                ErrorKind::TypeMismatch,
                format!("$expr compares fields of the contact, and \"{}\" is a relation", path.first()),
                "To compare fields of one row, put $expr inside $some: {\"orders\": {\"$some\": {\"$expr\": …}}}.",
            );
            None
        })
    }

    /// Whether the path leads to an element of a declared array.
    fn is_in_array(&self, path: &Path) -> bool {
        if self.inside.is_some() {
            return false;
        }
        let parent = path.prefix(path.keys().len() - 1);
        matches!(PathTarget::of(self.environment, &parent), PathTarget::At(Some(PropertyType::Array(_))))
    }

    pub(super) fn at_as(
        &mut self,
        declared: Option<PropertyType>,
        read_as: Option<PropertyType>,
    ) -> Option<Option<PropertyType>> {
        match (declared, read_as) {
            (Some(declared), Some(read_as)) if declared != PropertyType::Json && declared != read_as => {
                self.at(Operator::As.name(), |checker| checker.contradicts(declared, read_as));
                None
            }
            (declared, read_as) => Some(read_as.or(declared)),
        }
    }

    pub(super) fn zone_of(&mut self, name: &str) -> Option<NamedZone> {
        let zone = self.environment.find_zone(name);
        if zone.is_none() {
            self.fail(
                ErrorKind::Shape,
                format!("time zone \"{name}\" does not exist"),
                "Use a name of the IANA database, such as \"Europe/Paris\".",
            );
        }
        zone
    }

    fn pair(
        &mut self,
        relation: SideOperator,
        (left, read_left): (Path, Option<ScalarType>),
        (right, read_right): (Path, Option<ScalarType>),
        zone: NamedZone,
    ) -> Option<Checked> {
        if let (Some(one), Some(other)) = (read_left, read_right)
            && one != other
            && !(one.is_temporal() && other.is_temporal())
        {
            self.fail(
                ErrorKind::TypeMismatch,
                format!("\"{}\" of type {one} does not compare with \"{}\" of type {other}", left.text(), right.text()),
                "Both sides have to be of one type; date and timestamp count as one.",
            );
            return None;
        }
        let order = order_of(relation);
        for read_as in [read_left, read_right] {
            self.must_have_order(order, read_as)?;
        }
        let is_temporal = [read_left, read_right].into_iter().flatten().any(ScalarType::is_temporal);
        let zone = if is_temporal { zone } else { NamedZone::utc() };
        let sides = [Side::Field { path: left, read_as: read_left }, Side::Field { path: right, read_as: read_right }];
        Some(Expr::Test(Atom::Pair(PairTest { order, sides, zone })))
    }

    /// Checks the comparison of a field with a value, whose side has this number.
    fn with_value(
        &mut self,
        relation: SideOperator,
        (path, read_as): (Path, Option<ScalarType>),
        (side, operand): (usize, &Operand),
        zone: NamedZone,
    ) -> Option<Checked> {
        let order = order_of(relation);
        self.must_have_order(order, read_as)?;
        let constant =
            self.at(side, |checker| checker.constant_in(operand, read_as.map(PropertyType::Scalar), &zone))?;
        let own = match &constant {
            Value::String(_) => Some(ScalarType::String),
            Value::Number(_) => Some(ScalarType::Number),
            Value::Bool(_) => Some(ScalarType::Boolean),
            _ => None,
        };
        // A test on one value of a known type can use indexes and columns, so that it becomes an ordinary test.
        if let Some(scalar) = read_as.or(own)
            && path.rest().iter().all(|key| as_index(key).is_none())
        {
            let test = match order {
                None => ValueTest::Eq(constant),
                Some(comparison) if side == 1 => ValueTest::Compare(comparison, constant),
                Some(comparison) => ValueTest::Compare(comparison.turned(), constant),
            };
            return Some(Expr::Test(Atom::Field(FieldTest {
                path,
                read_as: Some(PropertyType::Scalar(scalar)),
                test,
            })));
        }
        let field = Side::Field { path, read_as };
        let constant = Side::Constant(constant);
        let sides = if side == 1 { [field, constant] } else { [constant, field] };
        Some(Expr::Test(Atom::Pair(PairTest { order, sides, zone: NamedZone::utc() })))
    }

    fn must_have_order(&mut self, order: Option<Comparison>, read_as: Option<ScalarType>) -> Option<()> {
        match (order, read_as) {
            (Some(comparison), Some(ScalarType::Boolean)) => {
                let message = format!("inside $expr, {} does not compare booleans", comparison.operator().name());
                self.fail(ErrorKind::TypeMismatch, message, "Booleans take $eq and $ne.");
                None
            }
            _ => Some(()),
        }
    }

    /// Whether two values satisfy the comparison; `$ne` is treated as `$eq`.
    fn constants(&mut self, relation: SideOperator, left: &Operand, right: &Operand) -> Option<bool> {
        let left = self.at(0, |checker| checker.constant(left, None));
        let right = self.at(1, |checker| checker.constant(right, None));
        let (left, right) = (left?, right?);
        Some(match relation {
            SideOperator::Eq | SideOperator::Ne => left == right || order(&left, &right).is_some_and(Ordering::is_eq),
            SideOperator::Ordered(comparison) => order(&left, &right).is_some_and(|found| comparison.accepts(found)),
        })
    }
}

/// Stands in where a field has no predicate.
pub(super) const NO_PREDICATE: FieldPredicate = FieldPredicate::Literal(Value::Null);

enum Read<'o> {
    Field((Path, Option<ScalarType>)),
    Value(&'o Operand),
}

fn order_of(relation: SideOperator) -> Option<Comparison> {
    match relation {
        SideOperator::Eq | SideOperator::Ne => None,
        SideOperator::Ordered(comparison) => Some(comparison),
    }
}

fn order(left: &Constant, right: &Constant) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Literal(left), Value::Literal(right)) if left.is_days() || right.is_days() => {
            // Dates that overlap have a day in common.
            let (before, after) = (left.last_day() < right.first_day(), left.first_day() > right.last_day());
            Some(after.cmp(&before))
        }
        (Value::Literal(left), Value::Literal(right)) => Some(left.from().cmp(&right.from())),
        _ => None,
    }
}
