//! Chunks of columns say of each row what a program says of its document.

mod common;
#[path = "../../../tests/conformance/generate/condition.rs"]
#[allow(dead_code, unreachable_pub)]
mod condition;
#[path = "../../../tests/conformance/generate/document.rs"]
#[allow(dead_code, unreachable_pub)]
mod document;
#[path = "../jsonb/encode.rs"]
#[allow(dead_code, unreachable_pub)]
mod encode;
#[path = "../../../tests/conformance/generate/expression.rs"]
#[allow(dead_code, unreachable_pub)]
mod expression;
#[path = "../../../tests/conformance/generate/random.rs"]
#[allow(dead_code, unreachable_pub)]
mod random;

use common::audience::Audience;
use common::generate::{self, Options};
use proptest::collection::vec;
use proptest::prelude::*;
use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::columns::*;
use segments_core::date::Moment;
use segments_core::document::{Node, Object, View};
use segments_core::expr::Checked;
use segments_core::jsonb::Jsonb;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row::{Cell, Integer};
use segments_core::sql::{ColumnKind, ContactTable, NativeColumn, PropertiesColumn};
use segments_core::value::Json;
use segments_core::{decimal, value};

const GENERATION: u64 = 1 << 40;

/// A table with properties and nothing else.
fn table() -> ContactTable {
    let properties = Some(PropertiesColumn { name: "properties".to_owned(), not_null: false });
    ContactTable { properties, ..ContactTable::default() }
}

fn indexed() -> Vec<String> {
    vec!["properties".to_owned()]
}

/// A chunk of documents, each repeated so often, with so many columns at most. Values of some columns are added to
/// `globals`.
fn chunk(documents: &[Json], times: usize, most_columns: usize, globals: &mut Globals) -> Vec<Vec<u8>> {
    let mut builder = Builder::with_most_columns([], most_columns);
    for time in 0..times {
        builder.begin_block(3 * time as u32);
        for document in documents {
            builder.push(&[], Some(Jsonb::new(&encode::container(document)).root()));
        }
    }
    builder.finish(GENERATION, globals)
}

fn answer(condition: &Checked, pieces: &[Vec<u8>], globals: &Globals) -> Result<Option<Answer>, Damage> {
    let chunk = Chunk::open(GENERATION, pieces)?;
    match Way::of(condition, &table(), &indexed()) {
        Way::Columns(plan) => Query::new(&plan, Asking { globals, ..Asking::NONE }).answer(&chunk, pieces).map(Some),
        Way::Narrowed { .. } | Way::Heap(_) => Ok(None),
    }
}

/// Compares what chunks say with what programs say, of every document and condition.
#[track_caller]
fn assert_same(documents: &[Json], conditions: &[Checked], times: usize) {
    for (most_columns, is_global) in [(MOST_COLUMNS, false), (MOST_COLUMNS, true), (2, false), (0, false)] {
        let mut globals = Globals::default();
        if is_global {
            for (key, generation) in ["a", "b", "0", "1"].into_iter().zip(1..) {
                globals.insert(Source::Key(key.to_owned()), Global::new(generation));
            }
            // What another chunk has.
            chunk(&documents[documents.len() / 2..], 1, most_columns, &mut globals);
        }
        let pieces = chunk(documents, times, most_columns, &mut globals);
        for condition in conditions {
            let program = Program::compile(condition);
            let Some(answer) = answer(condition, &pieces, &globals).unwrap() else { continue };
            assert_eq!(answer.unknown, None);
            // Which rows are asked does not depend on how their values are stored.
            if most_columns == 2 {
                assert_same_among(condition, &pieces, &globals, &answer);
            }
            let mut expected = 0;
            for (number, document) in documents.iter().enumerate() {
                let matches = program.matches(document, Surroundings::NONE);
                expected += if matches { times as u64 } else { 0 };
                assert_eq!(
                    answer.rows.contains(number as u32),
                    matches,
                    "{condition:?} of {document} with {most_columns} columns"
                );
            }
            assert_eq!(answer.rows.count(), expected, "{condition:?}");
        }
    }
}

