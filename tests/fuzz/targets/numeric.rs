//! Any bytes in place of a numeric are none, or a number that is ordered and prints as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use segments_core::decimal::{Decimal, Number};
use segments_core::document::{Node, View};
use segments_core::jsonb::Jsonb;

fuzz_target!(|halves: (&[u8], &[u8])| {
    let (left, right) = (container(halves.0), container(halves.1));
    let (Some(left), Some(right)) = (number(&left), number(&right)) else { return };
    assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
    let (left, right) = (left.to_decimal(), right.to_decimal());
    assert_eq!(left.cmp(&right), left.as_number().cmp(&right.as_number()));
    for number in [left, right] {
        // Digits beyond 9999 are none that Postgres writes.
        if let Some(read) = Decimal::parse(&number.to_string()) {
            assert_eq!(read.to_string(), number.to_string());
        }
    }
});

/// A jsonb that is one number, whose bytes after the varlena header are these.
fn container(payload: &[u8]) -> Vec<u8> {
    let size = payload.len() as u32 + 4;
    let varlena = if cfg!(target_endian = "big") { size } else { size << 2 };
    [0x5000_0001u32, 0x1000_0000 | size, varlena]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .chain(payload.iter().copied())
        .collect()
}

fn number(container: &[u8]) -> Option<Number<'_>> {
    match Jsonb::new(container).root().view() {
        View::Number(number) => Some(number),
        _ => None,
    }
}
