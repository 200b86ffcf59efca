use super::*;
use crate::decimal::Decimal;
use crate::document::to_json;
use crate::value::{Json, key_order};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::hint::black_box;

fn decode(container: &[u8]) -> Json {
    to_json(Jsonb::new(container).root())
}

fn object(container: &[u8]) -> JsonbObject<'_> {
    let View::Object(object) = Jsonb::new(container).root().view() else { panic!("an object") };
    object
}

/// Looks the keys up twice, the second time with the layouts that the first time left.
fn locate<'d>(locator: &Locator, object: JsonbObject<'d>) -> Vec<Option<JsonbNode<'d>>> {
    let mut layouts = Layouts::default();
    let [first, second] = [(), ()].map(|()| {
        let mut found = vec![None; locator.keys().len()];
        object.locate(locator, &mut layouts, |position, value| found[position] = Some(value));
        found
    });
    let bytes =
        |found: &[Option<JsonbNode<'d>>]| found.iter().map(|node| node.map(|node| node.bytes)).collect::<Vec<_>>();
    assert_eq!(bytes(&first), bytes(&second));
    second
}

fn number(text: &str) -> Json {
    Json::Number(Decimal::parse(text).expect("a number"))
}

fn string(text: &str) -> Json {
    Json::String(text.to_owned())
}

/// An object as jsonb stores it: the last of several members with the same key counts.
fn members(mut members: Vec<(String, Json)>) -> Json {
    members.reverse();
    members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
    members.dedup_by(|(left, _), (right, _)| left == right);
    Json::Object(members)
}

/// Containers that Postgres 15 wrote on a little-endian machine, copied from heap pages.
#[cfg(target_endian = "little")]
mod golden {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let nibble = |byte: u8| (byte as char).to_digit(16).expect("a hexadecimal digit") as u8;
        hex.as_bytes().chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
    }

    /// Asserts that the bytes read as the value, and that the tests' encoder writes the same bytes for it.
    fn check(hex: &str, value: &Json) {
        assert_eq!(decode(&bytes(hex)), *value, "{hex}");
        assert_eq!(encode::container(value), bytes(hex), "{value:?}");
    }

    #[test]
    fn empty_containers_and_root_scalars() {
        check("00000020", &Json::Object(vec![]));
        check("00000040", &Json::Array(vec![]));
        check("01000050060000807363616c6172", &string("scalar"));
        check("010000500a0000902800000080a00c008813", &number("-12.5"));
        check("01000050000000c0", &Json::Null);
    }

    #[test]
    fn numbers_of_both_formats() {
        let hex = "0900004008000090060000100a000010080000100a0000100c00001018000010010000000b00001020000000008001\
           0018000000008000002000000000a001002000000001800100280000000000ff7fe803000028000000e80306ff0100000058\
           0000008484d2042e163423800dd21ed2042e16282378002800000001800f270f27";
        let numbers = ["1", "0", "-1", "10000", "1e131071", "1e-1000", "12345678901234567890.123456789"];
        let mut items: Vec<Json> = numbers.into_iter().map(number).collect();
        items.extend([string("x"), number("99999999")]);
        check(hex, &Json::Array(items));
    }

    #[test]
    fn a_document() {
        // {"id":"c_1","age":42,"tags":["a","bb",1.50,null,true,false,[],{}],"score":-0.00012,
        //  "address":{"city":"Köln","zip":"50667"},"":1e20}
        let hex = "060000200000008002000000030000000400000005000000070000000b00001003000000090000103c0000500a0000102700\
           005069646167657461677373636f7265616464726573730000002000000005800100635f31002000000000802a0008000040\
           01000080020000000b0000100000004000000030000000200600005004000050616262002800000000810100881300000000\
           00400000002028000000ffa20100d007000002000020030000800400000005000000050000007a6970636974793530363637\
           4bc3b66c6e";
        let expected = members(vec![
            ("id".into(), string("c_1")),
            ("age".into(), number("42")),
            (
                "tags".into(),
                Json::Array(vec![
                    string("a"),
                    string("bb"),
                    number("1.5"),
                    Json::Null,
                    Json::Bool(true),
                    Json::Bool(false),
                    Json::Array(vec![]),
                    Json::Object(vec![]),
                ]),
            ),
            ("score".into(), number("-0.00012")),
            ("address".into(), members(vec![("city".into(), string("Köln")), ("zip".into(), string("50667"))])),
            (String::new(), number("1e20")),
        ]);
        // This does not use `check`, because 1.50 is stored with its scale, which the encoder does not know.
        assert_eq!(decode(&bytes(hex)), expected);
    }

    #[test]
    fn an_object_of_more_members_than_a_stride() {
        // jsonb_object_agg('k' || i, i, 'v' || i or null, by i modulo 3) of 1 to 40
        let hex = "2800002002000080020000000200000002000000020000000200000002000000020000000200000003000000030000000300\
           0000030000000300000003000000030000000300000003000000030000000300000003000000030000000300000003000000\
           03000000030000000300000003000000030000000300000003000000030000005a0000800300000003000000030000000300\
           000003000000030000000300000002000000000000400b00001002000000000000400a00001002000000000000400a000010\
           0300000000000040090000100300000000000040090000100300000000000040090000100300000000000040090000100300\
           00000000004009000010d3000080000000400900001003000000000000400900001003000000000000400900001003000000\
           0000004009000010030000000000004009000010030000006b316b326b336b346b356b366b376b386b396b31306b31316b31\
           326b31336b31346b31356b31366b31376b31386b31396b32306b32316b32326b32336b32346b32356b32366b32376b32386b\
           32396b33306b33316b33326b33336b33346b33356b33366b33376b33386b33396b3430763100000020000000008003007634\
           00002000000000800600763700002000000000800900763130002000000000800c00763133002000000000800f0076313600\
           2000000000801200763139002000000000801500763232002000000000801800763235002000000000801b00763238002000\
           000000801e00763331002000000000802100763334002000000000802400763337002000000000802700763430";
        let value = |i: usize| match i % 3 {
            0 => number(&i.to_string()),
            1 => Json::String(format!("v{i}")),
            _ => Json::Null,
        };
        check(hex, &members((1..=40).map(|i| (format!("k{i}"), value(i))).collect()));
        let bytes = bytes(hex);
        for i in 1..=40 {
            let found = object(&bytes).get(&format!("k{i}")).map(to_json);
            assert_eq!(found, Some(value(i)), "k{i}");
        }
        for absent in ["", "k", "k0", "k01", "k41", "l1", "k100"] {
            assert!(object(&bytes).get(absent).is_none(), "{absent}");
        }
    }
}

