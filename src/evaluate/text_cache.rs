//! What a backend keeps of condition texts, bounded by their bytes.

use lru::LruCache;

/// What an entry takes beside its text, roughly: without it, a million short texts would count as a few megabytes.
const ENTRY_BYTES: usize = 512;

/// Values by the text that they were made from; the least recently used go first.
pub struct TextCache<V> {
    /// With the bytes that each counts
    entries: LruCache<Box<[u8]>, (V, usize)>,
    bytes: usize,
    most: usize,
}

impl<V: Clone> TextCache<V> {
    /// An empty cache of values that count at most so many bytes together, but for one that alone counts more.
    pub fn new(most: usize) -> Self {
        TextCache { entries: LruCache::unbounded(), bytes: 0, most }
    }

    /// The text's value, which is now the most recently used.
    pub fn get(&mut self, text: &[u8]) -> Option<V> {
        self.entries.get(text).map(|(value, _)| value.clone())
    }

    /// Keeps a value, in place of others where it needs their room. `beside` are the bytes that it takes out of all
    /// proportion to its text.
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
