//! The names that a condition may use, and the clock.

use crate::date::{Instant, NamedZone, Zone};
use crate::error::{ErrorKind, Refusal};
use crate::expr::{Checked, Expr};
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;

/// The properties, topics and segments that a condition may name, with the clock and the zone for its dates. By default
/// there is a document and nothing else: no topics, no segments and no clock, and dates are read in UTC.
pub trait Environment {
    /// The declaration of the property with this name, which is a path. One whose first key is the name of a relation is a
    /// column of its rows, such as `orders.total`, or a key of their properties.
    fn property(&self, name: &Path) -> Declaration;
    /// The relation with this name, if there is one. Fields whose first key it is are those of its rows.
    ///
    /// # Errors
    /// Its table is lost, or conditions cannot use relations here.
    fn relation(&self, _name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        Ok(None)
    }
    /// The type of the column with this name, if conditions cannot use the column. The name of a column of a relation has
    /// two keys, as in `orders.weight`.
    fn unusable_column(&self, _name: &Path) -> Option<&str> {
        None
    }
    /// Whether the column with this name, which has two keys as in `orders.code` if it is one of a relation, is text that is
    /// compared without regard to case.
    fn ignores_case(&self, _name: &Path) -> bool {
        false
    }
    /// The names of all properties, for hints.
    fn property_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// The hint for a name that is no property. `did_you_mean` is a question that names a similar property.
    fn unknown_hint(&self, did_you_mean: Option<String>) -> String {
        match did_you_mean {
            Some(question) => format!("{question} Otherwise declare it with create_property()."),
            None => "Declare it with create_property(), or see segments.property for those that exist.".to_owned(),
        }
    }
    /// If a column's type does not have this text among its values: a message that says so, and a hint at the values
    /// that it has.
    fn never_holds(&self, _path: &Path, _text: &str) -> Option<(String, String)> {
        None
    }
    /// Whether the checked condition holds for everyone or for nobody, where that is certain of all contacts.
    fn constant(&self, checked: &Checked) -> Option<bool> {
        match checked {
            Expr::Const(value) => Some(*value),
            _ => None,
        }
    }
    /// The name of the column with the custom properties, for hints.
    fn properties_column(&self) -> Option<String> {
        None
    }
    /// The id of the topic with this slug or id.
    ///
    /// # Errors
    /// There is no such topic, or conditions cannot use topics here.
    fn topic(&self, _reference: &str) -> Result<String, Refusal> {
        Err(needs_audience(Operator::Topic))
    }
    /// The ids of all topics.
    ///
    /// # Errors
    /// Conditions cannot use topics here.
    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Err(needs_audience(Operator::Topic))
    }
    /// The checked condition of the segment with this id or name.
    ///
    /// # Errors
    /// There is no such segment, it refers back to the segment that is being checked, or conditions cannot use segments
    /// here.
    fn segment(&self, _reference: &str) -> Result<Checked, Refusal> {
        Err(needs_audience(Operator::Segment))
    }
    /// Whether contacts can be put into buckets.
    ///
    /// # Errors
    /// Conditions cannot use `$bucket` here.
    fn bucket(&self) -> Result<(), Refusal> {
        Err(needs_audience(Operator::Bucket))
    }
    /// Whether [`property`](Self::property) tells the types of all properties that have one. Otherwise a condition is not
    /// refused because it needs a type.
    fn knows_types(&self) -> bool {
        true
    }
    /// The zone of dates without an offset. The checked form names it, so that documents are read in it.
    fn zone(&self) -> NamedZone {
        NamedZone::utc()
    }
    /// The zone with this name; `None` if there is none.
    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        (name == "UTC").then(NamedZone::utc)
    }
    /// The time that `$now` and `$today` are relative to; `None` if conditions cannot use them here.
    fn now(&self) -> Option<Instant> {
        None
    }
    /// Like [`now`](Self::now), where only its day in the zone matters.
    fn today(&self, _zone: &dyn Zone) -> Option<Instant> {
        self.now()
    }
}

/// The message about an operator that needs more than a document.
pub(super) fn needs_audience(operator: Operator) -> Refusal {
    Refusal {
        kind: ErrorKind::Unsupported,
        message: format!("{} needs an audience, which @~ does not know", operator.name()),
        hint: "Use it in a segment, or in count_contacts() or search_contacts().".to_owned(),
    }
}

/// The declaration of a relation in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationDeclaration {
    /// The date that orders rows where `$by` names no other, as a path inside a row, and its type
    pub time: Option<(Path, PropertyType)>,
    /// Whether rows of one time have an order, that of their primary key
    pub has_key: bool,
}

/// The declaration of a name in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// The environment has no declarations: conditions may use any name
    Undeclared,
    /// A property of that type
    Property(PropertyType),
    /// No property, but a key that contacts may have: conditions may use it with `$as`, which says how it is read
    Key,
    /// No property
    Unknown,
}
