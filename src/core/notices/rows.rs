//! Notes what is probably not meant of the rows of a relation.

use super::elements::without_elements;
use super::{Finder, Includes};
use crate::ast::{Condition, Junction, Member, Predicate, Test};
use crate::check::check;
use crate::error::JsonPointer;
use crate::operator::Operator;
use crate::path::Path;
use crate::value::Json;

/// A field of rows, and its place in the condition.
type Placed<'c> = (JsonPointer, &'c Path);

impl Finder<'_> {
    /// Whether the path is a relation, or begins with one.
    pub(super) fn is_relation(&self, path: &Path) -> bool {
        matches!(self.environment.relation(path.first()), Ok(Some(_)))
    }

    /// Notes a complement that contacts without rows satisfy.
    pub(super) fn without_rows(&mut self, path: &Path, test: &Test) {
        let (name, relation) = (test.operator().name(), path.first());
        let hint = match path.rest() {
            [] => format!("To leave them out, add \"$empty\": false beside {name}."),
            keys => format!("To ask for a row for which it holds, put it inside: {}.", inside(relation, &[keys])),
        };
        let message = format!("{name} also holds for contacts without rows in \"{relation}\"");
        let everything = Predicate { read_as: None, zone: None, tests: vec![] };
        self.note(message, hint, Some(Includes::Matching(without_elements(&path.prefix(1), &everything))));
    }

    /// Notes dotted paths into one relation that all have to hold, which may be meant of one row.
    pub(super) fn different_rows(&mut self, condition: &Condition) {
        let mut fields = Vec::new();
        self.gather(condition, &mut fields);
        let mut noted: Vec<&str> = Vec::new();
        for (number, (place, path)) in fields.iter().enumerate() {
            let relation = path.first();
            let Some((_, other)) = fields[..number].iter().find(|(_, other)| other.first() == relation) else {
                continue;
            };
            if noted.contains(&relation) {
                continue;
            }
            noted.push(relation);
            let around = std::mem::replace(&mut self.place, place.clone());
            let message = format!("\"{}\" and \"{}\" may be met by different rows", other.text(), path.text());
            let one_row = inside(relation, &[other.rest(), path.rest()]);
            self.note(message, format!("To test one row with both, write {one_row}."), None);
            self.place = around;
        }
    }

    /// Gathers the fields of rows that all have to hold, and notes those of other parts.
    fn gather<'c>(&mut self, condition: &'c Condition, fields: &mut Vec<Placed<'c>>) {
        for member in &condition.members {
            self.place.enter(member.key());
            match member {
                Member::Field(path, _) if !path.rest().is_empty() && self.asks_for_row(path, member) => {
                    fields.push((self.place.clone(), path));
                }
                Member::Logical(junction, conditions) => {
                    for (index, condition) in conditions.iter().enumerate() {
                        self.place.enter(index);
                        match junction {
                            Junction::And => self.gather(condition, fields),
                            Junction::Or | Junction::Nor => self.different_rows(condition),
                        }
                        self.place.leave();
                    }
                }
                Member::Not(condition) => self.different_rows(condition),
                _ => {}
            }
            self.place.leave();
        }
    }

    /// Whether the field is one of rows, and contacts without rows do not satisfy the predicate on it.
    fn asks_for_row(&self, path: &Path, member: &Member) -> bool {
        let alone = Condition { members: vec![member.clone()] };
        self.is_relation(path)
            && check(&alone, self.environment)
                .is_ok_and(|checked| checked.reads_rows() && !super::holds_for_none(&checked))
    }
}

/// The condition that a relation's row has to satisfy, as it is written, with its operands left out.
pub(super) fn inside(relation: &str, fields: &[&[String]]) -> String {
    let mut names: Vec<String> = fields.iter().map(|keys| Path::from_keys(keys.to_vec()).text().to_owned()).collect();
    names.dedup();
    let members: Vec<String> = names.iter().map(|name| format!("{}: …", Json::String(name.clone()))).collect();
    let (relation, some) = (Json::String(relation.to_owned()), Operator::Some.name());
    format!("{{{relation}: {{\"{some}\": {{{}}}}}}}", members.join(", "))
}