#[test]
fn numbers_are_read_with_either_varlena_header() {
    let four_bytes = encode::numeric(&Decimal::from(-70_000), false);
    let mut one_byte = four_bytes[3..].to_vec();
    let total = one_byte.len() as u8;
    one_byte[0] = if cfg!(target_endian = "big") { total | 0x80 } else { total << 1 | 1 };
    for varlena in [four_bytes, one_byte] {
        let read = numeric::read(&varlena).map(|number| number.to_decimal());
        assert_eq!(read, Some(Decimal::from(-70_000)), "{varlena:?}");
    }
}

#[test]
fn what_is_no_container_reads_as_null() {
    let no_kind = 1u32.to_ne_bytes();
    let too_many_entries = (0x2000_0000u32 | 2).to_ne_bytes();
    let scalar_without_entry = 0x5000_0001u32.to_ne_bytes();
    for bytes in [&[][..], &[0; 3], &no_kind, &too_many_entries, &scalar_without_entry, &[0xFF; 64]] {
        assert!(matches!(Jsonb::new(bytes).root().view(), View::Null), "{bytes:?}");
    }
}

#[test]
fn children_never_overlap() {
    // Arrays of three children: the first ends with the data, the second goes back to its start, and the third ends
    // with the data again. A reader that believes this visits 2^20 nodes.
    const LEVELS: usize = 20;
    let mut bytes = Vec::new();
    for level in (0..LEVELS as u32).rev() {
        let entry = |end: u32| 0xD000_0000 | end;
        bytes.extend([ARRAY | 3, entry(16 * level), entry(0), entry(16 * level)].map(u32::to_ne_bytes).concat());
    }
    assert_eq!(nodes(Jsonb::new(&bytes).root(), LEVELS), 3 * LEVELS + 1);
}

