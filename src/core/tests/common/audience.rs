//! The audience of `tests/cases/audience.toml`: declared properties, topics and segments; its zone is New York.

use super::cases;
use segments_core::check::{Declaration, Environment, RelationDeclaration};
use segments_core::date::{Instant, Local, Moment, NamedZone, Zone};
use segments_core::error::{ErrorKind, Refusal};
use segments_core::expr::Checked;
use segments_core::path::Path;
use segments_core::types::PropertyType;
use std::sync::LazyLock;

static WRITTEN: LazyLock<cases::Audience> = LazyLock::new(cases::audience);

/// The audience.
pub struct Audience;

impl Environment for Audience {
    fn property(&self, name: &Path) -> Declaration {
        if let Some(relation) = WRITTEN.relations.get(name.first()) {
            let column = relation.columns.get(Path::from_keys(name.rest().to_vec()).text());
            return column
                .map_or(Declaration::Unknown, |kind| Declaration::Property(PropertyType::parse(kind).unwrap()));
        }
        match WRITTEN.properties.get(name.text()) {
            Some(name) => Declaration::Property(PropertyType::parse(name).unwrap()),
            None if WRITTEN.keys.iter().any(|key| key == name.text()) => Declaration::Key,
            None => Declaration::Unknown,
        }
    }

    fn property_names(&self) -> Vec<String> {
        let fields = |(name, relation): (&String, &cases::Relation)| -> Vec<String> {
            relation.columns.keys().map(|column| format!("{name}.{column}")).collect()
        };
        WRITTEN.properties.keys().cloned().chain(WRITTEN.relations.iter().flat_map(fields)).collect()
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        Ok(WRITTEN.relations.get(name).map(|relation| RelationDeclaration {
            time: relation
                .time
                .as_ref()
                .map(|time| (Path::parse(time), PropertyType::parse(&relation.columns[time]).unwrap())),
            has_key: relation.has_key,
        }))
    }

    fn properties_column(&self) -> Option<String> {
        Some(WRITTEN.properties_column.clone())
    }

    fn topic(&self, reference: &str) -> Result<String, Refusal> {
        let named = WRITTEN.topics.iter().find(|(slug, id)| *slug == reference || *id == reference);
        named.map(|(_, id)| id.clone()).ok_or_else(|| missing(format!("topic \"{reference}\" does not exist")))
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Ok(vec!["t1".to_owned(), "t2".to_owned()])
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        let condition = WRITTEN.segments.get(reference);
        let condition = condition.ok_or_else(|| missing(format!("segment \"{reference}\" does not exist")))?;
        Ok(super::checked(condition, self))
    }

    fn bucket(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn zone(&self) -> NamedZone {
        NamedZone::new("America/New_York", NewYork)
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        zone_named(name)
    }

    fn now(&self) -> Option<Instant> {
        match Moment::parse(WRITTEN.now.as_bytes()) {
            Some(Moment::Instant(now)) => Some(now),
            _ => None,
        }
    }
}

/// The zones that the tests know.
pub fn zone_named(name: &str) -> Option<NamedZone> {
    match name {
        "UTC" => Some(NamedZone::utc()),
        "America/New_York" => Some(NamedZone::new(name, NewYork)),
        _ => None,
    }
}

fn missing(message: String) -> Refusal {
    Refusal { kind: ErrorKind::UnknownObject, message, hint: "Create it first.".to_owned() }
}

/// New York in 2024: EST, and EDT from 2024-03-10 07:00 UTC until 2024-11-03 06:00 UTC.
pub struct NewYork;

const HOUR: i64 = 3_600_000_000;
const EST: i64 = -5 * HOUR;
const EDT: i64 = -4 * HOUR;
/// 2024-03-10T07:00:00Z
const SPRING: i64 = 1_710_054_000_000_000;
/// 2024-11-03T06:00:00Z
const FALL: i64 = 1_730_613_600_000_000;

impl Zone for NewYork {
    fn instant_of(&self, local: Local) -> Instant {
        let wall = local.wall_micros();
        let offset = if (SPRING + EDT..FALL + EST).contains(&wall) { EDT } else { EST };
        Instant::from_micros_saturating(wall - offset)
    }

    fn local_of(&self, instant: Instant) -> Local {
        let offset = if (SPRING..FALL).contains(&instant.micros()) { EDT } else { EST };
        Local::from_wall_micros_saturating(instant.micros() + offset)
    }
}
