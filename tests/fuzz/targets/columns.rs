//! Any bytes in place of a chunk's pieces give an answer or an error. Each piece follows its length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use segments_core::check::{DocumentOnly, check};
use segments_core::columns::{Asking, Chunk, Global, Globals, Plan, Query, Source, Way, seal};
use segments_core::parse::parse;
use segments_core::sql::{ContactTable, PropertiesColumn};

const CONDITIONS: &[&str] = &[
    r#"{"a": 1, "b": {"$ne": "b"}}"#,
    r#"{"a": {"$gte": 1.5, "$lt": 100}}"#,
    r#"{"a": {"$gt": "b"}, "b": {"$startsWith": "a"}}"#,
    r#"{"a": {"$in": [null, 1, "a", [1], {"a": 1}]}}"#,
    r#"{"$or": [{"a": {"$regex": "^.b$"}}, {"b.0": 7}, {"c": {"$exists": false}}]}"#,
    r#"{"a": {"$as": "timestamp", "$gte": "2024-01-01"}, "b": {"$as": "date", "$eq": "2024-01-01"}}"#,
    r#"{"$expr": {"$lt": ["$a", "$b"]}}"#,
    r#"{"$or": [{"a": {"$contains": "b"}}, {"b": {"$endsWith": "a"}}, {"a.b": {"$contains": "a"}}]}"#,
];

thread_local! {
    static PLANS: Vec<Plan> = CONDITIONS.iter().map(|text| plan(text)).collect();
}

fuzz_target!(|bytes: &[u8]| {
    let mut pieces = Vec::new();
    let mut left = bytes;
    while let Some((length, rest)) = left.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        // Without the right checksum, little would be read.
        let mut piece = rest[..length].to_vec();
        seal(&mut piece);
        pieces.push(piece);
        left = &rest[length..];
    }
    // The same bytes may be a global dictionary, which chunks name by its generation.
    let mut globals = Globals::default();
    if let Some(global) = (1..5).rev().find_map(|values| Global::read(1, values, pieces.as_slice()).ok()) {
        globals.insert(Source::Key("a".to_owned()), global);
    }
    let Ok(chunk) = Chunk::open(1, pieces.as_slice()) else { return };
    PLANS.with(|plans| {
        for plan in plans {
            let query = Query::new(plan, Asking { globals: &globals, ..Asking::NONE });
            let answer = query.answer(&chunk, pieces.as_slice());
            if let Ok(answer) = &answer {
                assert!(answer.rows.count() <= chunk.rows().into());
            }
            // Half of the pages have changed. What is not asked may not be read, but what is said of the others is the same.
            let unchanged = chunk.rows_of(|block| block % 2 == 0);
            if let (Ok(mut answer), Ok(among)) = (answer, query.answer_among(&chunk, pieces.as_slice(), &unchanged)) {
                answer.rows.and(&unchanged);
                assert_eq!(answer.rows, among.rows);
                assert!(chunk.blocks_of(&among.rows).iter().all(|block| block % 2 == 0));
            }
        }
    });
});

fn plan(text: &str) -> Plan {
    let properties = Some(PropertiesColumn { name: "properties".to_owned(), not_null: true });
    let table = ContactTable { properties, ..ContactTable::default() };
    let checked = check(&parse(text).expect("a condition"), &DocumentOnly).expect("a condition on documents");
    match Way::of(&checked, &table, &["properties".to_owned()]) {
        Way::Columns(plan) => plan,
        other => panic!("{other:?}"),
    }
}
