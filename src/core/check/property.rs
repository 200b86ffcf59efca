//! Looks fields up among the declared properties.

use super::{Checker, Declaration, Environment};
use crate::ast::{FieldPredicate, Test};
use crate::error::ErrorKind;
use crate::limits;
use crate::nearest::did_you_mean;
use crate::operator::{OPERATORS, OperatorRow};
use crate::path::{Path, as_index};
use crate::types::PropertyType;
use crate::value::Value;

/// The hint for a column of a type that conditions cannot use.
pub const UNUSABLE: &str =
    "JSON has no such type. Add a column of another type with the same information, such as a number.";

/// The target of a path.
pub(crate) enum PathTarget {
    /// A value of this type; `None` if any value may be there
    At(Option<PropertyType>),
    /// Something below a property with this name and type, which has no fields
    Below(Path, PropertyType),
    /// A key that is not declared, but that contacts may have
    Key,
    /// Nothing that is declared
    Unknown,
}

impl PathTarget {
    /// The target of the path in this environment.
    pub(crate) fn of(environment: &dyn Environment, path: &Path) -> Self {
        Self::below(environment, path, 1)
    }

    /// The target of a path that begins with the name of a relation, and goes on.
    pub(crate) fn of_row(environment: &dyn Environment, path: &Path) -> Self {
        Self::below(environment, path, 2)
    }

    /// The target of a path, if the shortest name of a property has so many keys.
    fn below(environment: &dyn Environment, path: &Path, shortest: usize) -> Self {
        let first = environment.property(&path.prefix(shortest));
        if first == Declaration::Undeclared {
            return PathTarget::At(None);
        }
        // If the path begins with several declared names, the longest counts.
        let longest = path.keys().len().min(limits::NAME_KEYS);
        let deeper = (shortest + 1..=longest).rev().map(|length| path.prefix(length));
        let declared = deeper.map(|name| (environment.property(&name), name)).chain([(first, path.prefix(shortest))]);
        let found = declared.into_iter().find_map(|(declaration, name)| match declaration {
            Declaration::Property(property_type) => Some((property_type, name)),
            _ => None,
        });
        match found.map(|(property_type, name)| (property_type, &path.keys()[name.keys().len()..], name)) {
            None if first == Declaration::Key => PathTarget::Key,
            None => PathTarget::Unknown,
            Some((property_type, [], _)) => PathTarget::At(Some(property_type)),
            Some((PropertyType::Json, ..)) => PathTarget::At(None),
            Some((PropertyType::Array(element), [index], _)) if as_index(index).is_some() => {
                PathTarget::At(Some(PropertyType::Scalar(element)))
            }
            Some((property_type, _, name)) => PathTarget::Below(name, property_type),
        }
    }
}

