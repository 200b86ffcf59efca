//! Writes binary jsonb, for tests, as `JsonbValueToJsonb` (`src/backend/utils/adt/jsonb_util.c`) and `make_result`
//! (`numeric.c`) do in Postgres.

use crate::decimal::{Decimal, Digit};
use crate::value::Json;

/// The bytes of a root container. The keys of objects must be unique and in [`crate::value::key_order`].
pub(crate) fn container(value: &Json) -> Vec<u8> {
    let mut buffer = Vec::new();
    if matches!(value, Json::Array(_) | Json::Object(_)) {
        write(&mut buffer, value);
    } else {
        // A scalar at the root is an array of one element, with a flag (JB_FSCALAR).
        write_container(&mut buffer, 0x5000_0000 | 1, &[value], &[]);
    }
    buffer
}

/// The bytes of a `numeric` with its varlena header. With `long` they are in the long format, which can hold every
/// number.
pub(crate) fn numeric(number: &Decimal, long: bool) -> Vec<u8> {
    let Parts { negative, weight, scale, digits } = parts(number);
    let mut data = Vec::new();
    if !long && (-64..=63).contains(&weight) && scale <= 63 {
        let header = 0x8000 | if negative { 0x2000 } else { 0 } | scale << 7 | (weight & 0x7F) as u16;
        data.extend(header.to_ne_bytes());
    } else {
        data.extend((scale | if negative { 0x4000 } else { 0 }).to_ne_bytes());
        data.extend((weight as i16).to_ne_bytes());
    }
    data.extend(digits.as_flattened());
    let total = data.len() as u32 + 4;
    let header = if cfg!(target_endian = "big") { total } else { total << 2 };
    [header.to_ne_bytes().as_slice(), &data].concat()
}

/// Writes a value and returns its `JEntry`, which has a length.
fn write(buffer: &mut Vec<u8>, value: &Json) -> u32 {
    let start = buffer.len();
    let kind = match value {
        Json::Null => 0x4000_0000,
        Json::Bool(false) => 0x2000_0000,
        Json::Bool(true) => 0x3000_0000,
        Json::String(text) => {
            buffer.extend(text.as_bytes());
            0
        }
        Json::Number(number) => {
            pad(buffer);
            buffer.extend(numeric(number, false));
            0x1000_0000
        }
        Json::Array(items) => {
            write_container(buffer, 0x4000_0000 | items.len() as u32, &[], &items.iter().collect::<Vec<_>>());
            0x5000_0000
        }
        Json::Object(members) => {
            let keys: Vec<Json> = members.iter().map(|(key, _)| Json::String(key.clone())).collect();
            let values: Vec<&Json> = members.iter().map(|(_, value)| value).collect();
            let header = 0x2000_0000 | members.len() as u32;
            write_container(buffer, header, &keys.iter().collect::<Vec<_>>(), &values);
            0x5000_0000
        }
        Json::Literal(never) => match *never {},
    };
    kind | (buffer.len() - start) as u32
}

fn write_container(buffer: &mut Vec<u8>, header: u32, first: &[&Json], then: &[&Json]) {
    pad(buffer);
    buffer.extend(header.to_ne_bytes());
    let entries = buffer.len();
    buffer.resize(entries + 4 * (first.len() + then.len()), 0);
    let mut total = 0;
    for (index, child) in first.iter().chain(then).enumerate() {
        let mut entry = write(buffer, child);
        total += entry & 0x0FFF_FFFF;
        if index % 32 == 0 {
            entry = entry & 0x7000_0000 | total | 0x8000_0000;
        }
        buffer[entries + 4 * index..][..4].copy_from_slice(&entry.to_ne_bytes());
    }
}

fn pad(buffer: &mut Vec<u8>) {
    buffer.resize(buffer.len().next_multiple_of(4), 0);
}

/// The parts of a number, as in `NumericVar`.
struct Parts {
    negative: bool,
    weight: i32,
    scale: u16,
    digits: Vec<Digit>,
}

/// Reads the parts from the number's text.
fn parts(number: &Decimal) -> Parts {
    let text = number.to_string();
    let magnitude = text.trim_start_matches('-');
    let negative = magnitude.len() < text.len();
    let (mantissa, exponent) = magnitude.split_once('e').unwrap_or((magnitude, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The power of ten of the last decimal digit. Zeros are appended until it is a power of 10,000.
    let mut power = exponent.parse::<i32>().expect("an exponent") - fraction.len() as i32;
    let scale = u16::try_from(-power).unwrap_or(0);
    let mut decimals = format!("{integer}{fraction}");
    while power.rem_euclid(4) != 0 {
        decimals.push('0');
        power -= 1;
    }
    let padding = "0".repeat(decimals.len().next_multiple_of(4) - decimals.len());
    let digits: Vec<u16> = format!("{padding}{decimals}")
        .as_bytes()
        .chunks(4)
        .map(|group| group.iter().fold(0, |digit, decimal| digit * 10 + u16::from(decimal - b'0')))
        .collect();
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    let trailing = digits[leading..].iter().rev().take_while(|digit| **digit == 0).count();
    let weight = power / 4 + digits.len() as i32 - 1 - leading as i32;
    let digits: Vec<Digit> = digits[leading..digits.len() - trailing].iter().map(|d| d.to_ne_bytes()).collect();
    Parts { negative, weight: if digits.is_empty() { 0 } else { weight }, scale, digits }
}
