//! Sets of members in chunks: what is written reads back, and a comparison finds exactly the changes and writes few chunks.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use segments_core::members::{
    Chunk, Damaged, Failure, Found, Id, Integer, LARGEST_CHUNK, LONGEST_KEY, Text, Uuid, merge,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// A stored set, and what the last comparison has found.
struct Stored<I> {
    chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    entered: Vec<I>,
    exited: Vec<I>,
    written: usize,
    deleted: usize,
}

impl<I: Id + Debug> Stored<I> {
    fn new() -> Self {
        Stored { chunks: BTreeMap::new(), entered: Vec::new(), exited: Vec::new(), written: 0, deleted: 0 }
    }

    fn chunks(&self) -> Vec<Chunk> {
        self.chunks.iter().map(|(key, members)| Chunk { key: key.clone(), members: members.clone() }).collect()
    }

    /// The ids that count.
    fn ids(&self) -> Vec<I> {
        let mut ids: Vec<I> = Vec::new();
        for chunk in self.chunks() {
            ids.truncate(ids.partition_point(|id| id.bytes().as_ref() < chunk.key.as_slice()));
            ids.extend(I::decode(&chunk).unwrap());
        }
        ids
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(|(key, members)| key.len() + members.len()).sum()
    }

    fn largest(&self) -> usize {
        self.chunks.iter().map(|(key, members)| key.len() + members.len()).max().unwrap_or(0)
    }

    fn compare(&mut self, present: impl IntoIterator<Item = I>) {
        let stored = self.chunks();
        (self.entered, self.exited, self.written, self.deleted) = (Vec::new(), Vec::new(), 0, 0);
        merge(stored.into_iter(), present.into_iter(), self).unwrap();
    }

    fn changes(&self) -> usize {
        self.entered.len() + self.exited.len()
    }
}

impl<I: Id> Found<I> for Stored<I> {
    fn entered(&mut self, id: &I) {
        self.entered.push(id.clone());
    }

    fn exited(&mut self, id: &I) {
        self.exited.push(id.clone());
    }

    fn write(&mut self, chunk: Chunk) {
        self.written += 1;
        self.chunks.insert(chunk.key, chunk.members);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.deleted += 1;
        assert!(self.chunks.remove(&key).is_some(), "what is deleted is there");
    }
}

/// Compares each of these sets with the one before.
fn follow<I: Id + Debug>(sets: Vec<BTreeSet<I>>) -> Result<(), TestCaseError> {
    let mut stored = Stored::new();
    let mut before = BTreeSet::new();
    for present in sets {
        stored.compare(present.iter().cloned());
        prop_assert_eq!(&stored.entered, &present.difference(&before).cloned().collect::<Vec<I>>());
        prop_assert_eq!(&stored.exited, &before.difference(&present).cloned().collect::<Vec<I>>());
        prop_assert_eq!(stored.ids(), present.iter().cloned().collect::<Vec<I>>());
        prop_assert!(stored.written <= stored.changes(), "{} for {}", stored.written, stored.changes());
        let longest = present.iter().map(|id| id.bytes().as_ref().len()).max().unwrap_or(0);
        prop_assert!(longest > LONGEST_KEY || stored.largest() <= LARGEST_CHUNK, "{}", stored.largest());
        stored.compare(present.iter().flat_map(|id| [id.clone(), id.clone()]));
        prop_assert_eq!((stored.changes(), stored.written, stored.deleted), (0, 0, 0));
        before = present;
    }
    Ok(())
}

/// Sets of which each is made from the one before: some ids leave, and others enter.
fn sets<I: Id + Debug + 'static>(
    id: impl Strategy<Value = I> + Clone + 'static,
) -> impl Strategy<Value = Vec<BTreeSet<I>>> {
    let many = vec(id.clone(), 0..1500);
    let step =
        (prop_oneof![Just(0usize), Just(1), Just(2), Just(5), Just(1000)], any::<u64>(), vec(id, 0..20), any::<bool>());
    (many, vec(step, 1..8)).prop_map(|(first, steps)| {
        let mut sets = vec![first.into_iter().collect::<BTreeSet<I>>()];
        for (leaving, from, entering, one) in steps {
            let last = sets.last().cloned().unwrap_or_default();
            let start = (from % (last.len() as u64 + 1)) as usize;
            let gone: BTreeSet<I> = last.iter().skip(start).take(leaving).cloned().collect();
            let mut next: BTreeSet<I> = last.difference(&gone).cloned().collect();
            next.extend(entering.into_iter().take(if one { 1 } else { usize::MAX }));
            sets.push(next);
        }
        sets
    })
}