impl Checker<'_> {
    /// The path, and the type of its target, which is `None` if any value may be there. Returns `None` after a mistake.
    pub(super) fn declared(&mut self, path: &Path, predicate: &FieldPredicate) -> Option<(Path, Option<PropertyType>)> {
        match PathTarget::of(self.environment, path) {
            PathTarget::At(property_type) => Some((path.clone(), property_type)),
            PathTarget::Below(name, property_type) => {
                self.without_fields(&name, property_type);
                None
            }
            PathTarget::Key if predicate.read_as().is_some() => Some((path.clone(), None)),
            PathTarget::Key | PathTarget::Unknown => {
                self.unknown_property(path, predicate);
                None
            }
        }
    }

    pub(super) fn without_fields(&mut self, name: &Path, property_type: PropertyType) {
        let name = name.text();
        self.fail(
            ErrorKind::TypeMismatch,
            format!("property \"{name}\" is of type {property_type} and has no fields"),
            format!("Test \"{name}\" itself, or declare it as json to reach inside."),
        );
    }

    pub(super) fn unknown_property(&mut self, path: &Path, predicate: &FieldPredicate) {
        if self.errors.len() == limits::ERRORS {
            return;
        }
        if let Some(type_name) = self.environment.unusable_column(&path.prefix(1)) {
            let message = format!("conditions cannot use column \"{}\" of type {type_name}", path.first());
            return self.fail(ErrorKind::TypeMismatch, message, UNUSABLE);
        }
        let names = self.environment.property_names();
        let first = (!path.rest().is_empty()).then(|| path.first());
        let meant = [path.text()].into_iter().chain(first).find_map(|name| did_you_mean(name, &names));
        let hint = hint_at_operator(path, predicate)
            .or_else(|| self.hint_at_keys(path))
            .or_else(|| if meant.is_none() { hint_at_elements(path, predicate) } else { None })
            .or_else(|| hint_at_paths(path, &names));
        let hint = hint.unwrap_or_else(|| self.environment.unknown_hint(meant));
        self.fail(ErrorKind::UnknownProperty, format!("property \"{}\" does not exist", path.text()), hint);
    }

    /// Refuses a field that rows of a relation do not have. `path` begins with the relation; `written` is the path in the
    /// condition, which does not inside a condition on rows.
    pub(super) fn unknown_field_of_row(&mut self, path: &Path, written: &Path, predicate: &FieldPredicate) {
        if self.errors.len() == limits::ERRORS {
            return;
        }
        if let Some(type_name) = self.environment.unusable_column(&path.prefix(2)) {
            let message = format!("conditions cannot use column \"{}\" of type {type_name}", path.prefix(2).text());
            return self.fail(ErrorKind::TypeMismatch, message, UNUSABLE);
        }
        let names = self.environment.property_names();
        let before = format!("{}.", path.prefix(1).text());
        // What stands before the names of fields is left out where the condition leaves it out.
        let shown = if written == path { "" } else { before.as_str() };
        let fields = names.iter().filter(|name| name.starts_with(&before)).map(|name| &name[shown.len()..]);
        let fields: Vec<&str> = fields.collect();
        let hint = hint_at_operator(written, predicate).or_else(|| hint_at_paths(written, &fields));
        let meant = || did_you_mean(written.text(), &fields);
        let hint = hint.unwrap_or_else(|| self.environment.unknown_hint(meant()));
        self.fail(ErrorKind::UnknownProperty, format!("property \"{}\" does not exist", path.text()), hint);
    }

    /// The hint for the name of the properties column, whose keys are properties themselves.
    fn hint_at_keys(&self, path: &Path) -> Option<String> {
        let column = self.environment.properties_column().filter(|column| column == path.first())?;
        let write = match path.rest() {
            [] => "write {\"key\": …} in its place".to_owned(),
            keys => format!("write \"{}\"", Path::from_keys(keys.to_vec()).text()),
        };
        Some(format!("Keys of column \"{column}\" are properties themselves: {write}."))
    }
}

/// The hint for an object of which only keys are declared, as `company` where `company.size` is.
fn hint_at_paths<N: AsRef<str>>(path: &Path, names: &[N]) -> Option<String> {
    let mut names = names.iter().map(AsRef::as_ref);
    let is_below = |name: &&str| name.strip_prefix(path.text()).is_some_and(|rest| rest.starts_with('.'));
    let below = names.find(is_below)?;
    Some(format!("\"{below}\" is declared: name it by its whole path, as in {{\"{below}\": …}}."))
}

/// The hint for tests on the elements of a field that is not there.
fn hint_at_elements(path: &Path, predicate: &FieldPredicate) -> Option<String> {
    let FieldPredicate::Tests(predicate) = predicate else { return None };
    let is_asked = predicate.tests.iter().any(Test::sees_elements);
    let declare = "declare it as json with create_property(), or attach the table of its rows with attach_relation()";
    is_asked.then(|| format!("To test the elements of \"{}\", {declare}.", path.text()))
}

/// The hint at an operator on conditions whose `$` is missing, if the operand has the shape that it takes.
fn hint_at_operator(path: &Path, predicate: &FieldPredicate) -> Option<String> {
    let is_meant = |row: &&OperatorRow| row.position.in_condition() && row.name[1..].eq_ignore_ascii_case(path.text());
    let row = OPERATORS.iter().find(is_meant)?;
    let is_object = |value: &_| matches!(value, Value::Object(_));
    let fits = match (predicate, row.name) {
        (FieldPredicate::Literal(Value::Array(items)), "$and" | "$or" | "$nor") => items.iter().all(is_object),
        (FieldPredicate::Literal(operand), "$not") => is_object(operand),
        (FieldPredicate::Literal(Value::String(_)), "$topic" | "$segment") => true,
        _ => false,
    };
    fits.then(|| format!("Did you mean {}?", row.name))
}
