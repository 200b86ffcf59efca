//! Pages that say what they are and their number, and have entries of one size.

use super::super::Damage;
use super::super::piece::PIECE_SIZE;
use super::meta::FORMAT_VERSION;

/// The bytes before the entries: the kind of the page, the version of the format, the number of the page.
const HEADER: usize = 8;

/// The bytes of entries on a page.
pub(super) const BODY: usize = PIECE_SIZE - HEADER;

/// What a page is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Map = 0x6D73,
    Directory = 0x6473,
}

fn header(kind: Kind, number: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&(kind as u16).to_le_bytes());
    header[2..4].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[4..].copy_from_slice(&number.to_le_bytes());
    header
}

/// A page whose entries are all zero.
pub(super) fn empty(kind: Kind, number: u32) -> Vec<u8> {
    let mut page = header(kind, number).to_vec();
    page.resize(PIECE_SIZE, 0);
    page
}

/// The entries of a page, which must be the one of this kind and number.
pub(super) fn body(page: &[u8], kind: Kind, number: u32) -> Result<&[u8; BODY], Damage> {
    let (found, body) = page.split_first_chunk().ok_or(SHORT)?;
    if *found != header(kind, number) {
        return Err(OTHER);
    }
    body.first_chunk().ok_or(SHORT)
}

/// As [`body`], to be changed.
pub(super) fn body_mut(page: &mut [u8], kind: Kind, number: u32) -> Result<&mut [u8; BODY], Damage> {
    let (found, body) = page.split_first_chunk_mut().ok_or(SHORT)?;
    if *found != header(kind, number) {
        return Err(OTHER);
    }
    body.first_chunk_mut().ok_or(SHORT)
}

const SHORT: Damage = Damage::Malformed("the page ends too early");
const OTHER: Damage = Damage::Malformed("another page is where one of the map or of the directory should be");
