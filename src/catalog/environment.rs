//! The environment in which conditions of an audience are checked: its properties, topics and segments, and the current
//! time.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::segment::Definition;
use crate::pg::{query, zone};
use segments_core::ast::Condition;
use segments_core::check::{self, Declaration, Environment, RelationDeclaration};
use segments_core::date::{Instant, NamedZone, Zone};
use segments_core::error::{Error, ErrorKind, Refusal};
use segments_core::expr::{Checked, Expr};
use segments_core::nearest::did_you_mean;
use segments_core::path::Path;
use segments_core::sql::{self, ColumnKind, Topics, canonical_uuid};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

mod references;
mod relations;

/// The environment of one condition of an audience.
pub struct AudienceEnvironment<'a> {
    audience: &'a Audience,
    part: Part,
    /// The zone of its dates
    zone: NamedZone,
    /// The segments that are being expanded, the outermost first
    expanding: Vec<Definition>,
    references: RefCell<Vec<Reference>>,
    looked_up: Rc<LookedUp>,
}

/// Which condition it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// That of a segment, or one of no segment
    Segment,
    /// The audience's filter, which may be set before properties are declared
    Filter,
    /// The scope of a relation, a filter of its rows
    RowScope,
}

/// The answers of one check, so that each thing is looked up once.
#[derive(Default)]
struct LookedUp {
    topics: OnceCell<Vec<Topic>>,
    segments: RefCell<HashMap<Uuid, Checked>>,
    /// When the meaning of the condition and of the segments in it will change, because they depend on the time
    changes_at: Cell<Option<Instant>>,
}

struct Topic {
    slug: String,
    id: String,
}

/// A segment that a condition refers to, and the text of the reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    pub text: String,
    pub target: Uuid,
}

/// A condition checked against an audience.
pub struct CheckedCondition {
    pub checked: Checked,
    /// The segments that the condition itself refers to
    pub references: Vec<Reference>,
    /// When the meaning of the condition will change, because it or a segment in it has dates that are relative to now.
    /// Members may then come and go without a change of their rows. `None` means never
    pub changes_at: Option<Instant>,
}

impl CheckedCondition {
    /// The condition that holds for everyone.
    pub fn everyone() -> Self {
        CheckedCondition { checked: Expr::Const(true), references: Vec::new(), changes_at: None }
    }
}

/// How long a condition with `$now` counts as unchanged, in microseconds. In truth its members may change at any
/// moment.
const MOMENT: i64 = 60_000_000;

impl<'a> AudienceEnvironment<'a> {
    /// The environment of a condition that belongs to no segment. Its dates are read in the zone.
    pub fn new(audience: &'a Audience, zone: NamedZone) -> Self {
        AudienceEnvironment {
            audience,
            part: Part::Segment,
            zone,
            expanding: Vec::new(),
            references: RefCell::default(),
            looked_up: Rc::default(),
        }
    }

    /// The environment of the audience's filter.
    ///
    /// # Errors
    /// The audience's time zone is unknown.
    pub fn of_filter(audience: &'a Audience) -> Result<Self, Vec<Error>> {
        Self::of_part(audience, Part::Filter)
    }

    /// The environment of a relation's scope, a condition on its rows.
    ///
    /// # Errors
    /// The audience's time zone is unknown.
    pub fn of_row_scope(rows: &'a Audience) -> Result<Self, Vec<Error>> {
        Self::of_part(rows, Part::RowScope)
    }

    fn of_part(audience: &'a Audience, part: Part) -> Result<Self, Vec<Error>> {
        let zone = audience.zone(None).map_err(|unknown| vec![unknown.into()])?;
        Ok(AudienceEnvironment { part, ..Self::new(audience, zone) })
    }

    /// The environment of a segment's condition.
    ///
    /// # Errors
    /// The segment's time zone is unknown.
    pub fn of_segment(audience: &'a Audience, segment: &Definition) -> Result<Self, Vec<Error>> {
        let zone = audience.zone(segment.time_zone.as_deref()).map_err(|unknown| vec![unknown.into()])?;
        Ok(AudienceEnvironment { expanding: vec![segment.clone()], ..Self::new(audience, zone) })
    }

