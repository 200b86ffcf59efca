//! A varlena's bytes where they are, detoasted at most once.

use pgrx::pg_sys;

/// A detoasted varlena: its own memory where it had to be unpacked, freed on drop; else the tuple's.
pub struct Detoasted {
    original: *mut pg_sys::varlena,
    unpacked: *mut pg_sys::varlena,
}

impl Detoasted {
    /// Unpacks a jsonb or text argument where it is compressed or stored out of line.
    ///
    /// # Safety
    /// `datum` is a varlena that is not NULL and outlives the result.
    pub unsafe fn new(datum: pg_sys::Datum) -> Self {
        let original = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: by this function's own condition.
        let unpacked = unsafe { pg_sys::pg_detoast_datum_packed(original) };
        Detoasted { original, unpacked }
    }

    /// The bytes after the header; not aligned where the header is short.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `unpacked` is a varlena with its payload in line, alive as long as self.
        unsafe { pgrx::varlena_to_byte_slice(self.unpacked) }
    }
}

impl Drop for Detoasted {
    fn drop(&mut self) {
        if self.unpacked != self.original {
            // SAFETY: pg_detoast_datum_packed palloc'ed it for this value alone.
            unsafe { pg_sys::pfree(self.unpacked.cast()) }
        }
    }
}
