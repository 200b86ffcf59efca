//! Notices about conditions that are valid but do not fit the data, according to a sample of the contacts.

use crate::api::sample::Sample;
use crate::api::validate::asked::{UsedField, asked};
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::{field_sql, property_sql};
use crate::catalog::environment::AudienceEnvironment;
use crate::evaluate::implausible::Implausible;
use crate::evaluate::stored::Misfit;
use segments_core::ast::Condition;
use segments_core::check::Environment;
use segments_core::date::NamedZone;
use segments_core::nearest::{did_you_mean, nearest};
use segments_core::notices::Notice;
use segments_core::path::Path;
use segments_core::sql::ColumnKind;
use segments_core::types::{PropertyType, ScalarType};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// For how many fields of a condition values are sampled.
const FIELDS: usize = 50;
/// Up to this many distinct values are few.
const FEW: usize = 12;

/// Notices from a sample of the contacts, which is read with the caller's rights.
pub fn notices(audience: &Audience, condition: &Condition) -> Vec<Notice> {
    let questions: Vec<DeclaredField> =
        asked(condition).into_iter().filter_map(|asked| DeclaredField::of(audience, asked)).take(FIELDS).collect();
    let mut terms: Vec<String> = questions.iter().flat_map(|question| question.terms(audience)).collect();
    terms.sort();
    terms.dedup();
    let paths: HashSet<Path> = questions.iter().map(|question| question.path.clone()).collect();
    let paths: Vec<Path> = paths.into_iter().collect();
    let Some(sample) = Sample::read(audience, &terms, &paths).filter(|sample| sample.contacts > 0) else {
        return Vec::new();
    };
    let find = |question: &DeclaredField| {
        let missing = question.is_missing(audience, &sample);
        let found = [missing, question.implausible(audience, &sample), question.misfit(audience, &sample)];
        found.into_iter().flatten().chain(question.unknown_values(audience, &sample)).collect::<Vec<_>>()
    };
    questions.iter().flat_map(find).collect()
}

/// A declared field that a condition uses.
struct DeclaredField {
    asked: UsedField,
    /// The path of its keys
    path: Path,
    declared: PropertyType,
    is_column: bool,
}

impl DeclaredField {
    fn of(audience: &Audience, asked: UsedField) -> Option<Self> {
        let path = asked.path.clone();
        if audience.related(path.first()).is_some() {
            return None;
        }
        let (name, declared) = audience.property_around(&path)?;
        let is_column = audience.table.column(path.first()).is_some();
        let may_be_there = name.keys() == path.keys() || declared == PropertyType::Json;
        may_be_there.then_some(DeclaredField { asked, path, declared, is_column })
    }

    /// The terms to sample.
    fn terms(&self, audience: &Audience) -> Vec<String> {
        let whole = (!self.path.rest().is_empty()).then(|| property_sql(audience, self.path.first()));
        [field_sql(audience, &self.asked.path)].into_iter().chain(whole).collect()
    }

