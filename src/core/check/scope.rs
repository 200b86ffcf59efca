//! What a condition is checked against.

use crate::date::{Instant, NamedZone, Zone};
use crate::error::Refusal;
use crate::expr::Checked;
use crate::path::Path;
use crate::types::PropertyType;

/// What a condition may speak of: the port to an audience's properties, topics and segments.
pub trait Scope {
    /// What the property of that name is, which is a path.
    fn property(&self, name: &Path) -> Declaration;
    /// The type of the column of that name, where conditions cannot use it.
    fn unusable_column(&self, _name: &str) -> Option<&str> {
        None
    }
    /// Whether the property of that name is text whose case does not count when it is compared.
    fn ignores_case(&self, _property: &str) -> bool {
        false
    }
    /// The names of all properties, for hints.
    fn property_names(&self) -> Vec<String>;
    /// What to do about a name that is no property. `did_you_mean` is a sentence that names a property much like it.
    fn unknown_hint(&self, did_you_mean: Option<String>) -> String {
        match did_you_mean {
            Some(question) => format!("{question} Otherwise declare it with create_property()."),
            None => "Declare it with create_property(), or see segments.property for those that exist.".to_owned(),
        }
    }
    /// Why a property never equals a text, and what it may equal: of a column whose type has few values.
    fn never_holds(&self, _path: &Path, _text: &str) -> Option<(String, String)> {
        None
    }
    /// The column whose keys are the custom properties, for hints.
    fn properties_column(&self) -> Option<String> {
        None
    }
    /// The id of a topic named by slug or id.
    ///
    /// # Errors
    /// There is no such topic, or topics cannot be asked for here.
    fn topic(&self, reference: &str) -> Result<String, Refusal>;
    /// The ids of all topics.
    ///
    /// # Errors
    /// Topics cannot be asked for here.
    fn topics(&self) -> Result<Vec<String>, Refusal>;
    /// The checked condition of a segment named by id or name.
    ///
    /// # Errors
    /// There is no such segment, it leads back to this one, or segments cannot be asked for here.
    fn segment(&self, reference: &str) -> Result<Checked, Refusal>;
    /// Where dates without a time or an offset are read.
    fn zone(&self) -> &dyn Zone;
    /// The same, for conditions that are to read days where documents are.
    fn named_zone(&self) -> NamedZone {
        NamedZone::utc()
    }
    /// The zone of that name; `None` where there is none.
    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        (name == "UTC").then(NamedZone::utc)
    }
    /// What `$now` and `$today` are relative to; `None` where they cannot be used.
    fn now(&self) -> Option<Instant>;
    /// The same, asked for where nothing but its day matters.
    fn today(&self) -> Option<Instant> {
        self.now()
    }
}

/// What a scope says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// There are no declarations: any name may be used
    Undeclared,
    /// A property of that type
    Property(PropertyType),
    /// Not a property, but a key that contacts may have: it may be used where `$as` says how it is read
    Key,
    /// Not a property
    Unknown,
}
