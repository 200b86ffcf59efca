//! The checked form of conditions on an audience with relations, in which a relation is an array: for `@~` to be put to documents with
//! the rows in them.

use super::zone::Changes;
use segments_core::check::{Declaration, Environment, RelationDeclaration, check};
use segments_core::date::{Instant, Moment, NamedZone};
use segments_core::error::{ErrorKind, Refusal};
use segments_core::expr::Checked;
use segments_core::parse::parse;
use segments_core::path::Path;
use segments_core::types::PropertyType;
use std::collections::HashMap;
use std::io::{BufRead, Write};

#[derive(Default)]
struct Audience {
    properties: HashMap<String, PropertyType>,
    relations: HashMap<String, RelationDeclaration>,
    zones: HashMap<String, Vec<(i64, i64)>>,
    now: Option<Instant>,
    /// The conditions so far by their names, with their zones
    segments: HashMap<String, (String, String)>,
}

/// An audience as a segment with a zone of its own reads it.
struct Zoned<'a> {
    audience: &'a Audience,
    zone: &'a str,
}

impl Environment for Zoned<'_> {
    fn property(&self, name: &Path) -> Declaration {
        self.audience.properties.get(name.text()).map_or(Declaration::Unknown, |kind| Declaration::Property(*kind))
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        Ok(self.audience.relations.get(name).cloned())
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        self.audience.checked(reference).map_err(|message| Refusal {
            kind: ErrorKind::UnknownObject,
            message,
            hint: String::new(),
        })
    }

    fn zone(&self) -> NamedZone {
        self.find_zone(self.zone).unwrap_or_else(|| panic!("there is no zone {}", self.zone))
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        self.audience.zones.get(name).map(|changes| NamedZone::new(name, Changes::new(changes.clone())))
    }

    fn now(&self) -> Option<Instant> {
        self.audience.now
    }
}

impl Audience {
    fn checked(&self, name: &str) -> Result<Checked, String> {
        let (condition, zone) = self.segments.get(name).ok_or_else(|| format!("there is no segment {name}"))?;
        let condition = parse(condition).map_err(|error| error.to_string())?;
        check(&condition, &Zoned { audience: self, zone }).map_err(|errors| errors[0].to_string())
    }
}

/// Reads lines whose fields are separated by tabs, and prints the checked form of each condition, or `null` for a refusal:
///
/// ```text
/// property  PATH  TYPE
/// relation  NAME  TIME or nothing  key or nothing
/// zone      NAME  SECOND  OFFSET
/// now       TIMESTAMP
/// condition NAME  ZONE  CONDITION
/// ```
pub fn check_lines(lines: impl BufRead, out: &mut impl Write) -> std::io::Result<()> {
    let mut audience = Audience::default();
    for line in lines.lines() {
        let line = line?;
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["property", path, kind] => {
                let kind = PropertyType::parse(kind).unwrap_or_else(|| panic!("{kind} is no type"));
                audience.properties.insert(path.to_owned(), kind);
            }
            ["relation", name, time, key] => {
                let kind = |path: &Path| audience.properties[&format!("{name}.{}", path.text())];
                let time = Some(Path::parse(time)).filter(|path| !path.text().is_empty());
                let time = time.map(|path| (path.clone(), kind(&path)));
                audience.relations.insert(name.to_owned(), RelationDeclaration { time, has_key: key == "key" });
            }
            ["zone", name, second, offset] => {
                let micros =
                    |text: &str| text.parse::<i64>().unwrap_or_else(|_| panic!("{text} is no number")) * 1_000_000;
                audience.zones.entry(name.to_owned()).or_default().push((micros(second), micros(offset)));
            }
            ["now", text] => match Moment::parse(text.as_bytes()) {
                Some(Moment::Instant(now)) => audience.now = Some(now),
                _ => panic!("{text} is no instant"),
            },
            ["condition", name, zone, condition] => {
                audience.segments.insert(name.to_owned(), (condition.to_owned(), zone.to_owned()));
                match audience.checked(name).ok().and_then(|checked| checked.on_document()) {
                    Some(checked) => writeln!(out, "{}", checked.to_condition())?,
                    None => writeln!(out, "null")?,
                }
            }
            _ => panic!("{line:?} is not known"),
        }
    }
    Ok(())
}
