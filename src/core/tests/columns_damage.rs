//! Damaged chunks are errors, and another chunk's pieces are told apart from damage.

mod common;
#[path = "../jsonb/encode.rs"]
#[allow(dead_code, unreachable_pub)]
mod encode;

use proptest::prelude::*;
use segments_core::check::DocumentOnly;
use segments_core::columns::*;
use segments_core::jsonb::Jsonb;
use segments_core::sql::{ContactTable, PropertiesColumn};
use segments_core::{decimal, value};

const CONDITIONS: [&str; 5] = [
    r#"{"name": {"$gte": "b"}, "value": {"$lt": 100}}"#,
    r#"{"seen": {"$as": "date", "$gte": "2024-01-03"}, "tags": "vip"}"#,
    r#"{"name": {"$regex": "7$"}, "rare": {"$exists": false}}"#,
    r#"{"value": {"$in": [1, 2.5, 1e60]}, "other": "x"}"#,
    r#"{"$expr": {"$lt": ["$name", "$seen"]}}"#,
];

fn chunk(generation: u64, rows: usize) -> (Vec<Vec<u8>>, Globals) {
    let mut globals = Globals::default();
    globals.insert(Source::Key("seen".to_owned()), Global::new(100 + generation));
    // Three keys have columns of their own, and the others share one.
    let mut builder = Builder::with_most_columns([], 3);
    for row in 0..rows {
        if row % 20 == 0 {
            builder.begin_block(row as u32);
        }
        let rare = if row % 50 == 0 { r#", "rare": 1e60, "other": "x""# } else { "" };
        let document = common::document(&format!(
            r#"{{"name": "name{row}", "value": {}.5, "seen": "2024-01-{:02}", "tags": ["vip", {}]{rare}}}"#,
            row % 7,
            1 + row % 20,
            row % 3
        ));
        builder.push(&[], Some(Jsonb::new(&encode::container(&document)).root()));
    }
    (builder.finish(generation, &mut globals), globals)
}

/// Puts the conditions to a chunk. Whatever it says, it must not panic.
fn ask(pieces: &[Vec<u8>], globals: &Globals) -> Result<Vec<Answer>, Damage> {
    let properties = Some(PropertiesColumn { name: "properties".to_owned(), not_null: true });
    let table = ContactTable { properties, ..ContactTable::default() };
    let chunk = Chunk::open(1, pieces)?;
    let plans = CONDITIONS.iter().filter_map(|condition| {
        match Way::of(&common::checked(condition, &DocumentOnly), &table, &["properties".to_owned()]) {
            Way::Columns(plan) => Some(plan),
            _ => None,
        }
    });
    plans.map(|plan| Query::new(&plan, Asking { globals, ..Asking::NONE }).answer(&chunk, pieces)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_change_of_bytes_is_an_answer_or_an_error(
        changes in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.2, (any::<u32>(), any::<u32>())),
        is_sealed: bool,
    ) {
        let (mut pieces, globals) = chunk(1, 400);
        let right = ask(&pieces, &globals).unwrap();
        for (piece, byte, value) in changes {
            let piece = piece as usize % pieces.len();
            // Most changes are near to the front, where the numbers are that others depend on.
            let length = pieces[piece].len();
            let byte = if byte % 2 == 0 { byte as usize % length } else { byte as usize % length.min(160) };
            pieces[piece][byte] = value;
            // Some damage comes with the right checksum, as that of a bug would.
            if is_sealed {
                seal(&mut pieces[piece]);
            }
        }
        if let Some((piece, length)) = cut {
            let piece = piece as usize % pieces.len();
            let length = length as usize % pieces[piece].len();
            pieces[piece].truncate(length);
        }
        if let Ok(answers) = ask(&pieces, &globals) {
            prop_assert!(is_sealed || answers == right);
        }
    }
}

#[test]
fn a_piece_of_another_chunk_is_told_apart() {
    let ((mut pieces, globals), (others, _)) = (chunk(1, 400), chunk(2, 400));
    let right = ask(&pieces, &globals).unwrap();
    assert_eq!(right.len(), CONDITIONS.len());
    for (number, other) in others.into_iter().enumerate() {
        let own = std::mem::replace(&mut pieces[number], other);
        let found = ask(&pieces, &globals);
        // A piece that no condition reads does no harm.
        let is_told = matches!(found, Err(Damage::OtherPiece { found: Place { generation: 2, .. }, .. }));
        assert!(is_told || found.as_ref() == Ok(&right), "{found:?}");
        assert!(is_told || number > 0, "the description is always read");
        pieces[number] = own;
    }
    pieces.pop();
    assert!(ask(&pieces, &globals).is_err());
}

#[test]
fn a_dictionary_that_is_not_there_is_damage() {
    let (pieces, _) = chunk(1, 400);
    assert!(matches!(ask(&pieces, &Globals::NONE), Err(Damage::Malformed(_))));
    let mut shorter = Globals::default();
    shorter.insert(Source::Key("seen".to_owned()), Global::new(101));
    assert!(matches!(ask(&pieces, &shorter), Err(Damage::Malformed(_))));
}

#[test]
fn pieces_may_end_in_zeros() {
    let (mut pieces, globals) = chunk(1, 400);
    let right = ask(&pieces, &globals).unwrap();
    pieces.iter_mut().for_each(|piece| piece.resize(PIECE_SIZE, 0));
    assert_eq!(ask(&pieces, &globals).unwrap(), right);
}
