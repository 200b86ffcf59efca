//! An audience of the tests: declared properties, topics and segments, read in New York.

use segments_core::check::{Declaration, Refusal, Scope};
use segments_core::date::{Instant, Local, Moment, Zone};
use segments_core::error::ErrorKind;
use segments_core::expr::Checked;
use segments_core::path::Path;
use segments_core::types::PropertyType;

/// Its properties and their types.
pub const PROPERTIES: &[(&str, &str)] = &[
    ("name", "string"),
    ("age", "number"),
    ("lifetime_value", "number"),
    ("vip", "boolean"),
    ("born", "date"),
    ("seen", "timestamp"),
    ("tags", "string[]"),
    ("scores", "number[]"),
    ("visits", "timestamp[]"),
    ("data", "json"),
    ("home.city", "string"),
    (r"home\.zip", "string"),
    ("data.size", "number"),
    ("data.tags", "string[]"),
];

/// A key that is not declared, but that contacts may have.
pub const KEY: &str = "org";

/// Now is the morning of the day on which New York's clocks go back: 10:30 EST.
pub const NOW: &str = "2024-11-03T15:30:00Z";

/// The audience.
pub struct Audience;

impl Scope for Audience {
    fn property(&self, name: &Path) -> Declaration {
        match PROPERTIES.iter().find(|(property, _)| *property == name.text()) {
            Some((_, name)) => Declaration::Property(PropertyType::parse(name).unwrap()),
            None if name.text() == KEY => Declaration::Key,
            None => Declaration::Unknown,
        }
    }

    fn property_names(&self) -> Vec<String> {
        PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn properties_column(&self) -> Option<String> {
        Some("custom".to_owned())
    }

    fn topic(&self, reference: &str) -> Result<String, Refusal> {
        match reference {
            "weekly" | "t1" => Ok("t1".to_owned()),
            "daily" | "t2" => Ok("t2".to_owned()),
            _ => Err(missing(format!("topic \"{reference}\" does not exist"))),
        }
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Ok(vec!["t1".to_owned(), "t2".to_owned()])
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        match reference {
            "adults" => Ok(super::checked(r#"{"age": {"$gte": 18}}"#, self)),
            "minors" => Ok(super::checked(r#"{"$not": {"$segment": "adults"}}"#, self)),
            _ => Err(missing(format!("segment \"{reference}\" does not exist"))),
        }
    }

    fn zone(&self) -> &dyn Zone {
        &NewYork
    }

    fn now(&self) -> Option<Instant> {
        match Moment::parse(NOW.as_bytes()) {
            Some(Moment::Instant(now)) => Some(now),
            _ => None,
        }
    }
}

fn missing(message: String) -> Refusal {
    Refusal { kind: ErrorKind::UnknownObject, message, hint: "Create it first.".to_owned() }
}

/// New York's rules of 2024, by hand: EST, and EDT from 2024-03-10 07:00 UTC until 2024-11-03 06:00 UTC.
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
