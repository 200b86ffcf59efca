//! Finds parts of a condition that are legal, but probably not meant.

use crate::ast::{
    AllEntry, Comparison, Condition, ElemMatch, Expression, FieldPredicate, Member, Operand, Predicate, SideOperator,
    Test, TestedField,
};
use crate::check::property::PathTarget;
use crate::check::{Environment, check};
use crate::error::JsonPointer;
use crate::expr::{Atom, Checked, Expr};
use crate::operator::Operator;
use crate::path::Path;
use crate::print::excerpt;
use crate::types::PropertyType;
use crate::value::Value;

mod contradictions;
mod elements;
mod operands;
mod rows;

/// A notice about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The place, as a JSON pointer into the condition
    pub pointer: String,
    /// The notice, in Postgres's voice: lower case, no full stop
    pub message: String,
    /// What may have been meant, as a sentence
    pub hint: String,
    /// The contacts that match, too; the reader wants to know how many there are
    pub includes: Option<Includes>,
}

/// Contacts that may have been forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Includes {
    /// Those without a value for the field
    Missing(Path),
    /// Those that satisfy the condition
    Matching(Condition),
}

/// All notices about a condition.
#[must_use]
pub fn notices(condition: &Condition, environment: &dyn Environment) -> Vec<Notice> {
    let mut finder = Finder { environment, place: JsonPointer::default(), notices: Vec::new() };
    let constant = contradictions::constant(condition);
    // What is written may not tell, and what becomes of it does: `{"id": {"$exists": true}}`.
    let becomes = || environment.constant(&check(condition, environment).ok()?);
    let becomes = if constant.is_none() { becomes() } else { None };
    if becomes == Some(true) {
        finder.note("condition holds for everyone", "It holds for all values that contacts can have.", None);
    }
    match constant {
        Some(true) => {
            finder.note(
                "condition holds for everyone",
                "An empty condition means every contact of the audience.",
                None,
            );
        }
        Some(false) => finder.note(
            "condition holds for nobody",
            "An empty $in matches nobody, and {} under $not or $nor excludes everyone.",
            None,
        ),
        None => {}
    }
    for TestedField { place, path, predicate } in condition.fields() {
        finder.place = place;
        finder.field(path, predicate);
    }
    finder.place = JsonPointer::default();
    finder.different_rows(condition);
    for (place, expression) in condition.expressions() {
        finder.place = place;
        finder.expression(expression);
    }
    // Another notice may say why nothing satisfies it.
    if becomes == Some(false) && finder.notices.is_empty() {
        finder.place = JsonPointer::default();
        finder.note("condition holds for nobody", "It holds for no value that contacts can have.", None);
    }
    finder.notices
}

struct Finder<'s> {
    environment: &'s dyn Environment,
    place: JsonPointer,
    notices: Vec<Notice>,
}