/// Compares what a chunk says of the rows of every other heap page with what it says of all rows.
#[track_caller]
fn assert_same_among(condition: &Checked, pieces: &[Vec<u8>], globals: &Globals, of_all: &Answer) {
    let Way::Columns(plan) = Way::of(condition, &table(), &indexed()) else { return };
    let chunk = Chunk::open(GENERATION, pieces).unwrap();
    let unchanged = chunk.rows_of(|block| block % 2 == 0);
    let query = Query::new(&plan, Asking { globals, ..Asking::NONE });
    let among = query.answer_among(&chunk, pieces, &unchanged).unwrap();
    let mut expected = of_all.rows.clone();
    expected.and(&unchanged);
    assert_eq!(among.rows, expected, "{condition:?}");
    let blocks = chunk.heap_rows().into_iter().filter(|heap| heap.rows.clone().any(|row| expected.contains(row)));
    assert_eq!(chunk.blocks_of(&expected), blocks.map(|heap| heap.block).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Conditions with every operator, on few keys with few values.
    #[test]
    fn any_condition(
        conditions in vec(generate::condition(Options { audience: false, pairs: true, any_text: false, in_element: false }), 1..40),
        documents in vec(generate::document(), 1..60),
        times in prop_oneof![Just(1usize), Just(1), 2usize..40],
    ) {
        let conditions: Vec<Checked> =
            conditions.iter().filter_map(|condition| check(&condition.0, &common::Zoned).ok()).collect();
        let documents: Vec<Json> = documents.into_iter().map(|document| document.0).collect();
        assert_same(&documents, &conditions, times);
    }

    /// The documents and conditions that the conformance runs put to other implementations.
    #[test]
    fn conditions_of_the_conformance_runs(seed: u64, count in 1usize..60) {
        let mut random = Random::new(seed);
        let documents: Vec<Json> = (0..count).map(|_| document::generate(&mut random)).collect();
        let conditions: Vec<Checked> = (0..60)
            .map(|number| condition::generate(&mut random, &documents[number % count]))
            .map(|condition| common::checked(&condition.to_string(), &DocumentOnly))
            .collect();
        assert_same(&documents, &conditions, 1);
    }
}

/// Every case of the language, each document in one chunk with those of all other cases.
#[test]
fn every_case_of_the_language() {
    let cases = common::cases::cases();
    let read = |text: &String| Json::parse(text).ok();
    let documents: Vec<Json> =
        cases.iter().flat_map(|case| case.matches.iter().chain(&case.others)).filter_map(read).collect();
    let parsed = cases.iter().filter_map(|case| segments_core::parse::parse(&case.condition).ok());
    let conditions: Vec<Checked> = parsed.filter_map(|condition| check(&condition, &Audience).ok()).collect();
    assert!(documents.len() > 500 && conditions.len() > 300);
    assert_same(&documents, &conditions, 1);
}

/// Values that are too large are never guessed: a row that depends on one is told apart, and no other row is.
#[test]
fn large_values_are_asked_of_the_heap() {
    let large = "x".repeat(LARGEST_VALUE);
    let values = [
        format!(r#"{{"a": "y{large}", "b": 1}}"#),
        format!(r#"{{"a": "{large}", "b": 1}}"#),
        format!(r#"{{"a": ["{large}", 1], "b": 2}}"#),
        format!(r#"{{"b": {{"c": "{large}"}}}}"#),
        r#"{"a": 1, "b": 1}"#.to_owned(),
        "{}".to_owned(),
    ];
    let documents = values.map(|text| common::document(&text));
    for (condition, expected_unknown) in [
        (r#"{"a": {"$startsWith": "y"}}"#, &[0, 2][..]),
        (r#"{"a": {"$startsWith": "y"}, "b": 1}"#, &[0]),
        (r#"{"$or": [{"a": {"$startsWith": "y"}}, {"b": 1}]}"#, &[2, 3]),
        (r#"{"$nor": [{"a": {"$startsWith": "y"}}, {"b": 1}]}"#, &[2, 3]),
        (r#"{"a": {"$exists": false}}"#, &[0, 2]),
        (r#"{"b": 7}"#, &[3]),
        (r#"{"c": 7}"#, &[]),
        (r#"{"$expr": {"$eq": ["$a", "$b"]}}"#, &[0, 2, 3]),
        (r#"{"$expr": {"$lt": ["$b", 5]}}"#, &[3]),
    ] {
        let condition = common::checked(condition, &DocumentOnly);
        let program = Program::compile(&condition);
        for most_columns in [MOST_COLUMNS, 1, 0] {
            let mut globals = Globals::default();
            globals.insert(Source::Key("a".to_owned()), Global::new(1));
            let pieces = chunk(&documents, 1, most_columns, &mut globals);
            let answer = answer(&condition, &pieces, &globals).unwrap().unwrap();
            let unknown: Vec<u32> = answer.unknown.iter().flat_map(Bits::iter).collect();
            if most_columns == MOST_COLUMNS {
                assert_eq!(unknown, expected_unknown, "{condition:?}");
            }
            for (row, document) in (0..).zip(&documents) {
                let matches = program.matches(document, Surroundings::NONE);
                let is_known = !unknown.contains(&row);
                assert!(is_known || row < 4, "{condition:?} of row {row}");
                assert_eq!(answer.rows.contains(row), matches && is_known, "{condition:?} of row {row}");
            }
        }
    }
}

/// Numbers of every size in one column: integers, fractions, and as many digits as are stored.
#[test]
fn numbers_of_every_size() {
    let number = |row: usize| match row % 4 {
        0 => format!("{}", row * 1_000_003),
        1 => format!("-{row}.{}", "7".repeat(1 + row % 90)),
        2 => format!("{}e{}", 1 + row, row % 300),
        _ => format!("{}.5", "9".repeat(1 + row % 120)),
    };
    let documents: Vec<Json> =
        (0..3_000).map(|row| common::document(&format!(r#"{{"a": {}}}"#, number(row)))).collect();
    let conditions = [0, 3, 5, 50, 401, 2_002, 2_999].map(|row| {
        let number = number(row);
        [("$gte", &number), ("$lt", &number), ("$eq", &number)].map(|(operator, number)| {
            common::checked(&format!(r#"{{"a": {{"{operator}": {number}}}}}"#), &DocumentOnly)
        })
    });
    assert_same(&documents, conditions.as_flattened(), 1);
}

/// A chunk as large as chunks can be, with many values: codes of all widths, and dictionaries of many pieces.
#[test]
fn a_whole_chunk() {
    let mut random = Random::new(7);
    let documents: Vec<Json> = (0..MOST_ROWS as usize)
        .map(|row| {
            let month = 1 + random.below(12);
            let members = [
                format!(r#""email": "user{}@example{}.com""#, row * 7_919 % 65_536, row % 3),
                format!(r#""value": {}.{:02}"#, random.below(30_000), random.below(100)),
                format!(r#""seen": "20{:02}-{month:02}-{:02}""#, 10 + random.below(15), 1 + random.below(28)),
                format!(r#""at": "2024-{month:02}-01T{:02}:00:{:02}.{}Z""#, row % 24, row % 60, 1 + row % 9),
                format!(r#""plan": "plan{}""#, random.below(4)),
                format!(r#""city": "city{}""#, random.below(200)),
            ];
            let rare =
                if row % 100 == 0 { format!(r#", "rare": {row}, "odd": 1e{}"#, row % 77) } else { String::new() };
            common::document(&format!("{{{}{rare}}}", members.join(", ")))
        })
        .collect();
    let mut globals = Globals::default();
    for (key, generation) in ["plan", "city", "odd", "email"].into_iter().zip(1..) {
        globals.insert(Source::Key(key.to_owned()), Global::new(generation));
    }
    let pieces = chunk(&documents, 1, MOST_COLUMNS, &mut globals);
    let opened = Chunk::open(GENERATION, pieces.as_slice()).unwrap();
    assert_eq!(opened.rows(), MOST_ROWS);
    assert!(pieces.iter().all(|piece| piece.len() <= PIECE_SIZE));
    for condition in [
        r#"{"plan": "plan1", "value": {"$gte": 100, "$lt": 20000.5}, "seen": {"$as": "date", "$gte": "2015-03-01"}}"#,
        r#"{"email": {"$startsWith": "user12"}}"#,
        r#"{"email": {"$contains": "12@example1"}}"#,
        r#"{"email": {"$endsWith": "7@example0.com"}, "plan": {"$not": {"$contains": "an1"}}}"#,
        r#"{"email": {"$regex": "99@example2\\.com$"}}"#,
        r#"{"email": {"$contains": "muser"}}"#,
        r#"{"email": {"$in": ["user7919@example1.com", "user12@example0.com"]}}"#,
        r#"{"email": {"$gt": "user5"}, "city": {"$in": ["city1", "city17", "city99", "city3", "city5", "city7"]}}"#,
        r#"{"city": {"$regex": "[13579]$"}, "plan": {"$ne": "plan2"}}"#,
        r#"{"at": {"$as": "timestamp", "$gte": "2024-03-01", "$lt": "2024-05-01T10:00:00Z"}}"#,
        r#"{"at": {"$gt": "2024-03-01T10:00:00"}}"#,
        r#"{"seen": {"$as": "date", "$eq": "2015-03-01"}}"#,
        r#"{"seen": {"$lte": "2015-03"}}"#,
        r#"{"rare": {"$gte": 30000}}"#,
        r#"{"$nor": [{"rare": {"$exists": true}}, {"odd": 1e20}, {"value": {"$mod": [2, 0]}}]}"#,
        r#"{"odd": {"$gt": 1e30}}"#,
        r#"{"$expr": {"$lt": ["$city", "$plan"]}}"#,
    ] {
        let checked = common::checked(condition, &DocumentOnly);
        let program = Program::compile(&checked);
        let answer = answer(&checked, &pieces, &globals).unwrap().unwrap();
        let wrong = (0..)
            .zip(&documents)
            .find(|(row, document)| program.matches(*document, Surroundings::NONE) != answer.rows.contains(*row));
        assert!(wrong.is_none(), "{condition} of {}", wrong.unwrap().1);
    }
}

/// Rows with the same values have the same fingerprints, whatever is in columns of their own and in global dictionaries.
#[test]
fn fingerprints_do_not_depend_on_the_chunk() {
    let rows = |last: &str| -> Vec<Json> {
        let values = ["1", r#""a""#, "null", r#"[1, {"b": 2}]"#, r#""2024-01-01""#, last];
        (0..120)
            .map(|row| common::document(&format!(r#"{{"a": {}, "k{}": {row}}}"#, values[row % 6], row % 5)))
            .collect()
    };
    let of = |documents: &[Json], most_columns, globals: &mut Globals| {
        let pieces = chunk(documents, 1, most_columns, globals);
        let chunk = Chunk::open(GENERATION, pieces.as_slice()).unwrap();
        fingerprints(&chunk, pieces.as_slice(), globals).unwrap()
    };
    let mut globals = Globals::default();
    globals.insert(Source::Key("a".to_owned()), Global::new(1));
    let expected = of(&rows("true"), 2, &mut globals).unwrap();
    for most_columns in [MOST_COLUMNS, 1, 0] {
        let same = of(&rows("true"), most_columns, &mut Globals::default()).unwrap();
        assert_eq!(same, expected);
        let changed = of(&rows("false"), most_columns, &mut Globals::default()).unwrap();
        let differing: Vec<usize> = (0..120).filter(|row| changed[*row] != expected[*row]).collect();
        assert_eq!(differing, (0..120).filter(|row| row % 6 == 5).collect::<Vec<_>>());
    }
    // The keys of a row are too much for one value.
    let long = [common::document(&format!(r#"{{"a": "{0}", "b": "{0}"}}"#, "x".repeat(LARGEST_VALUE / 2)))];
    assert!(of(&long, 0, &mut Globals::default()).is_none());
    assert!(of(&long, 2, &mut Globals::default()).is_some());
}

/// A builder says how much memory it needs, so that a chunk of large values can be finished early.
#[test]
fn a_builder_knows_its_memory() {
    let mut builder = Builder::new([]);
    builder.begin_block(0);
    let mut push = |document: String| {
        let container = encode::container(&common::document(&document));
        builder.push(&[], Some(Jsonb::new(&container).root()));
        builder.memory()
    };
    let mut last = 0;
    for row in 0..1_000 {
        let now = push(format!(r#"{{"a": "{row}{}", "b": "b"}}"#, "x".repeat(500)));
        let added = now - std::mem::replace(&mut last, now);
        assert!((500..1_500).contains(&added), "{added}");
    }
    // A value that is there needs no more than the row's number and its own.
    assert!((1..100).contains(&(push(r#"{"b": "b"}"#.to_owned()) - last)));
}

/// The values of native columns; `label` is one that only the caller reads.
struct Labels;

const LABELS: [&str; 3] = ["small", "medium", "large"];

impl Natives for Labels {
    fn read(&self, column: &str, stored: &[u8], see: &mut dyn FnMut(Option<Cell<'_>>)) {
        assert_eq!(column, "label");
        see(stored.first().map(|label| Cell::String(LABELS[usize::from(*label)].as_bytes())));
    }
}

#[test]
fn native_columns_beside_properties() {
    let column = |name: &str, kind| NativeColumn { name: name.to_owned(), not_null: false, kind, has_precision: false };
    let table = ContactTable {
        columns: vec![
            column("country", ColumnKind::Text { deterministic: true }),
            column("age", ColumnKind::Integer),
            column("joined", ColumnKind::Date),
            column("label", ColumnKind::Text { deterministic: true }),
            column("secret", ColumnKind::Integer),
        ],
        ..table()
    };
    let names = ["country", "age", "joined", "label"];
    let indexed: Vec<String> = names.iter().map(|name| (*name).to_owned()).chain(indexed()).collect();
    let document = common::document(r#"{"joined": 1, "tags": ["vip"]}"#);
    let bytes = encode::container(&document);
    let integers: Vec<Integer> = (0..100).map(Integer::from).collect();
    let mut builder = Builder::new(names.map(str::to_owned));
    let mut rows: Vec<[Option<Cell<'_>>; 4]> = Vec::new();
    for row in 0..1_000usize {
        if row % 20 == 0 {
            builder.begin_block(row as u32 / 10);
        }
        let day = Moment::of_date(9_000 + (row * 37 % 500) as i32);
        let label = [(row % 3) as u8];
        let cells = [
            (row % 5 > 0).then_some(Cell::String([b"DE", b"FR", b"US"][row % 3])),
            (row % 7 > 0).then_some(Cell::Number(integers[row % 100].as_number())),
            (row % 9 > 0).then_some(Cell::Moment(day)),
        ];
        let [country, age, joined] = cells.map(|cell| cell.map_or(Given::Missing, Given::Value));
        builder.push(&[country, age, joined, Given::Stored(&label)], Some(Jsonb::new(&bytes).root()));
        rows.push([cells[0], cells[1], cells[2], Some(Cell::String(LABELS[row % 3].as_bytes()))]);
    }
    let pieces = builder.finish(GENERATION, &mut Globals::default());
    let chunk = Chunk::open(GENERATION, pieces.as_slice()).unwrap();
    assert_eq!(chunk.heap_rows()[2], HeapRows { block: 4, rows: 40..60 });
    assert_eq!(chunk.rows_of(|block| block == 4).iter().collect::<Vec<_>>(), (40..60).collect::<Vec<_>>());
    for condition in [
        r#"{"country": "DE", "age": {"$gte": 18}}"#,
        r#"{"country": {"$in": ["DE", null]}}"#,
        r#"{"joined": {"$as": "date", "$gte": "1995-01-01", "$lt": "1995-06-01"}}"#,
        r#"{"joined": {"$as": "date", "$eq": "1995-01-06"}}"#,
        r#"{"joined": {"$year": 1995}}"#,
        r#"{"joined": "1995-01-06"}"#,
        r#"{"joined": {"$gt": "1995-01-06"}}"#,
        r#"{"label": {"$in": ["small", "large"]}, "age": {"$lt": 90}}"#,
        r#"{"label": {"$regex": "^m"}}"#,
        r#"{"tags": "vip", "label": "small"}"#,
        r#"{"$expr": {"$gt": ["$label", "$country"]}}"#,
    ] {
        let checked = common::checked(condition, &DocumentOnly);
        let Way::Columns(plan) = Way::of(&checked, &table, &indexed) else { panic!("{condition} is not answered") };
        let asking = Asking { natives: &Labels, globals: &Globals::NONE, interrupt: || () };
        let answer = Query::new(&plan, asking).answer(&chunk, pieces.as_slice()).unwrap();
        let set = ProgramSet::compile([&checked]);
        let mut matches = Matches::new();
        for (row, cells) in (0..).zip(&rows) {
            let found = set.keys().iter().map(|key| match names.iter().position(|name| name == key) {
                Some(position) => cells[position],
                None => member(&bytes, key),
            });
            set.matching_fields(&found.collect::<Vec<_>>(), Surroundings::NONE, &mut matches);
            assert_eq!(answer.rows.contains(row), matches.contains(0), "{condition} of row {row}");
        }
    }
    let part = |condition: &str| Way::of(&common::checked(condition, &Audience), &table, &indexed);
    let Way::Narrowed { rest, obstacles, .. } = part(r#"{"age": 20, "$topic": "weekly"}"#) else {
        panic!("a topic is left for the rows of that age")
    };
    assert_eq!((rest.on_document(), obstacles), (None, vec![Obstacle::Topics]));
}

fn member<'d>(bytes: &'d [u8], key: &str) -> Option<Cell<'d>> {
    let View::Object(object) = Jsonb::new(bytes).root().view() else { return None };
    object.get(key).map(Cell::Jsonb)
}

/// What columns do not answer, and why.
#[test]
fn what_columns_do_not_answer() {
    let column = |name: &str| NativeColumn {
        name: name.to_owned(),
        not_null: false,
        kind: ColumnKind::Integer,
        has_precision: false,
    };
    let table = ContactTable { columns: vec![column("age"), column("size")], ..table() };
    let explain = |condition: &str, indexed: &[&str]| {
        let indexed: Vec<String> = indexed.iter().map(|name| (*name).to_owned()).collect();
        match Way::of(&common::checked(condition, &Audience), &table, &indexed) {
            Way::Columns(_) => "columns".to_owned(),
            Way::Narrowed { obstacles, .. } => format!("narrowed: {}", said(&obstacles)),
            Way::Heap(obstacles) => format!("heap: {}", said(&obstacles)),
        }
    };
    for (condition, indexed, expected) in [
        (r#"{}"#, &[][..], "columns"),
        (r#"{"age": 1, "name": "a"}"#, &["age", "properties"], "columns"),
        (r#"{"age": 1, "name": "a"}"#, &["age"], "narrowed: the index does not have the column properties"),
        (
            r#"{"age": 1, "name": "a"}"#,
            &["size"],
            "heap: the index does not have the column age, the index does not have the column properties",
        ),
        (r#"{"$or": [{"age": 1}, {"name": "a"}]}"#, &["age"], "heap: the index does not have the column properties"),
        (
            r#"{"$nor": [{"age": 1}, {"name": "a"}]}"#,
            &["age"],
            "narrowed: the index does not have the column properties",
        ),
        (r#"{"age": 1, "$topic": "weekly"}"#, &["age"], "narrowed: subscriptions to topics are not in the index"),
        (
            r#"{"$or": [{"age": 1}, {"$topic": "weekly"}]}"#,
            &["age"],
            "heap: subscriptions to topics are not in the index",
        ),
        (
            r#"{"age": 1, "$bucket": {"of": 10, "in": [1], "salt": "x"}}"#,
            &["age"],
            "narrowed: buckets of contacts are not in the index",
        ),
        (
            r#"{"age": 1, "orders": {"$some": {"total": 1}}}"#,
            &["age"],
            "narrowed: rows of the relation orders are not in the index",
        ),
    ] {
        assert_eq!(explain(condition, indexed), expected, "{condition}");
    }
}

fn said(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(Obstacle::to_string).collect::<Vec<_>>().join(", ")
}