fn integer() -> impl Strategy<Value = Integer> + Clone {
    let any = prop_oneof![0i64..3000, 0i64..100_000, any::<i64>(), Just(i64::MIN), Just(i64::MAX), -500i64..500];
    any.prop_map(Integer::from).boxed()
}

fn uuid() -> impl Strategy<Value = Uuid> + Clone {
    let of_time = (0u32..100_000, any::<[u8; 8]>()).prop_map(|(time, random)| {
        let mut bytes = [0; 16];
        bytes[2..6].copy_from_slice(&time.to_be_bytes());
        bytes[8..].copy_from_slice(&random);
        bytes
    });
    prop_oneof![any::<[u8; 16]>(), of_time].prop_map(Uuid).boxed()
}

fn text() -> impl Strategy<Value = Text> + Clone {
    let long = (0usize..3, 0u8..255).prop_map(|(length, end)| {
        let mut bytes = vec![b'a'; [900, LONGEST_KEY - 1, LONGEST_KEY + 1][length]];
        bytes.push(end);
        bytes
    });
    let bytes = prop_oneof![
        20 => "[a-c]{0,6}".prop_map(String::into_bytes),
        20 => "https://example\\.com/users/[0-9]{1,7}".prop_map(String::into_bytes),
        10 => vec(any::<u8>(), 0..40),
        1 => long,
    ];
    bytes.prop_map(|bytes| Text(bytes.into())).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn changes_of_integers_are_found(sets in sets(integer())) {
        follow(sets)?;
    }

    #[test]
    fn changes_of_uuids_are_found(sets in sets(uuid())) {
        follow(sets)?;
    }

    #[test]
    fn changes_of_texts_are_found(sets in sets(text())) {
        follow(sets)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(key in vec(any::<u8>(), 0..20), members in vec(any::<u8>(), 0..200)) {
        let chunk = Chunk { key, members };
        reads_in_order::<Integer>(&chunk)?;
        reads_in_order::<Uuid>(&chunk)?;
        reads_in_order::<Text>(&chunk)?;
    }

    #[test]
    fn a_cut_chunk_does_not_read_as_a_whole_one(ids in vec(integer(), 2..300), end in any::<Index>()) {
        let mut stored = Stored::new();
        stored.compare(ids.iter().copied().collect::<BTreeSet<_>>());
        for mut chunk in stored.chunks() {
            let whole = Integer::decode(&chunk).unwrap();
            chunk.members.truncate(end.index(chunk.members.len()));
            prop_assert!(Integer::decode(&chunk).is_ok_and(|ids| whole.starts_with(&ids)) || Integer::decode(&chunk) == Err(Damaged));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    /// A set that grows by one id at a time, each near the others, so that one chunk grows until it must be split.
    #[test]
    fn one_chunk_grows_by_one_id_at_a_time(seed in any::<[u8; 8]>(), places in vec(any::<Index>(), 500)) {
        let mut present: BTreeSet<Uuid> = (0..200u32).map(|number| uuid_of(u64::from(number) << 40, seed)).collect();
        let mut stored = Stored::new();
        stored.compare(present.iter().copied());
        for (number, place) in places.iter().enumerate() {
            let after = place.index(200) as u64;
            let new = uuid_of((after << 40) | (1 + number as u64), seed);
            // None is the first of its chunk, which is the only case in which two chunks are written.
            present.insert(new);
            stored.compare(present.iter().copied());
            prop_assert_eq!(&stored.entered, &[new]);
            prop_assert!(stored.written <= 1, "{} chunks", stored.written);
            prop_assert!(stored.largest() <= LARGEST_CHUNK);
        }
        prop_assert!(stored.chunks.len() > 1);
        prop_assert_eq!(stored.ids(), present.iter().copied().collect::<Vec<_>>());
        // What does not count any more does not come back.
        let gone: Vec<Uuid> = present.iter().copied().skip(1).step_by(4).collect();
        for id in gone {
            present.remove(&id);
            stored.compare(present.iter().copied());
            prop_assert_eq!(&stored.exited, &[id]);
            prop_assert!(stored.entered.is_empty() && stored.written <= 1);
        }
        prop_assert_eq!(stored.ids(), present.into_iter().collect::<Vec<_>>());
    }
}

fn uuid_of(high: u64, low: [u8; 8]) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low);
    Uuid(bytes)
}

fn reads_in_order<I: Id + Debug>(chunk: &Chunk) -> Result<(), TestCaseError> {
    if let Ok(ids) = I::decode(chunk) {
        prop_assert!(ids.is_sorted_by(|before, after| before < after));
    }
    Ok(())
}

#[test]
fn the_order_of_bytes_is_that_of_integers_and_uuids() {
    let numbers = [i64::MIN, -257, -256, -1, 0, 1, 255, 256, 65_536, i64::MAX];
    let ids = numbers.map(Integer::from);
    assert!(ids.is_sorted());
    assert!(ids.is_sorted_by(|before, after| before.bytes().as_ref() < after.bytes().as_ref()));
    assert_eq!(ids.map(i64::from), numbers);
    let uuids = [Uuid([0; 16]), Uuid([1; 16]), Uuid([0x80; 16]), Uuid([0xff; 16])];
    assert!(uuids.is_sorted_by(|before, after| before.bytes().as_ref() < after.bytes().as_ref()));
}

#[test]
fn ids_out_of_order_are_refused() {
    let ids = [1, 3, 2].map(Integer::from);
    assert_eq!(merge(std::iter::empty(), ids.into_iter(), &mut Stored::new()), Err(Failure::Disordered));
}

#[test]
fn chunks_that_are_damaged_are_refused() {
    let mut stored = Stored::new();
    stored.compare((0..1000).map(Integer::from));
    let mut chunk = stored.chunks().remove(0);
    chunk.members.pop();
    let compared = merge([chunk.clone()].into_iter(), std::iter::empty(), &mut Stored::<Integer>::new());
    assert_eq!(compared, Err(Failure::Damaged));
    let twice = stored.chunks().into_iter().chain(stored.chunks());
    assert_eq!(merge(twice, std::iter::empty(), &mut Stored::<Integer>::new()), Err(Failure::Damaged));
}

/// A stored set of many ids takes at most so many bytes for each.
#[test]
fn sets_are_small() {
    const MANY: u64 = 100_000;
    let size = |ids: &mut dyn Iterator<Item = i64>| {
        let mut stored = Stored::new();
        stored.compare(ids.map(Integer::from));
        stored.bytes() as f64 / stored.ids().len() as f64
    };
    let mixed =
        |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    assert!(size(&mut (1..=MANY as i64)) < 0.02);
    assert!(size(&mut (1..=MANY as i64).filter(|id| mixed(*id as u64) % 100 > 0)) < 0.03);
    assert!(size(&mut (1..=2 * MANY as i64).filter(|id| mixed(*id as u64) % 2 > 0)) < 0.3);
    assert!(size(&mut (1..=10 * MANY as i64).filter(|id| mixed(*id as u64) % 10 == 0)) < 1.2);
    assert!(size(&mut (1..=50 * MANY as i64).filter(|id| mixed(*id as u64) % 50 == 0)) < 1.6);
    let mut uuids = Stored::new();
    let random = (0..MANY).map(|number| uuid_of(mixed(number), mixed(number + MANY).to_be_bytes()));
    uuids.compare(random.collect::<BTreeSet<_>>());
    assert!((uuids.bytes() as f64) < 15.7 * MANY as f64);
    let mut texts = Stored::new();
    let addresses = (0..MANY).map(|number| Text(format!("customer-{number:09}@example.com").into_bytes().into()));
    texts.compare(addresses.collect::<BTreeSet<_>>());
    assert!((texts.bytes() as f64) < 16.0 * MANY as f64);
}

/// Most members leave, some at a time, and most come back: there are about as many chunks as the members need.
#[test]
fn chunks_stay_few() {
    let mut stored = Stored::new();
    let all: Vec<i64> = (0..300_000).map(|number| number * 40).collect();
    stored.compare(all.iter().copied().map(Integer::from));
    let (full, mut present): (usize, BTreeSet<i64>) = (stored.chunks.len(), all.iter().copied().collect());
    for round in 0..9 {
        present.retain(|id| id / 40 % 9 != round || id / 40 % 81 == 0);
        stored.compare(present.iter().copied().map(Integer::from));
        assert!(stored.written <= full);
    }
    assert!(stored.chunks.len() < full / 6, "{} of {full}", stored.chunks.len());
    stored.compare(all.iter().copied().map(Integer::from));
    assert!(stored.chunks.len() < full * 3 / 2, "{} of {full}", stored.chunks.len());
    stored.compare(std::iter::empty());
    assert_eq!((stored.exited.len(), stored.chunks.len(), stored.written), (all.len(), 0, 0));
}
