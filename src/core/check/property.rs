//! Fields, each looked up among the properties that are declared.

use super::{Checker, Declaration};
use crate::error::{ErrorKind, nearest};
use crate::path::{Path, as_index};
use crate::types::PropertyType;

impl Checker<'_> {
    /// The path as declared, and the type of what it leads to; `None` where anything may be there.
    pub(super) fn declared(&mut self, path: &Path) -> Option<(Path, Option<PropertyType>)> {
        if let Declaration::Property(property_type) = self.scope.property(path.text()) {
            return Some((Path::from_keys(vec![path.text().to_owned()]), Some(property_type)));
        }
        let property_type = match self.scope.property(path.first()) {
            Declaration::Undeclared => return Some((path.clone(), None)),
            Declaration::Property(property_type) => property_type,
            Declaration::Unknown => {
                self.unknown_property(path);
                return None;
            }
        };
        match (property_type, path.rest()) {
            (_, []) => Some((path.clone(), Some(property_type))),
            (PropertyType::Json, _) => Some((path.clone(), None)),
            (PropertyType::Array(element), [index]) if as_index(index).is_some() => {
                Some((path.clone(), Some(PropertyType::Scalar(element))))
            }
            _ => {
                let name = path.first();
                self.fail(
                    ErrorKind::TypeMismatch,
                    format!("property \"{name}\" is of type {property_type} and has no fields"),
                    format!("Test \"{name}\" itself, or declare it as json to reach inside."),
                );
                None
            }
        }
    }

    fn unknown_property(&mut self, path: &Path) {
        let names = self.scope.property_names();
        let near = nearest(path.text(), names.iter().map(String::as_str))
            .or_else(|| nearest(path.first(), names.iter().map(String::as_str)));
        let hint = match near {
            Some(name) => format!("Did you mean \"{name}\"? Otherwise declare it with create_property()."),
            None => "Declare it with create_property(), or see segments.property for those that exist.".to_owned(),
        };
        self.fail(ErrorKind::UnknownProperty, format!("property \"{}\" does not exist", path.text()), hint);
    }
}
