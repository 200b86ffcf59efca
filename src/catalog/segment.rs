//! Segments: named conditions over one audience.

use crate::catalog::access::{self, Scope};
use crate::pg::error::Failure;
use crate::pg::query::{self, Row};
use crate::pg::{security, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::datum::DatumWithOid;
use std::fmt::Display;
use uuid::Uuid;

/// The definition of a segment, without its count.
#[derive(Clone)]
pub struct Definition {
    pub id: Uuid,
    pub audience: String,
    pub name: String,
    pub description: Option<String>,
    /// Canonical text
    pub conditions: String,
    /// The name of its own zone; `None` if it follows its audience's
    pub time_zone: Option<String>,
}

impl Definition {
    /// The segment with that id. Raises 42704 if the caller can see no such segment.
    pub fn load(id: Uuid) -> Self {
        Self::find(id).unwrap_or_else(|| unknown(id).raise())
    }

    /// The segment with that id; `None` if the caller cannot see it.
    pub fn find(id: Uuid) -> Option<Self> {
        Self::first(BY_ID, &[argument(id)])
    }

    /// The segment of an audience with that id or that name.
    pub fn named(audience: &str, reference: &str) -> Option<Self> {
        let by_id = Uuid::parse_str(reference).ok().and_then(Self::find).filter(|segment| segment.audience == audience);
        by_id.or_else(|| Self::first(BY_NAME, &[audience.into(), reference.into()]))
    }

    /// Every segment of these audiences, whether or not the caller may see them.
    pub fn of_audiences(audiences: &[String]) -> Vec<Self> {
        let arguments = [audiences.to_vec().into()];
        security::as_role(access::extension_owner(), || query::rows(OF_AUDIENCES, &arguments, Self::read))
    }

    /// The segments with these ids, whether or not the caller may see them.
    pub fn of_ids(ids: &[Uuid]) -> Vec<Self> {
        let ids: Vec<pgrx::Uuid> = ids.iter().map(|id| datum(*id)).collect();
        security::as_role(access::extension_owner(), || query::rows(OF_IDS, &[ids.into()], Self::read))
    }

    /// Every segment of an audience, oldest first.
    pub fn all(audience: &str) -> Vec<Self> {
        if !access::permits(&SCOPES, audience) {
            return Vec::new();
        }
        security::as_role(access::extension_owner(), || query::rows(OF_AUDIENCE, &[audience.into()], Self::read))
    }

    /// The segments of an audience, and of those that are based on it, whose conditions may name one of these fields by its
    /// first key, whether or not the caller may see them. Oldest first.
    pub fn naming(source: &str, fields: &[&str]) -> Vec<Self> {
        // Where the key is written with a backslash, every condition may name it.
        let is_plain = |field: &&str| !field.contains(['"', '\\', '.', '$']) && !field.contains(char::is_control);
        let texts = fields.iter().map(|field| if is_plain(field) { *field } else { "" }.to_owned());
        Self::containing(source, texts.collect())
    }

    /// The segments of an audience, and of those that are based on it, whose conditions contain one of these texts.
    pub fn containing(source: &str, texts: Vec<String>) -> Vec<Self> {
        let arguments = [source.into(), texts.into()];
        let read = || snapshot::latest(|| query::rows(CONTAINING, &arguments, Self::read));
        security::as_role(access::extension_owner(), read)
    }

    fn first(sql: &'static str, arguments: &[DatumWithOid]) -> Option<Self> {
        let found = security::as_role(access::extension_owner(), || query::first(sql, arguments, Self::read));
        found.filter(|segment| access::permits(&SCOPES, &segment.audience))
    }

    fn read(row: &Row<'_>) -> Self {
        Definition {
            id: Uuid::from_bytes(*row.get::<pgrx::Uuid>(1).as_bytes()),
            audience: row.get(2),
            name: row.get(3),
            description: row.nullable(4),
            conditions: row.get(5),
            time_zone: row.nullable(6),
        }
    }
}

/// The scopes that allow using a segment. A role that may read contacts may list the members of a segment without being
/// allowed to read its definition, so definitions are read as the extension's owner.
pub const SCOPES: [Scope; 4] = [Scope::ReadSegments, Scope::WriteSegments, Scope::ReadContacts, Scope::ReadCounts];

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.audience, s.name, s.description, s.conditions::text, s.time_zone
               FROM segments.segment_config s ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE s.id = $1");
const BY_NAME: &str = select!("WHERE s.audience = $1 AND s.name = $2");
const OF_AUDIENCE: &str = select!("WHERE s.audience = $1 ORDER BY s.id");

const OF_AUDIENCES: &str = select!("WHERE s.audience = ANY ($1) ORDER BY s.id");
const OF_IDS: &str = select!("WHERE s.id = ANY ($1) ORDER BY s.id");
const CONTAINING: &str = select!(
    "JOIN segments.audience_config a ON a.name = s.audience
      WHERE a.source = $1 AND EXISTS (SELECT FROM unnest($2) t(text) WHERE strpos(s.conditions::text, t.text) > 0)
      ORDER BY s.id"
);

/// An id as a value that pgrx passes to Postgres.
pub fn datum(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*id.as_bytes())
}

/// An id as a query's argument.
pub fn argument(id: Uuid) -> DatumWithOid<'static> {
    datum(id).into()
}

/// An id as a function's argument.
pub fn id_of(id: pgrx::Uuid) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub fn unknown(reference: impl Display) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("segment \"{reference}\" does not exist"))
        .detail("It was deleted, or it belongs to an audience that you may not read.")
        .hint("list_segments() shows the segments that exist.")
}
