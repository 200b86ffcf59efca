//! The time zones in which an audience's conditions read dates.

use crate::catalog::audience::Audience;
use crate::pg::error::Failure;
use crate::pg::zone;
use pgrx::PgSqlErrorCode;
use segments_core::date::NamedZone;
use segments_core::error::{Error, ErrorKind};

/// The name of a time zone that this server does not know.
pub struct UnknownZone(String);

impl Audience {
    /// The zone with this name; without a name, the audience's own.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn zone(&self, name: Option<&str>) -> Result<NamedZone, UnknownZone> {
        let name = name.unwrap_or(&self.time_zone);
        zone::named(name).ok_or_else(|| UnknownZone(name.to_owned()))
    }
}

/// Raises 22023 if there is no zone with this name.
pub fn must_exist(name: &str) {
    if zone::named(name).is_none() {
        Failure::from(UnknownZone(name.to_owned())).raise()
    }
}

impl UnknownZone {
    fn message(&self) -> String {
        format!("time zone \"{}\" does not exist", self.0)
    }
}

const DETAIL: &str = "It is the zone in which dates without an offset are read.";
const HINT: &str = "Use a name of the IANA database, such as 'Europe/Paris' (pg_timezone_names lists them), or an offset such as '+02:00', east of UTC.";

/// The error for a zone that a caller has given.
impl From<UnknownZone> for Failure {
    fn from(zone: UnknownZone) -> Self {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, zone.message()).detail(DETAIL).hint(HINT)
    }
}

/// The mistake in a stored segment whose zone does not exist any more.
impl From<UnknownZone> for Error {
    fn from(zone: UnknownZone) -> Self {
        Error { kind: ErrorKind::Shape, pointer: String::new(), message: zone.message(), hint: HINT.to_owned() }
    }
}