    /// The environment of a segment that the condition refers to.
    fn inside(&self, segment: &Definition) -> Result<Self, Vec<Error>> {
        let mut expanding = self.expanding.clone();
        expanding.push(segment.clone());
        let looked_up = self.looked_up.clone();
        Ok(AudienceEnvironment { looked_up, expanding, ..Self::of_segment(self.audience, segment)? })
    }

    /// Checks a condition.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn check(self, condition: &Condition) -> Result<CheckedCondition, Vec<Error>> {
        let checked = check::check(condition, &self).map_err(|errors| self.explained(errors))?;
        let changes_at = self.looked_up.changes_at.get();
        Ok(CheckedCondition { checked, references: self.references.into_inner(), changes_at })
    }

    /// Adds to the mistakes that a column which they need is lost, if one is.
    fn explained(&self, mut errors: Vec<Error>) -> Vec<Error> {
        if let Some(column) = self.audience.lost.last().filter(|_| self.audience.table.properties.is_none()) {
            for error in errors.iter_mut().filter(|error| error.kind == ErrorKind::UnknownProperty) {
                error.hint = again(column, "attach_audience");
            }
        }
        for related in &self.audience.relations {
            self.explain_lost_columns(related, &mut errors);
        }
        errors
    }

    fn known_topics(&self) -> &[Topic] {
        let read = || {
            query::rows(TOPICS, &[self.audience.source.as_str().into()], |row| Topic {
                slug: row.get(1),
                id: row.get(2),
            })
        };
        self.looked_up.topics.get_or_init(read)
    }

    /// The topic as subscriptions name it.
    fn held_topic(&self, topic: &Topic) -> Result<String, Refusal> {
        let names_ids = |topics: &Topics| topics.topic_column.kind == ColumnKind::Uuid;
        match &self.audience.topics {
            Subscriptions::Lost(why) => Err(Refusal {
                kind: ErrorKind::UnknownObject,
                message: why.clone(),
                hint: "Tell which table has the subscriptions with attach_topics().".to_owned(),
            }),
            _ if self.audience.table.topics.as_ref().is_some_and(names_ids) => Ok(topic.id.clone()),
            _ => Ok(topic.slug.clone()),
        }
    }

    fn changes_at(&self, instant: Instant) {
        let known = self.looked_up.changes_at.get();
        self.looked_up.changes_at.set(Some(known.map_or(instant, |known| known.min(instant))));
    }
}

