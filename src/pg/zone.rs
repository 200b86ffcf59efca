//! Time zones as Postgres knows them.

use pgrx::pg_sys;
use segments_core::date::{Instant, Local, NamedZone, Utc, Zone};
use std::ffi::{CStr, CString, c_char, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};

/// A time zone.
#[derive(Clone, Copy)]
pub struct PgZone(Rules);

#[derive(Clone, Copy)]
enum Rules {
    /// A constant number of microseconds east of UTC
    Fixed(i64),
    /// A zone that Postgres has found by name. The zone itself is kept, not its name, because `AT TIME ZONE` reads a
    /// name as an abbreviation first: `CET` means a zone without daylight saving there.
    Named(NonNull<pg_sys::pg_tz>),
}

impl PgZone {
    pub fn utc() -> Self {
        PgZone(Rules::Fixed(0))
    }

    /// The zone with that name in the IANA database, as `SET TimeZone` finds it, or with that ISO 8601 offset (`+02:00`
    /// is east of UTC). `None` if there is no such zone.
    ///
    /// `SET TimeZone` also accepts POSIX zones. They are refused here, because `UTC+2` is two hours *west* there, which
    /// is hardly ever meant.
    pub fn find(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::utc());
        }
        if let Some(east) = iso_offset(name) {
            return Some(PgZone(Rules::Fixed(east)));
        }
        let c_name = CString::new(name).ok()?;
        // SAFETY: the name is NUL-terminated. Postgres caches the zone for ever.
        let zone = unsafe {
            NonNull::new(pg_sys::pg_tzset(c_name.as_ptr())).filter(|zone| pg_sys::pg_tz_acceptable(zone.as_ptr()))
        };
        // The name of a POSIX zone contains an offset.
        let is_known = |_: &NonNull<_>| !name.contains(|c: char| c.is_ascii_digit()) || has_rules(&c_name);
        zone.filter(is_known).map(|zone| PgZone(Rules::Named(zone)))
    }
}

/// The zone of that name, for conditions to carry.
pub fn named(name: &str) -> Option<NamedZone> {
    PgZone::find(name).map(|zone| NamedZone::new(name, zone))
}

impl Zone for PgZone {
    fn instant_of(&self, local: Local) -> Instant {
        let wall = local.wall_micros();
        let zone = match self.0 {
            Rules::Fixed(0) => return Utc.instant_of(local),
            Rules::Fixed(east) => return Instant::from_micros_saturating(wall - east),
            Rules::Named(zone) => zone,
        };
        let (mut clock, mut fraction) = (pg_sys::pg_tm::default(), 0);
        // SAFETY: `find` found the zone. Without a zone, timestamp2tm only splits the local time into its fields, which
        // works for every year that a `Local` can have.
        let west = unsafe {
            let postgres = Instant::from_micros_saturating(wall).to_postgres();
            pg_sys::timestamp2tm(postgres, null_mut(), &raw mut clock, &raw mut fraction, null_mut(), null_mut());
            pg_sys::DetermineTimeZoneOffset(&raw mut clock, zone.as_ptr())
        };
        Instant::from_micros_saturating(wall + micros(west))
    }

    fn local_of(&self, instant: Instant) -> Local {
        let zone = match self.0 {
            Rules::Fixed(0) => return Utc.local_of(instant),
            Rules::Fixed(east) => return Local::from_wall_micros_saturating(instant.micros() + east),
            Rules::Named(zone) => zone,
        };
        let (mut west, mut clock, mut fraction) = (0, pg_sys::pg_tm::default(), 0);
        // SAFETY: as above. It also writes the offset of the zone west of UTC.
        unsafe {
            pg_sys::timestamp2tm(
                instant.to_postgres(),
                &raw mut west,
                &raw mut clock,
                &raw mut fraction,
                null_mut(),
                zone.as_ptr(),
            );
        }
        Local::from_wall_micros_saturating(instant.micros() - micros(west))
    }
}

/// An ISO 8601 offset in microseconds east of UTC. It is `Z`, or a sign, two digits of hours, a colon and two digits of
/// minutes.
fn iso_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes() {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let number = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    let [h1, h2, b':', m1, m2] = *rest else { return None };
    let (hours, minutes) = (number(h1, h2)?, number(m1, m2)?);
    // Postgres allows no greater offsets.
    (hours <= 15 && minutes <= 59).then(|| sign * micros((hours * 60 + minutes) * 60))
}

/// Whether this server's copy of the IANA database has a zone of that name.
fn has_rules(name: &CStr) -> bool {
    // SAFETY: the name is NUL-terminated, and null says that its canonical spelling is not needed. The file that it
    // opens is owned by nothing else.
    unsafe {
        let file = pg_open_tzfile(name.as_ptr(), null_mut());
        (file >= 0).then(|| OwnedFd::from_raw_fd(file)).is_some()
    }
}

// timezone/pgtz.h, which pgrx's bindings leave out. The function cannot raise.
unsafe extern "C-unwind" {
    fn pg_open_tzfile(name: *const c_char, canonname: *mut c_char) -> c_int;
}

fn micros(seconds: i32) -> i64 {
    i64::from(seconds) * 1_000_000
}

/// The start of the current transaction, which `now()` returns.
pub fn now() -> Instant {
    // SAFETY: reads a variable of the backend.
    let micros = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    Instant::from_postgres(micros).unwrap_or(Instant::MIN)
}
