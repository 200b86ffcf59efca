//! Uuids and texts: each is written as how many bytes it shares with the one before, and the rest. The first one shares
//! bytes with the chunk's key.

use super::{Chunk, Damaged, Encoder, Id, Reader, number_size, write_number};

/// An id of type uuid. Its order is that of Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

/// An id of another type, as the bytes of its text. Its order is that of the collation "C".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub Box<[u8]>);

impl Id for Uuid {
    type Encoder = FrontEncoder;

    fn bytes(&self) -> impl AsRef<[u8]> {
        self.0
    }

    fn decode(chunk: &Chunk) -> Result<Vec<Self>, Damaged> {
        let read = |reader: &mut Reader<'_>, before: &[u8]| {
            let shared = before.get(..reader.byte()?.into()).ok_or(Damaged)?;
            let rest = reader.take(16usize.checked_sub(shared.len()).ok_or(Damaged)?)?;
            <[u8; 16]>::try_from([shared, rest].concat()).map(Uuid).map_err(|_| Damaged)
        };
        decode(chunk, read)
    }
}

impl Id for Text {
    type Encoder = FrontEncoder;

    fn bytes(&self) -> impl AsRef<[u8]> {
        &self.0
    }

    fn decode(chunk: &Chunk) -> Result<Vec<Self>, Damaged> {
        let read = |reader: &mut Reader<'_>, before: &[u8]| {
            let length = |number: u64| usize::try_from(number).map_err(|_| Damaged);
            let shared = before.get(..length(reader.number()?)?).ok_or(Damaged)?;
            let rest = length(reader.number()?)?;
            Ok(Text([shared, reader.take(rest)?].concat().into()))
        };
        decode(chunk, read)
    }
}

fn decode<I: Id>(
    chunk: &Chunk,
    read: impl Fn(&mut Reader<'_>, &[u8]) -> Result<I, Damaged>,
) -> Result<Vec<I>, Damaged> {
    let (mut reader, mut ids) = (Reader(&chunk.members), Vec::<I>::new());
    while !reader.is_empty() {
        let id = match ids.last() {
            None => read(&mut reader, &chunk.key).ok().filter(|id| id.bytes().as_ref() >= chunk.key.as_slice()),
            Some(before) => read(&mut reader, before.bytes().as_ref()).ok().filter(|id| id > before),
        };
        ids.push(id.ok_or(Damaged)?);
    }
    Ok(ids)
}

/// Writes a chunk of uuids or of texts.
pub struct FrontEncoder {
    bytes: Vec<u8>,
    before: Vec<u8>,
}

impl FrontEncoder {
    fn begin(key: &[u8]) -> Self {
        FrontEncoder { bytes: Vec::new(), before: key.to_vec() }
    }

    /// How many bytes the id has in common with the one before.
    fn shared(&self, id: &[u8]) -> usize {
        self.before.iter().zip(id).take_while(|(before, id)| before == id).count()
    }

    fn push_rest(&mut self, id: &[u8], shared: usize) {
        self.bytes.extend(&id[shared..]);
        self.before.clear();
        self.before.extend(id);
    }
}

impl Encoder<Uuid> for FrontEncoder {
    fn new(key: &[u8]) -> Self {
        FrontEncoder::begin(key)
    }

    fn size_with(&self, id: &Uuid) -> usize {
        self.bytes.len() + 1 + id.0.len() - self.shared(&id.0)
    }

    fn push(&mut self, id: &Uuid) {
        let shared = self.shared(&id.0);
        self.bytes.push(shared as u8);
        self.push_rest(&id.0, shared);
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl Encoder<Text> for FrontEncoder {
    fn new(key: &[u8]) -> Self {
        FrontEncoder::begin(key)
    }

    fn size_with(&self, id: &Text) -> usize {
        let shared = self.shared(&id.0);
        let rest = id.0.len() - shared;
        self.bytes.len() + number_size(shared as u64) + number_size(rest as u64) + rest
    }

    fn push(&mut self, id: &Text) {
        let shared = self.shared(&id.0);
        write_number(&mut self.bytes, shared as u64);
        write_number(&mut self.bytes, (id.0.len() - shared) as u64);
        self.push_rest(&id.0, shared);
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
