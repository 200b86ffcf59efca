//! Reading and writing integers of any length.

use super::Damage;

/// Reads from the front of some bytes. What is not there is [`Damage`].
#[derive(Clone, Copy)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

const SHORT: Damage = Damage::Malformed("the bytes end too early");

impl<'b> Reader<'b> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'b [u8], Damage> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Damage> {
        self.array().map(u16::from_le_bytes)
    }

    /// Reads a number that [`write_varint`] wrote.
    pub(super) fn varint(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damage::Malformed("a number is too long"))
    }

    /// Reads a number that is at most `most`.
    pub(super) fn at_most(&mut self, most: u32) -> Result<u32, Damage> {
        let value = self.varint()?;
        u32::try_from(value).ok().filter(|value| *value <= most).ok_or(Damage::Malformed("a number is too large"))
    }

    /// Reads a string that [`write_text`] wrote.
    pub(super) fn text(&mut self) -> Result<&'b str, Damage> {
        let length = self.at_most(u32::MAX)?;
        std::str::from_utf8(self.bytes(length as usize)?).map_err(|_| Damage::Malformed("a name is not UTF-8"))
    }

    pub(super) fn end(self) -> Result<(), Damage> {
        if self.0.is_empty() { Ok(()) } else { Err(Damage::Malformed("bytes follow the end")) }
    }
}

/// Writes seven bits a byte, the lowest first.
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_varint(text.len() as u64, out);
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            write_varint(value, &mut bytes);
            let mut reader = Reader(&bytes);
            assert_eq!(reader.varint(), Ok(value));
            assert_eq!(reader.end(), Ok(()));
            assert_eq!(Reader(&bytes[..bytes.len() - 1]).varint(), Err(SHORT));
        }
        assert!(Reader(&[0xFF; 10]).varint().is_err());
        assert!(Reader(&[0x80; 11]).varint().is_err());
        assert!(Reader(&[5]).at_most(4).is_err());
    }
}