#[test]
fn copies_as_deep_as_it_says() {
    let nested = |levels: usize| {
        let mut bytes = vec![];
        for level in (0..levels).rev() {
            bytes.extend((ARRAY | 1).to_ne_bytes());
            bytes.extend((0xD000_0000u32 | (8 * level) as u32).to_ne_bytes());
        }
        decode(&bytes)
    };
    let mut value = nested(crate::value::COPIED_LEVELS + 10);
    let mut levels = 0;
    while let Json::Array(mut items) = value {
        levels += 1;
        value = items.pop().expect("an element");
    }
    assert_eq!((levels, value), (crate::value::COPIED_LEVELS, Json::Null));
}

/// The number of nodes that a walk over `depth` levels visits. It reads each byte of their strings.
fn nodes(node: JsonbNode<'_>, depth: usize) -> usize {
    let below = match node.view() {
        View::Null | View::Bool(_) => 0,
        View::Number(number) => {
            black_box(number.to_decimal().to_string());
            0
        }
        View::Folded(_) | View::Moment(_) => 0,
        View::String(bytes) => {
            black_box(bytes.to_vec());
            0
        }
        View::Array(_) | View::Object(_) if depth == 0 => 0,
        View::Array(array) => array.iter().map(|item| nodes(item, depth - 1)).sum(),
        View::Object(object) => object
            .iter()
            .inspect(|(key, _)| drop(black_box(key.to_vec())))
            .map(|(_, value)| nodes(value, depth - 1))
            .sum(),
    };
    below + 1
}

fn any_number() -> impl Strategy<Value = Json> {
    let written = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[0-9]{1,3}",
        "-?[0-9]{1,9}\\.[0-9]{1,6}",
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?",
        "-?[1-9]e-?[0-9]{1,5}",
    ];
    written.prop_filter_map("what numeric can hold", |text| Decimal::parse(&text).map(Json::Number))
}

fn any_scalar() -> impl Strategy<Value = Json> {
    prop_oneof![Just(Json::Null), any::<bool>().prop_map(Json::Bool), any_number(), "\\PC{0,12}".prop_map(Json::String),]
}

/// Keys that often have the same length or the same first bytes.
fn any_key() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,10}", "prop_[0-9]{1,3}", "a{6,9}[ab]", "a{7,8}[ab]{0,2}b{7,9}", "\\PC{0,20}", "[a-c]{17,300}"]
}

fn any_object(value: impl Strategy<Value = Json>, size: std::ops::Range<usize>) -> impl Strategy<Value = Json> {
    vec((any_key(), value), size).prop_map(members)
}

fn any_json() -> impl Strategy<Value = Json> {
    any_scalar().prop_recursive(6, 60, 8, |inner| {
        prop_oneof![vec(inner.clone(), 0..8).prop_map(Json::Array), any_object(inner, 0..8)]
    })
}

/// Objects and arrays with fewer children than the stride, as many, and more.
fn wide_json() -> impl Strategy<Value = Json> {
    prop_oneof![
        24 => any_json(),
        16 => any_object(any_scalar(), 0..40),
        4 => any_object(any_scalar(), 60..130),
        1 => any_object(any_scalar(), 200..300),
        4 => vec(any_json(), 0..70).prop_map(Json::Array),
        1 => vec(any_scalar(), 200..300).prop_map(Json::Array),
    ]
}

