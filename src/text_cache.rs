//! What a backend keeps of condition texts, bounded by their bytes.

use lru::LruCache;

/// What an entry takes beside its text, roughly: without it, a million short texts would count as a few megabytes.
const ENTRY_BYTES: usize = 512;

/// Values by the text that they were made from; the least recently used go first.
pub struct TextCache<V> {
    entries: LruCache<Box<[u8]>, V>,
    bytes: usize,
    most: usize,
}

impl<V: Clone> TextCache<V> {
    /// An empty cache of values whose texts take at most so many bytes together, but for one that alone takes more.
    pub fn new(most: usize) -> Self {
        TextCache { entries: LruCache::unbounded(), bytes: 0, most }
    }

    /// The text's value, which is now the most recently used.
    pub fn get(&mut self, text: &[u8]) -> Option<V> {
        self.entries.get(text).cloned()
    }

    /// Keeps a value, in place of others where it needs their room.
    pub fn put(&mut self, text: &[u8], value: V) {
        if self.entries.put(text.into(), value).is_none() {
            self.bytes += text.len() + ENTRY_BYTES;
        }
        while self.bytes > self.most
            && self.entries.len() > 1
            && let Some((evicted, _)) = self.entries.pop_lru()
        {
            self.bytes -= evicted.len() + ENTRY_BYTES;
        }
    }
}
