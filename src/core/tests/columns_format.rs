//! The bytes of a chunk are those of the format's version.

mod common;
#[path = "../jsonb/encode.rs"]
#[allow(dead_code, unreachable_pub)]
mod encode;

use segments_core::columns::layout::FORMAT_VERSION;
use segments_core::columns::*;
use segments_core::jsonb::Jsonb;
use segments_core::{decimal, value};
use sha2::{Digest, Sha256};

/// For each version, the hash of what [`pieces`] makes. When it differs, the format has changed: raise [`FORMAT_VERSION`], write the
/// new layout into `columns/format.rs`, and add a line here.
const HASHES: &[(u16, &str)] = &[
    (1, "e6fbce5995bbd1c516c7704ae3762efe83de4c9be9a5789e86be33211a257f3f"),
    (2, "de7d249f87a0bd70160d337d79a13f17d2ea4920f1ebee0f127225930a1ea643"),
];

#[test]
#[cfg(target_endian = "little")]
fn the_bytes_are_those_of_the_version() {
    let mut hash = Sha256::new();
    pieces().iter().for_each(|piece| hash.update(piece));
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(HASHES.last(), Some(&(FORMAT_VERSION, hash.as_str())));
}

/// A global dictionary and a chunk with a value of every class, codes of every width, and every layout.
fn pieces() -> Vec<Vec<u8>> {
    let mut globals = Globals::default();
    globals.insert(Source::Key("shared".to_owned()), Global::new(1));
    let natives = ["label", "day", "time"].map(str::to_owned);
    let mut builder = Builder::with_most_columns(natives, 16);
    let day = segments_core::date::Moment::parse(b"2024-02-29").unwrap();
    let time = segments_core::date::Moment::parse(b"2024-02-29T10:00:00.5Z").unwrap();
    for row in 0..1_000_u32 {
        if row % 20 == 0 {
            builder.begin_block(row / 20 + row / 400);
        }
        let rare = match row {
            100 => format!(r#", "rare": 1, "long": "{}", "digits": 1e50"#, "x".repeat(LARGEST_VALUE + 1)),
            200 => r#", "alone": {"a": [1.5, null]}, "digits": 0.125"#.to_owned(),
            _ => String::new(),
        };
        let document = common::document(&format!(
            r#"{{"text": "text{row}", "few": {}, "number": -{row}.25, "instant": "2024-01-01T00:00:{:02}Z",
                "date": "2024-01-{:02}", "bytes": "{}", "shared": "s{}", "array": [{row}, "a"], "bool": {}{rare}}}"#,
            ["null", "false", "true", "1"][row as usize % 4],
            row % 60,
            1 + row % 30,
            row % 200,
            row % 10,
            row % 2 == 0,
        ));
        let values = [
            Given::Stored(&row.to_le_bytes()[..1]),
            Given::Value(segments_core::row::Cell::Moment(day)),
            if row % 3 == 0 { Given::Missing } else { Given::Value(segments_core::row::Cell::Moment(time)) },
        ];
        builder.push(&values, Some(Jsonb::new(&encode::container(&document)).root()));
    }
    let chunk = builder.finish(2, &mut globals);
    globals.find(1).map(Global::write).into_iter().flatten().chain(chunk).collect()
}