proptest! {
    #[test]
    fn reads_what_postgres_writes(value in wide_json(), unaligned in 0usize..4) {
        let mut bytes = vec![0; unaligned];
        bytes.extend(encode::container(&value));
        prop_assert_eq!(decode(&bytes[unaligned..]), value);
    }

    #[test]
    fn finds_each_element(items in vec(any_scalar(), 0..80)) {
        let bytes = encode::container(&Json::Array(items.clone()));
        let View::Array(array) = Jsonb::new(&bytes).root().view() else { panic!("an array") };
        prop_assert_eq!(array.len(), items.len());
        for (index, item) in items.iter().enumerate() {
            prop_assert_eq!(&to_json(array.get(index).expect("an element")), item);
        }
        prop_assert!(array.get(items.len()).is_none() && array.get(usize::MAX).is_none());
    }

    #[test]
    fn finds_each_member_and_no_other(
        document in prop_oneof![9 => any_object(any_scalar(), 0..40), 1 => any_object(any_scalar(), 40..300)],
        others in vec(any_key(), 0..20),
        picks in vec(any::<Index>(), 0..60),
    ) {
        let bytes = encode::container(&document);
        let Json::Object(members) = &document else { panic!("an object") };
        for (key, value) in members {
            prop_assert_eq!(object(&bytes).get(key).map(to_json), Some(value.clone()), "{}", key);
        }
        let mut keys = others;
        if !members.is_empty() {
            keys.extend(picks.iter().map(|pick| members[pick.index(members.len())].0.clone()));
        }
        keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        keys.dedup();
        let locator = Locator::new(keys);
        for (key, found) in locator.keys().iter().zip(locate(&locator, object(&bytes))) {
            let expected = Object::get(members.as_slice(), key).cloned();
            prop_assert_eq!(&object(&bytes).get(key).map(to_json), &expected, "get {}", key);
            prop_assert_eq!(&found.map(to_json), &expected, "look up {}", key);
        }
    }

    #[test]
    fn what_is_kept_of_one_object_does_not_mislead_about_another(
        keys in vec(vec("[ab]{0,3}", 0..4), 1..12),
        sought in vec(vec("[ab]{0,3}", 0..6), 2),
    ) {
        let locators = sought.into_iter().map(|mut keys| {
            keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
            keys.dedup();
            Locator::new(keys)
        });
        let locators: Vec<Locator> = locators.collect();
        let mut layouts = Layouts::default();
        for (number, keys) in (0..).zip(keys) {
            let value = |index: usize| Json::Number(Decimal::from((10 * number + index) as i64));
            let bytes = encode::container(&members(keys.into_iter().zip((0..).map(value)).collect()));
            for locator in &locators {
                let mut found = Vec::new();
                object(&bytes).locate(locator, &mut layouts, |position, value| found.push((position, to_json(value))));
                let got = |(position, key): (usize, &String)| Some((position, to_json(object(&bytes).get(key)?)));
                let expected: Vec<_> = locator.keys().iter().enumerate().filter_map(got).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn long_and_short_formats_are_the_same_number(number in any_number()) {
        let Json::Number(number) = number else { panic!("a number") };
        for long in [false, true] {
            let read = encode::numeric(&number, long);
            prop_assert_eq!(numeric::read(&read), Some(number.as_number()));
        }
    }

    #[test]
    fn damage_is_survived(
        value in wide_json(),
        flips in vec((any::<Index>(), any::<u8>()), 1..20),
        cut in proptest::option::of(any::<Index>()),
        mut keys in vec(any_key(), 0..10),
    ) {
        let mut bytes = encode::container(&value);
        for (place, flip) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        walk(&bytes, &mut keys)?;
    }

    #[test]
    fn any_bytes_are_survived(header in any::<u32>(), mut bytes in vec(any::<u8>(), 0..400), mut keys in vec(any_key(), 0..10)) {
        walk(&bytes, &mut keys)?;
        // A header that fits the data, so that the bytes after it are read as entries.
        let count = bytes.len() as u32 / 8;
        let fitting = (header & !COUNT) | (header % (count + 1));
        bytes.splice(0..bytes.len().min(4), fitting.to_ne_bytes());
        walk(&bytes, &mut keys)?;
    }
}

/// Reads everything that can be read from bytes that may be damaged.
fn walk(bytes: &[u8], keys: &mut [String]) -> Result<(), TestCaseError> {
    let root = Jsonb::new(bytes).root();
    // Each node but the root has an entry of 4 bytes.
    prop_assert!(nodes(root, 500) <= bytes.len() / 4 + 1);
    black_box(to_json(root));
    match root.view() {
        View::Array(array) => (0..=array.len()).for_each(|index| {
            black_box(array.get(index).map(|node| nodes(node, 0)));
        }),
        View::Object(object) => {
            keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
            let locator = Locator::new(keys.to_vec());
            let got = keys.iter().map(|key| object.get(key)).chain(locate(&locator, object)).flatten();
            black_box(got.map(|node| nodes(node, 0)).sum::<usize>());
        }
        _ => {}
    }
    Ok(())
}
