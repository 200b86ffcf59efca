//! A cache of values by condition text, bounded by bytes.

use lru::LruCache;

/// A rough size of an entry without its text. If it were not counted, a million short texts would count as a few
/// megabytes.
const ENTRY_BYTES: usize = 512;

/// Values by the text that they were made from. The least recently used ones are evicted first.
pub struct TextCache<V> {
    /// Each value, with the bytes that it counts for
    entries: LruCache<Box<[u8]>, (V, usize)>,
    bytes: usize,
    most: usize,
}

impl<V: Clone> TextCache<V> {
    /// An empty cache for values of at most `most` bytes together. A single value with more bytes is kept alone.
    pub fn new(most: usize) -> Self {
        TextCache { entries: LruCache::unbounded(), bytes: 0, most }
    }

    /// The value of a text, which becomes the most recently used one.
    pub fn get(&mut self, text: &[u8]) -> Option<V> {
        self.entries.get(text).map(|(value, _)| value.clone())
    }

    /// Puts a value into the cache and evicts others if they exceed the bound. `beside` are bytes that the value takes
    /// in addition to what the length of its text suggests.
    pub fn put(&mut self, text: &[u8], beside: usize, value: V) {
        let bytes = text.len() + ENTRY_BYTES + beside;
        let replaced = self.entries.put(text.into(), (value, bytes));
        self.bytes = self.bytes + bytes - replaced.map_or(0, |(_, bytes)| bytes);
        while self.bytes > self.most
            && self.entries.len() > 1
            && let Some((_, (_, evicted))) = self.entries.pop_lru()
        {
            self.bytes -= evicted;
        }
    }
}