    fn values<'s>(&self, audience: &Audience, sample: &'s Sample) -> &'s [(Value, i64)] {
        sample.values(&field_sql(audience, &self.asked.path))
    }

    /// The notice for a path inside a json property that no contact has.
    fn is_missing(&self, audience: &Audience, sample: &Sample) -> Option<Notice> {
        let [.., last] = self.path.rest() else { return None };
        if sample.present(&self.path) > 0 {
            return None;
        }
        let mut keys = BTreeSet::new();
        for (value, _) in sample.values(&property_sql(audience, self.path.first())) {
            gather_keys(value, &self.path.rest()[..self.path.rest().len() - 1], &mut keys);
        }
        let named = |key: &str| {
            let before = &self.path.keys()[..self.path.keys().len() - 1];
            Path::from_keys(before.iter().cloned().chain([key.to_owned()]).collect()).text().to_owned()
        };
        let hint = match nearest(last, &keys) {
            Some(near) => format!("Did you mean \"{}\"?", named(near)),
            None if keys.is_empty() => "No comparison holds for a missing value.".to_owned(),
            None => format!("There are {}.", listed(keys.iter().map(|key| named(key)))),
        };
        let message = format!("{} has a value for \"{}\"", nobody(sample), self.asked.path.text());
        Some(notice(self.asked.pointer.clone(), message, hint))
    }

    /// The notice for numbers that are no dates which anybody means.
    fn implausible(&self, audience: &Audience, sample: &Sample) -> Option<Notice> {
        let values = self.values(audience, sample);
        let found = Implausible::among(self.declared, values).filter(|_| self.asked.compares)?;
        Some(notice(self.asked.pointer.clone(), found.message(self.asked.path.text(), total(values)), found.hint()))
    }

    /// The notice for values that do not have the declared type.
    fn misfit(&self, audience: &Audience, sample: &Sample) -> Option<Notice> {
        if self.is_column || !self.asked.compares {
            return None;
        }
        let values = self.values(audience, sample);
        // Numbers that are no dates have a notice of their own.
        let are_told = Implausible::among(self.declared, values).is_some();
        let is_misfit =
            |value: &Value| Misfit::of(self.declared, value) == Some(Misfit::Whole) && !(are_told && value.is_number());
        let misfits: Vec<&(Value, i64)> = values.iter().filter(|(value, _)| is_misfit(value)).collect();
        let (example, _) = misfits.iter().max_by_key(|(_, times)| *times)?;
        let (count, all) = (total(misfits.iter().copied()), total(values));
        let hint = match (self.declared.element()?, example) {
            (ScalarType::Date | ScalarType::Timestamp, Value::String(_)) => {
                "Dates are read as \"2024-12-31\" or \"2024-12-31T23:59:59Z\"."
            }
            (ScalarType::DateSeconds | ScalarType::TimestampSeconds, Value::String(_)) => {
                "Only numbers are of that type. Declare the property as date or timestamp to read strings."
            }
            (ScalarType::String, _) => "Store strings, or declare the property with the type that its values have.",
            (_, Value::String(_)) => "Store them without quotes, or declare the property as string.",
            _ => "Store values of that type, or declare the property with the type that they have.",
        };
        let message = format!(
            "{count} of {all} values of \"{}\" in a sample are not of type {}, such as {}: these satisfy no comparison",
            self.asked.path.text(),
            self.declared,
            excerpt(example)
        );
        Some(notice(self.asked.pointer.clone(), message, hint.to_owned()))
    }

    /// Notices for strings that no contact has, if the property has few distinct values. Strings that the column's type
    /// excludes are left out, because the condition's own notices report them.
    fn unknown_values(&self, audience: &Audience, sample: &Sample) -> Vec<Notice> {
        let values = self.values(audience, sample);
        let Some(known) = self.few_strings(values) else { return Vec::new() };
        let column = audience.table.column(self.path.first()).filter(|_| self.path.rest().is_empty());
        let folds = column.is_some_and(|column| matches!(column.kind, ColumnKind::Citext { .. }));
        let is_same = |known: &str, text: &str| known == text || (folds && known.to_lowercase() == text.to_lowercase());
        let environment = AudienceEnvironment::new(audience, NamedZone::utc());
        let unknown = self.asked.strings.iter().filter(|(_, text)| {
            !known.iter().any(|known| is_same(known, text)) && environment.never_holds(&self.asked.path, text).is_none()
        });
        let found = unknown.map(|(pointer, text)| {
            let hint = match did_you_mean(text, known.iter().copied()) {
                Some(question) => format!("{question} There are {}.", listed(known.iter())),
                None => format!("There are {}.", listed(known.iter())),
            };
            let message = format!("{} has \"{}\" for \"{}\"", nobody(sample), cut(text), self.asked.path.text());
            notice(pointer.clone(), message, hint)
        });
        found.collect()
    }

    /// The distinct strings, if all values are strings and there are few; otherwise `None`.
    fn few_strings<'v>(&self, values: &'v [(Value, i64)]) -> Option<BTreeSet<&'v str>> {
        if !matches!(self.declared.element(), None | Some(ScalarType::String)) {
            return None;
        }
        let mut strings = BTreeSet::new();
        let mut times = 0;
        for (value, count) in values {
            let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for element in elements.iter().filter(|element| !element.is_null()) {
                strings.insert(element.as_str()?);
                times += count;
            }
        }
        let are_few = !strings.is_empty() && strings.len() <= FEW && times >= 2 * strings.len() as i64;
        are_few.then_some(strings)
    }
}

/// Collects the keys of the objects at a path, also in elements of arrays.
fn gather_keys(value: &Value, path: &[String], keys: &mut BTreeSet<String>) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| gather_keys(item, path, keys)),
        (Value::Object(members), []) => keys.extend(members.keys().cloned()),
        (Value::Object(members), [key, rest @ ..]) => {
            members.get(key).into_iter().for_each(|value| gather_keys(value, rest, keys));
        }
        _ => {}
    }
}

fn total<'v>(values: impl IntoIterator<Item = &'v (Value, i64)>) -> i64 {
    values.into_iter().map(|(_, times)| times).sum()
}

fn nobody(sample: &Sample) -> String {
    match sample.contacts {
        1 => "nobody, of one sampled contact,".to_owned(),
        contacts => format!("none of {contacts} sampled contacts"),
    }
}

fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    crate::pg::error::listed(&names.map(|name| cut(name.as_ref())).collect::<Vec<_>>())
}

fn excerpt(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn notice(pointer: String, message: String, hint: String) -> Notice {
    Notice { pointer, message, hint, includes: None }
}
