//! Time zones with their names.

use super::{Instant, Local, Utc, Zone};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A zone with its name, which checked conditions contain.
#[derive(Clone)]
pub struct NamedZone {
    name: Rc<str>,
    zone: Rc<dyn Zone>,
}

impl NamedZone {
    /// Makes a zone with this name.
    #[must_use]
    pub fn new(name: &str, zone: impl Zone + 'static) -> Self {
        NamedZone { name: name.into(), zone: Rc::new(zone) }
    }

    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::new("UTC", Utc)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its name is UTC.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        &*self.name == "UTC"
    }
}

impl Zone for NamedZone {
    fn instant_of(&self, local: Local) -> Instant {
        self.zone.instant_of(local)
    }

    fn local_of(&self, instant: Instant) -> Local {
        self.zone.local_of(instant)
    }
}

/// Zones are equal if their names are.
impl PartialEq for NamedZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedZone {}

impl Hash for NamedZone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for NamedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedZone").field(&self.name).finish()
    }
}
