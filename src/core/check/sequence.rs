//! Checks `$sequence`, and `$by`, which orders elements.

use super::expression::NO_PREDICATE;
use super::{Checker, is_of_dates};
use crate::ast::{OrderedBy, Predicate, SequenceEntry, Test};
use crate::date::{DateLiteral, Instant, Relative, Utc};
use crate::error::ErrorKind;
use crate::expr::{Absence, Asked, Expr, SequenceStep, StoredDates, TimeOf, ValueTest};
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;

impl Checker<'_> {
    /// Goes over to the order of the predicate's `$by`, and gives the one before, which holds inside `$not` as well.
    pub(super) fn enter_order(&mut self, predicate: &Predicate) -> Option<TimeOf> {
        let before = self.by.clone();
        let by = predicate.tests.iter().find_map(|test| match test {
            Test::By(by) => Some(by),
            _ => None,
        });
        if let Some(by) = by {
            let time = self.at(Operator::By.name(), |checker| checker.time_of(by));
            self.by = time.or_else(|| Some(self.unknown_time()));
        }
        before
    }

    /// Stands in for a time with a mistake.
    fn unknown_time(&self) -> TimeOf {
        let path = Path::from_keys(vec![String::new()]);
        TimeOf { path, read_as: None, dates: self.stored_dates(None), is_stable: false }
    }

    /// Whether elements have an order, which rows of a relation without a time do not have.
    pub(super) fn are_in_order(&mut self) -> bool {
        let Some(relation) = self.relation_of_elements().filter(|_| self.by.is_none()) else { return true };
        let message = format!("rows of relation \"{}\" have no order", relation.name);
        self.fail(
            ErrorKind::Shape,
            message,
            "Name the field that has their time beside it, as in {\"$by\": \"placed_at\"}, or attach the relation with its time_column.",
        );
        false
    }

    fn time_of(&mut self, by: &OrderedBy) -> Option<TimeOf> {
        let (path, said, zone, is_stable) = match by {
            OrderedBy::Name(path) => (path, None, None, false),
            OrderedBy::Field { path, read_as, zone, is_stable } => {
                (path, *read_as, zone.as_deref(), is_stable.unwrap_or(false))
            }
        };
        let declared = self.declared_of_element(path, &NO_PREDICATE)?;
        let read_as = self.at_as(declared, said)?.filter(|read_as| *read_as != PropertyType::Json);
        if let Some(property_type) = read_as.filter(|read_as| !read_as.is_scalar() || !is_of_dates(read_as)) {
            self.fail(
                ErrorKind::TypeMismatch,
                format!("$by is a date of an element, not a property of type {property_type}"),
                "Name a field that has one date.",
            );
            return None;
        }
        let dates = self.stored_dates(read_as);
        let zone = match zone {
            None => dates.zone,
            Some(name) if read_as.is_some() || !self.environment.knows_types() => {
                self.at(Operator::Zone.name(), |checker| checker.zone_of(name))?
            }
            Some(_) => {
                self.at(Operator::Zone.name(), |checker| {
                    checker.fail(
                        ErrorKind::Unsupported,
                        "$zone stands where no date is declared",
                        "Put \"$as\": \"date\" or \"timestamp\" beside it. Dates of fields without a type are read in UTC.",
                    );
                });
                return None;
            }
        };
        let is_stable = match self.relation_of_elements() {
            None => is_stable,
            Some(relation) if relation.declaration.has_key || !is_stable => relation.declaration.has_key,
            Some(relation) => {
                let message = format!("rows of relation \"{}\" that have one time have no order", relation.name);
                self.at(Operator::Stable.name(), |checker| {
                    checker.fail(
                        ErrorKind::Unsupported,
                        message,
                        "Leave $stable out. A table with a primary key has its order.",
                    );
                });
                return None;
            }
        };
        Some(TimeOf { path: path.clone(), read_as, dates: StoredDates { zone, ..dates }, is_stable })
    }

    pub(super) fn sequence(&mut self, entries: &[SequenceEntry]) -> Expr<ValueTest> {
        let mut steps: Vec<SequenceStep> = Vec::new();
        let mut is_right = true;
        for (index, entry) in entries.iter().enumerate() {
            self.at(index, |checker| {
                if let Some(within) = entry.within {
                    is_right &= checker.can_be_within(within);
                }
                match (entry.is_absence, entry.within, steps.last_mut()) {
                    (true, Some(within), Some(step)) => {
                        let condition = checker
                            .at(Operator::None.name(), |checker| checker.on_element(Operator::None, &entry.condition));
                        let Some(now) = checker.now_of(entry.as_of.as_ref()) else {
                            is_right = false;
                            return;
                        };
                        step.absences.push(Absence { condition, within, now });
                    }
                    _ => steps.push(SequenceStep {
                        condition: checker.on_element(Operator::Sequence, &entry.condition),
                        within: entry.within,
                        absences: vec![],
                    }),
                }
            });
        }
        if !is_right || steps.is_empty() || !self.are_in_order() {
            return Expr::Const(false);
        }
        let by = self.by.clone();
        self.elements(Asked::Sequence { steps, by })
    }

    /// Whether elements have a time that can be counted so.
    fn can_be_within(&mut self, within: Relative) -> bool {
        // Without a time, tests on a relation are refused as a whole; and where types are unknown, so are relations.
        if self.by.is_none() && (self.relation_of_elements().is_some() || !self.environment.knows_types()) {
            return true;
        }
        let message = match &self.by {
            None => "$within needs a date of the elements".to_owned(),
            Some(TimeOf { read_as: Some(PropertyType::Scalar(scalar)), .. })
                if scalar.is_day() && !within.unit().is_calendar() =>
            {
                format!("$within cannot count {}s between days", within.unit().name())
            }
            Some(_) => return true,
        };
        let hint = match &self.by {
            None => "Name the field that has it beside $sequence: {\"$by\": \"placed_at\", \"$sequence\": […]}.",
            Some(_) => "Write days, weeks, months or years.",
        };
        let kind = if self.by.is_none() { ErrorKind::Shape } else { ErrorKind::TypeMismatch };
        self.at(Operator::Within.name(), |checker| checker.fail(kind, message, hint));
        false
    }

    /// The point in time at which an absence is asked for.
    fn now_of(&mut self, as_of: Option<&DateLiteral>) -> Option<Instant> {
        if let Some(literal) = as_of {
            return self
                .at(Operator::Date.name(), |checker| checker.date(literal, &Utc, false))
                .map(|range| range.from());
        }
        let now = self.environment.now();
        if now.is_none() {
            self.fail(
                ErrorKind::Unsupported,
                "$none with $within needs to know the time, which @~ does not",
                "Use it in a segment or in count_contacts().",
            );
        }
        now
    }
}
