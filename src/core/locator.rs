//! Finds the same keys in one object after another.
//!
//! The objects in one table mostly have one of a few sets of keys. For each such set, the places of the values that are
//! looked up are worked out once and remembered. An object with the same keys as an earlier one is then not searched
//! (compare the hidden classes of Chambers, Ungar and Lee, 1989).

use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys that are looked up in many objects, in [`crate::value::key_order`], without duplicates. `Object::locate` finds
/// their values.
#[derive(Debug)]
pub struct Locator {
    /// A number that no other locator in this process has
    number: u64,
    keys: Vec<String>,
}

/// What is remembered of the objects that a [`Locator`] has met. It is forgotten when another locator uses it.
#[derive(Clone, Debug, Default)]
pub struct Layouts {
    locator: u64,
    /// Indexed by the hash of an object's keys; each slot has the last layout with that hash
    layouts: Vec<Option<Layout>>,
    /// The index of the layout that was met last
    last: usize,
}

/// The keys of an object, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKeys<'d> {
    /// The entries of the keys, which tell where each key ends
    pub ends: &'d [[u8; 4]],
    /// The bytes of the keys, one after the other
    pub bytes: &'d [u8],
}

/// Where objects with these keys have the values that are looked up.
#[derive(Clone, Debug)]
struct Layout {
    ends: Box<[[u8; 4]]>,
    bytes: Box<[u8]>,
    slots: Box<[u32]>,
}

/// The number of layouts that are remembered.
const LAYOUTS: usize = 64;
/// The most bytes of stored keys in a layout. Objects with more are searched, which reads only a few of their keys.
const MOST_BYTES: usize = 2_048;

/// The slot of a member that is not looked up.
pub const NOT_SOUGHT: u32 = u32::MAX;

impl Locator {
    /// Makes a locator for keys that are in key order, without duplicates.
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
    /// For each member of an object, up to the last one that is looked up: the position of its key among the locator's
    /// keys, or [`NOT_SOUGHT`]. Calls `find` if they are not remembered. Returns `None` if the keys are too long to
    /// remember.
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
