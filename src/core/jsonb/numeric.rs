//! A `numeric` as jsonb embeds it (`src/backend/utils/adt/numeric.c`, "on-disk format").

use crate::decimal::Number;

/// Header bits (`NUMERIC_SIGN_MASK` and so on). A short header holds the weight too, in seven bits.
const KIND: u16 = 0xC000;
const LONG_POSITIVE: u16 = 0x0000;
const LONG_NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT: u16 = 0x003F;

/// Reads a whole varlena that holds a `numeric`. `None` for `NaN` and the infinities, which jsonb cannot
/// hold, and for what is no `numeric`.
#[inline]
pub(super) fn read(varlena: &[u8]) -> Option<Number<'_>> {
    read_payload(payload(varlena)?)
}

/// Reads what follows the varlena header of a `numeric`.
#[inline]
pub(crate) fn read_payload(payload: &[u8]) -> Option<Number<'_>> {
    let (header, rest) = payload.split_first_chunk::<2>()?;
    let header = u16::from_ne_bytes(*header);
    let (negative, weight, digits) = match header & KIND {
        SHORT => {
            let magnitude = i32::from(header & SHORT_WEIGHT);
            let weight = if header & SHORT_WEIGHT_SIGN == 0 { magnitude } else { magnitude - 64 };
            (header & SHORT_NEGATIVE != 0, weight, rest)
        }
        sign @ (LONG_POSITIVE | LONG_NEGATIVE) => {
            let (weight, digits) = rest.split_first_chunk::<2>()?;
            (sign == LONG_NEGATIVE, i32::from(i16::from_ne_bytes(*weight)), digits)
        }
        _ => return None,
    };
    Some(Number::new(negative, weight, digits.as_chunks::<2>().0))
}

/// What follows the varlena header (`src/include/postgres.h`; from Postgres 16 on `varatt.h`). Postgres
/// writes a header of four bytes here; one of one byte is understood as well.
#[inline]
pub(super) fn payload(varlena: &[u8]) -> Option<&[u8]> {
    if let Some(word) = varlena.first_chunk::<4>()
        && let Some(total) = long_size(u32::from_ne_bytes(*word))
    {
        return varlena.get(4..total);
    }
    varlena.get(1..short_size(*varlena.first()?)?)
}

/// `VARSIZE_4B` where `VARATT_IS_4B_U`.
fn long_size(word: u32) -> Option<usize> {
    if cfg!(target_endian = "big") {
        (word >> 30 == 0).then_some(word as usize)
    } else {
        (word & 3 == 0).then_some((word >> 2) as usize)
    }
}

/// `VARSIZE_1B` where `VARATT_IS_1B`. An external datum's size reads as 0, which [`payload`] finds too short.
fn short_size(byte: u8) -> Option<usize> {
    if cfg!(target_endian = "big") {
        (byte & 0x80 != 0).then_some(usize::from(byte & 0x7F))
    } else {
        (byte & 1 != 0).then_some(usize::from(byte >> 1))
    }
}