impl Finder<'_> {
    fn expression(&mut self, expression: &Expression) {
        let operator = |finder: &mut Self, operator: Operator, parts: &[Expression]| {
            finder.at(operator.name(), |finder| {
                for (index, part) in parts.iter().enumerate() {
                    finder.at(index, |finder| finder.expression(part));
                }
            });
        };
        match expression {
            Expression::Const(_) => {}
            Expression::And(parts) => operator(self, Operator::And, parts),
            Expression::Or(parts) => operator(self, Operator::Or, parts),
            Expression::Not(_) | Expression::NotListed(_) => self.at(Operator::Not.name(), Self::complement),
            Expression::Compare(compared) if compared.relation == SideOperator::Ne => {
                self.at(Operator::Ne.name(), Self::complement);
            }
            Expression::Compare(_) => {}
        }
    }

    /// Notes a complement inside `$expr`, which holds for missing values.
    fn complement(&mut self) {
        let name = if self.place.pointer().ends_with("$ne") { "$ne" } else { "$not" };
        self.note(
            format!("{name} also holds where a side is missing or null"),
            "To leave contacts without a value out, ask for the field too: {\"budget\": {\"$ne\": null}}.",
            None,
        );
    }

    fn field(&mut self, path: &Path, predicate: &FieldPredicate) {
        let declared = self.declared(path);
        match predicate {
            FieldPredicate::Literal(operand) => {
                self.operand(operand, declared);
                self.equality(path, operand, declared);
            }
            FieldPredicate::Tests(predicate) => self.predicate(path, predicate, declared),
        }
    }

    fn predicate(&mut self, path: &Path, predicate: &Predicate, declared: Option<PropertyType>) {
        let read_as = predicate.read_as.or(declared);
        self.bounds(path, predicate, read_as);
        let is_of_rows = self.is_relation(path);
        if let Some((one, other)) = contradictions::contradiction(predicate)
            && !matches!(read_as, Some(PropertyType::Array(_)))
            && !is_of_rows
        {
            self.note(
                format!("no value satisfies both {} and {}", one.name(), other.name()),
                "Correct one of the two. A lower bound goes with $gt or $gte.",
                None,
            );
        }
        self.without_elements(path, predicate);
        let asks_presence = predicate.tests.iter().any(|test| match test {
            Test::Exists(wanted) => wanted.value,
            Test::Empty(wanted) => !*wanted,
            Test::Ne(Value::Null) => true,
            _ => false,
        });
        for test in &predicate.tests {
            self.at(test.operator().name(), |finder| {
                if is_of_rows && is_complement(test) && finder.holds_for_missing(path, predicate, test) {
                    finder.without_rows(path, test);
                } else if !asks_presence && is_complement(test) && finder.holds_for_missing(path, predicate, test) {
                    let name = test.operator().name();
                    finder.note(
                        format!("{name} also holds for contacts without a value for \"{}\"", path.text()),
                        without_missing(test),
                        Some(Includes::Missing(path.clone())),
                    );
                }
                finder.operands(path, test, read_as);
            });
        }
    }

    /// Whether a contact without a value satisfies the test; false if the test has a mistake, or always holds.
    fn holds_for_missing(&self, path: &Path, predicate: &Predicate, test: &Test) -> bool {
        let predicate = FieldPredicate::Tests(predicate.alone(test));
        let condition = Condition { members: vec![Member::Field(path.clone(), predicate)] };
        match check(&condition, self.environment) {
            Ok(Expr::Const(_)) | Err(_) => false,
            Ok(checked) => holds_for_none(&checked),
        }
    }

    /// Notes two bounds on an array, which different elements may satisfy.
    fn bounds(&mut self, path: &Path, predicate: &Predicate, read_as: Option<PropertyType>) {
        let bound = |wanted: [Comparison; 2]| {
            predicate
                .tests
                .iter()
                .any(|test| matches!(test, Test::Compare(comparison, _) if wanted.contains(comparison)))
        };
        let both = bound([Comparison::Gt, Comparison::Gte]) && bound([Comparison::Lt, Comparison::Lte]);
        if both && !path.rest().is_empty() && self.is_relation(path) {
            let one_row = rows::inside(path.first(), &[path.rest()]);
            self.note(
                "the two bounds may be met by different rows",
                format!("To test one row with both, write {one_row}."),
                None,
            );
        } else if both && matches!(read_as, Some(PropertyType::Array(_))) {
            self.note(
                "the two bounds may be met by different elements of the array",
                "To test one element with both, put them inside $elemMatch.",
                None,
            );
        }
    }

    fn operands(&mut self, path: &Path, test: &Test, read_as: Option<PropertyType>) {
        match test {
            Test::Eq(operand) | Test::Ne(operand) => {
                self.operand(operand, read_as);
                self.equality(path, operand, read_as);
                self.field_name(path, test, operand);
            }
            Test::Compare(_, operand) => {
                self.operand(operand, read_as);
                self.date_in_words(operand, read_as);
                self.field_name(path, test, operand);
            }
            Test::Part(part, asked) => self.part(*part, asked),
            Test::Regex(pattern) | Test::RegularExpression { pattern, .. } => self.pattern(pattern.source()),
            Test::Type(operand) => self.types(operand),
            Test::Text(test, needle) if needle.text().contains('%') => {
                let name = test.operator().name();
                self.note(
                    format!("% in {name} is no wildcard"),
                    format!("{name} has no wildcards. Leave % out, or use $regex."),
                    None,
                );
            }
            Test::In(operands) | Test::Nin(operands) => self.list(path, operands.iter().enumerate(), read_as),
            Test::All(entries) => {
                let values = entries.iter().enumerate().filter_map(|(index, entry)| match entry {
                    AllEntry::Value(operand) => Some((index, operand)),
                    AllEntry::ElemMatch(_) => None,
                });
                self.list(path, values, read_as);
            }
            Test::Not(predicate) => self.tests(path, predicate, read_as),
            Test::ElemMatch(ElemMatch::Predicate(predicate)) => {
                let element = read_as.and_then(PropertyType::element).map(PropertyType::Scalar);
                self.tests(path, predicate, element);
            }
            _ => {}
        }
    }

    /// What the tests inside `$not` and `$elemMatch` compare with.
    fn tests(&mut self, path: &Path, predicate: &Predicate, read_as: Option<PropertyType>) {
        for test in &predicate.tests {
            self.at(test.operator().name(), |finder| finder.operands(path, test, predicate.read_as.or(read_as)));
        }
    }

    /// A list gets one notice, because its entries are mostly alike.
    fn list<'o>(
        &mut self,
        path: &Path,
        operands: impl Iterator<Item = (usize, &'o Operand)>,
        read_as: Option<PropertyType>,
    ) {
        let before = self.notices.len();
        for (index, operand) in operands {
            self.at(index, |finder| {
                finder.operand(operand, read_as);
                finder.equality(path, operand, read_as);
            });
            if self.notices.len() > before {
                break;
            }
        }
    }

    fn declared(&self, path: &Path) -> Option<PropertyType> {
        let target = match path.rest() {
            [] if self.is_relation(path) => return None,
            [_, ..] if self.is_relation(path) => PathTarget::of_row(self.environment, path),
            _ => PathTarget::of(self.environment, path),
        };
        match target {
            PathTarget::At(property_type) => property_type,
            PathTarget::Below(..) | PathTarget::Key | PathTarget::Unknown => None,
        }
    }

    fn note(&mut self, message: impl Into<String>, hint: impl Into<String>, includes: Option<Includes>) {
        let pointer = self.place.pointer().to_owned();
        self.notices.push(Notice { pointer, message: message.into(), hint: hint.into(), includes });
    }

    fn at(&mut self, step: impl std::fmt::Display, find: impl FnOnce(&mut Self)) {
        self.place.enter(step);
        find(self);
        self.place.leave();
    }
}

/// Whether a contact without values and rows satisfies the condition.
fn holds_for_none(checked: &Checked) -> bool {
    checked.evaluate(&mut |atom| match atom {
        Atom::Field(field) => field.test.holds_for_missing(),
        Atom::Rows(rows) => rows.holds_for_none(),
        Atom::Pair(_) | Atom::Bucket(_) | Atom::Topic(_) => false,
    })
}

/// Whether the test is a complement. People forget that complements match missing values.
fn is_complement(test: &Test) -> bool {
    match test {
        Test::Nin(operands) => !operands.is_empty(),
        Test::Ne(_) | Test::Not(_) => true,
        Test::Part(_, FieldPredicate::Tests(predicate)) => predicate.tests.iter().any(is_complement),
        _ => false,
    }
}

/// What to write so that a test does not hold for missing values and null.
fn without_missing(test: &Test) -> String {
    match test {
        Test::Ne(operand) => {
            format!("To leave them out, write {{\"$nin\": [{}, null]}} in its place.", excerpt(operand))
        }
        Test::Nin(_) => "To leave them out, add null to the list.".to_owned(),
        test => format!("To leave them out, add \"$ne\": null beside {}.", test.operator().name()),
    }
}

#[cfg(test)]
mod tests;