impl Environment for AudienceEnvironment<'_> {
    fn property(&self, name: &Path) -> Declaration {
        if let Some((rows, name)) = self.inside_relation(name) {
            return rows.property_at(&name).map_or(Declaration::Unknown, Declaration::Property);
        }
        let has_keys = self.part != Part::Segment && self.audience.table.properties.is_some();
        let has_keys = has_keys && self.unusable_column(&name.prefix(1)).is_none();
        let undeclared = if has_keys { Declaration::Key } else { Declaration::Unknown };
        self.audience.property_at(name).map_or(undeclared, Declaration::Property)
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        self.declared_relation(name)
    }

    fn unusable_column(&self, name: &Path) -> Option<&str> {
        let (unusable, name) = match self.inside_relation(name) {
            Some((rows, name)) => (&rows.unusable, name),
            None => (&self.audience.unusable, name.clone()),
        };
        let [name] = name.keys() else { return None };
        let column = unusable.iter().find(|(column, _)| column == name);
        column.map(|(_, type_name)| type_name.as_str())
    }

    fn ignores_case(&self, property: &Path) -> bool {
        let kind = self.column(property).map(|column| match &column.kind {
            ColumnKind::Array(element) => element,
            kind => kind,
        });
        matches!(kind, Some(ColumnKind::Citext { .. }))
    }

    fn property_names(&self) -> Vec<String> {
        self.audience.properties().into_iter().map(|property| property.name).collect()
    }

    fn unknown_hint(&self, did_you_mean: Option<String>) -> String {
        let (declare, exist) = match (self.part, &self.audience.table.properties) {
            (Part::Segment, _) => {
                ("declare it with create_property()", ", or see segments.property for those that exist")
            }
            (_, Some(_)) => (r#"say how the key is to be read, as in {"$as": "number", "$eq": 42}"#, ""),
            (_, None) => ("attach the table with the properties_column that has it", ""),
        };
        match did_you_mean {
            Some(question) => format!("{question} Otherwise {declare}."),
            None => format!("{}{}{exist}.", declare[..1].to_uppercase(), &declare[1..]),
        }
    }

    fn never_holds(&self, path: &Path, text: &str) -> Option<(String, String)> {
        let column = self.column(path)?;
        match &column.kind {
            ColumnKind::Enum { labels, type_name, .. } if !labels.iter().any(|label| label == text) => {
                let few: Vec<&str> = labels.iter().take(20).map(String::as_str).collect();
                let hint = did_you_mean(text, labels).unwrap_or_else(|| format!("Its labels are {}.", few.join(", ")));
                Some((format!("\"{text}\" is no label of {}, so nobody has it", type_name.name), hint))
            }
            ColumnKind::Uuid if canonical_uuid(text).is_none() => {
                let hint = "Write all 36 characters: 0a1b2c3d-0000-4000-8000-000000000000.";
                Some((format!("\"{text}\" is no uuid, so nobody has it"), hint.to_owned()))
            }
            _ => None,
        }
    }

    fn constant(&self, checked: &Checked) -> Option<bool> {
        sql::constant(checked, &self.audience.table)
    }

    fn properties_column(&self) -> Option<String> {
        Some(self.audience.table.properties.as_ref()?.name.clone())
    }

    fn topic(&self, reference: &str) -> Result<String, Refusal> {
        self.must_be_of_contacts("$topic")?;
        let known = self.known_topics();
        let is_meant = |topic: &&Topic| topic.slug == reference || topic.id.eq_ignore_ascii_case(reference);
        match known.iter().find(is_meant) {
            Some(topic) => self.held_topic(topic),
            None => {
                let meant = did_you_mean(reference, known.iter().map(|topic| &topic.slug));
                Err(Refusal {
                    kind: ErrorKind::UnknownObject,
                    message: format!("topic \"{reference}\" does not exist"),
                    hint: meant.unwrap_or_else(|| {
                        "Create it with create_topic(); segments.topic lists those that exist.".to_owned()
                    }),
                })
            }
        }
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        self.must_be_of_contacts("$topic")?;
        self.known_topics().iter().map(|topic| self.held_topic(topic)).collect()
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        self.must_be_of_contacts("$segment")?;
        self.referred(reference)
    }

    fn zone(&self) -> NamedZone {
        self.zone.clone()
    }

    fn bucket(&self) -> Result<(), Refusal> {
        self.must_be_of_contacts("$bucket")?;
        let id = &self.audience.id;
        let kind = self.audience.table.column(&id.name).map(|column| &column.kind);
        let reason = match kind {
            Some(ColumnKind::Citext { .. }) => "ids that differ by case alone are equal",
            Some(ColumnKind::Numeric) => "equal numbers may have more or fewer zeros",
            Some(
                ColumnKind::Text { deterministic: false }
                | ColumnKind::Varchar { deterministic: false }
                | ColumnKind::Char { deterministic: false },
            ) => "its collation takes texts that differ for equal",
            _ => return Ok(()),
        };
        Err(Refusal {
            kind: ErrorKind::Unsupported,
            message: format!("$bucket cannot tell contacts by column \"{}\": {reason}", id.name),
            hint: "Attach the table with an id_column whose equal values are written alike, such as a uuid, an integer or text.".to_owned(),
        })
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        zone::named(name)
    }

    fn now(&self) -> Option<Instant> {
        let now = zone::now();
        self.changes_at(Instant::from_micros_saturating(now.micros() + MOMENT));
        Some(now)
    }

    /// The meaning changes at the zone's next midnight.
    fn today(&self, zone: &dyn Zone) -> Option<Instant> {
        let now = zone::now();
        if let Some(tomorrow) = zone.local_of(now).day().checked_add_days(1) {
            self.changes_at(zone.start_of(tomorrow));
        }
        Some(now)
    }
}

/// The hint about a column that is lost.
fn again(column: &str, attach: &str) -> String {
    format!(
        "Column \"{column}\" is not there any more, or not as it was: attach the table again with {attach}(), which keeps the segments."
    )
}

const TOPICS: &str = "
SELECT t.slug, t.id::text FROM segments.topic_config t WHERE t.audience = $1";
