//! Writing ids as chunks of a sensible size.

use super::{Chunk, Encoder, Id, USUAL_CHUNK, key_between};

/// How much a chunk has to carry. Ids count a little, too, because a few bytes may stand for very many of them.
pub fn weight(size: usize, ids: usize) -> usize {
    size + ids / 16
}

/// Ids, measured as one chunk.
pub struct Measured {
    /// The bytes of the chunk, without its key
    pub size: usize,
    pub weight: usize,
    /// By how many bytes an id has made the chunk larger, at most
    largest: usize,
    /// How many bytes the longest id has. No key between two ids is longer
    longest: usize,
}

/// What a chunk may weigh.
enum Limit {
    /// With its key
    Usual,
    /// Without its key
    AtLeast(usize),
}

impl Measured {
    pub fn of<I: Id>(key: &[u8], ids: &[I]) -> Self {
        let (mut encoder, mut size, mut largest, mut longest) = (I::Encoder::new(key), 0, 0, 0);
        for id in ids {
            let before = std::mem::replace(&mut size, encoder.size_with(id));
            largest = largest.max(size.saturating_sub(before));
            longest = longest.max(id.bytes().as_ref().len());
            encoder.push(id);
        }
        Measured { size, weight: weight(size, ids.len()), largest, longest }
    }

    /// What chunks may weigh of which there are at most so many.
    fn limit(&self, most: usize) -> Limit {
        let least = USUAL_CHUNK.saturating_sub(self.largest + self.longest).max(USUAL_CHUNK / 2);
        if self.weight / least < most {
            return Limit::Usual;
        }
        // The first id of a chunk may be written in a few bytes more than after the id before it.
        Limit::AtLeast(USUAL_CHUNK.max(self.weight / most + self.largest + 16))
    }
}

impl Limit {
    fn is_below(&self, key: &[u8], weight: usize) -> bool {
        match self {
            Limit::Usual => key.len().min(USUAL_CHUNK / 2) + weight > USUAL_CHUNK,
            Limit::AtLeast(limit) => weight > *limit,
        }
    }
}

/// The ids as chunks, at most `most` of them, of which the first one has this key. There may be one id more in a chunk
/// than is sensible, where it has too much in common with the one before.
pub fn cut<I: Id>(mut key: Vec<u8>, ids: &[I], most: usize) -> Vec<Chunk> {
    let limit = Measured::of(&key, ids).limit(most);
    let (mut chunks, mut encoder, mut count) = (Vec::new(), I::Encoder::new(&key), 0);
    for (place, id) in ids.iter().enumerate() {
        if count > 0
            && limit.is_below(&key, weight(encoder.size_with(id), count + 1))
            && let Some(next) = key_between(&ids[place - 1], id)
        {
            let full = std::mem::replace(&mut encoder, I::Encoder::new(&next));
            chunks.push(Chunk { key: std::mem::replace(&mut key, next), members: full.finish() });
            count = 0;
        }
        encoder.push(id);
        count += 1;
    }
    chunks.push(Chunk { key, members: encoder.finish() });
    chunks
}
