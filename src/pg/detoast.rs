//! The bytes of a varlena, detoasted at most once, and not copied where they are not toasted.

use pgrx::pg_sys;

/// A detoasted varlena. If it had to be unpacked, it owns the memory and frees it on drop; otherwise it points into the
/// tuple.
pub struct Detoasted {
    original: *mut pg_sys::varlena,
    unpacked: *mut pg_sys::varlena,
}

impl Detoasted {
    /// Unpacks a jsonb or a text if it is compressed or stored out of line.
    ///
    /// # Safety
    /// `datum` is a varlena that is not NULL and outlives the result.
    pub unsafe fn new(datum: pg_sys::Datum) -> Self {
        let original = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: by this function's own condition. Most values are stored plainly in the tuple. For these the call is
        // skipped, because pgrx guards each call with a sigsetjmp.
        let unpacked =
            unsafe { if is_packed(original) { original } else { pg_sys::pg_detoast_datum_packed(original) } };
        Detoasted { original, unpacked }
    }

    /// Takes ownership of a varlena that nothing else uses.
    ///
    /// # Safety
    /// `datum` is a varlena in line, palloc'ed in a memory context that outlives the result.
    pub unsafe fn owned(datum: pg_sys::Datum) -> Self {
        Detoasted { original: std::ptr::null_mut(), unpacked: datum.cast_mut_ptr() }
    }

    /// Unpacks a value whose type needs an aligned header of four bytes, such as an array.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub unsafe fn whole(datum: pg_sys::Datum) -> Self {
        let original = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: by this function's own condition.
        let unpacked = unsafe { pg_sys::pg_detoast_datum(original) };
        Detoasted { original, unpacked }
    }

    /// The varlena, unpacked.
    pub fn as_ptr(&self) -> *mut pg_sys::varlena {
        self.unpacked
    }

    /// The bytes after the header. They are not aligned if the header is short.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `unpacked` is a varlena with its payload in line, alive as long as self.
        unsafe { pgrx::varlena_to_byte_slice(self.unpacked) }
    }
}

/// Whether a value is neither compressed nor out of line, so that `pg_detoast_datum_packed` would return it unchanged.
///
/// # Safety
/// `value` points to a varlena.
#[inline]
unsafe fn is_packed(value: *const pg_sys::varlena) -> bool {
    // SAFETY: by this function's own condition; only the header is read.
    unsafe { pgrx::varatt_is_4b_u(value) || (pgrx::varatt_is_1b(value) && !pgrx::varatt_is_1b_e(value)) }
}

impl Drop for Detoasted {
    fn drop(&mut self) {
        if self.unpacked != self.original {
            // SAFETY: pg_detoast_datum_packed palloc'ed it for this value alone.
            unsafe { pg_sys::pfree(self.unpacked.cast()) }
        }
    }
}
