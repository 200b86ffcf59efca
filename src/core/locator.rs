//! The same keys, found in one object after another.
//!
//! The objects of one table mostly have one of a few sets of keys. Where the values of the keys that are looked for lie
//! among an object's members is worked out once for each such set, and kept: an object with the same keys as one that
//! was met before is not searched (compare the hidden classes of Chambers, Ungar and Lee 1989).

use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Different keys to be looked for, in [`crate::value::key_order`]; `Object::locate` finds their values.
#[derive(Debug)]
pub struct Locator {
    /// Which of all locators it is
    number: u64,
    keys: Vec<String>,
}

/// What is kept of the objects that a [`Locator`] has met; of another one's it is forgotten.
#[derive(Clone, Debug, Default)]
pub struct Layouts {
    locator: u64,
    /// By the hash of the keys, of which the last that was met stays
    layouts: Vec<Option<Layout>>,
    /// The one that was met last
    last: usize,
}

/// The keys of an object as they are stored, in two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKeys<'d> {
    /// What tells where each key ends
    pub ends: &'d [[u8; 4]],
    /// The keys, one after the other
    pub bytes: &'d [u8],
}

/// Where the values are of objects with the same keys.
#[derive(Clone, Debug)]
struct Layout {
    ends: Box<[[u8; 4]]>,
    bytes: Box<[u8]>,
    slots: Box<[u32]>,
}

/// How many layouts are kept.
const LAYOUTS: usize = 64;
/// How long stored keys may be to be kept. Longer ones are searched, which looks at few of them.
const MOST_BYTES: usize = 2_048;

/// Of a member that was not looked for.
pub const NOT_SOUGHT: u32 = u32::MAX;

impl Locator {
    /// For different keys, in key order.
    #[must_use]
    pub fn new(keys: Vec<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Locator { number: NEXT.fetch_add(1, Ordering::Relaxed), keys }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }
}

impl Layouts {
    /// Of each member up to the last that is looked for, the position of its key among the locator's keys, or
    /// [`NOT_SOUGHT`]. `find` works that out where it is not known; `None` where it is not to be kept.
    #[inline]
    pub(crate) fn slots(
        &mut self,
        locator: &Locator,
        stored: StoredKeys<'_>,
        find: impl FnOnce(&[String]) -> Vec<u32>,
    ) -> Option<&[u32]> {
        if stored.ends.len() * 4 + stored.bytes.len() > MOST_BYTES {
            return None;
        }
        if self.locator != locator.number {
            self.locator = locator.number;
            self.layouts.clear();
            self.layouts.resize(LAYOUTS, None);
        }
        let is_known = |layout: &Option<Layout>| layout.as_ref().is_some_and(|layout| layout.is_of(stored));
        if !is_known(&self.layouts[self.last]) {
            self.last = FixedState::default().hash_one(stored.bytes) as usize % LAYOUTS;
            if !is_known(&self.layouts[self.last]) {
                self.layouts[self.last] = Some(Layout {
                    ends: stored.ends.into(),
                    bytes: stored.bytes.into(),
                    slots: find(&locator.keys).into(),
                });
            }
        }
        self.layouts[self.last].as_ref().map(|layout| &*layout.slots)
    }
}

impl Layout {
    #[inline]
    fn is_of(&self, stored: StoredKeys<'_>) -> bool {
        *self.ends == *stored.ends && *self.bytes == *stored.bytes
    }
}
