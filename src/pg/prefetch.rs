//! Asks the processor for memory before it is needed.
//!
//! A scan of a table larger than the processor's caches waits for memory more than it computes: of 440 ns for a row of
//! 400 bytes of jsonb, half went on waiting, in turns, for the tuple's header, for the keys and for the values. Asking
//! for the next row's memory leaves 220 ns (EPYC; `make bench` shows what it is elsewhere).

use pgrx::pg_sys;

/// What a cache line of today's processors holds.
const LINE: usize = 64;

/// How much of a value is asked for at most. Longer ones are read in order, which processors foresee.
const REACH: usize = 1024;

/// Where one place in a query met its last row.
#[derive(Default)]
pub struct Rows {
    last: usize,
}

impl Rows {
    /// Asks for the memory of the row that will probably come after the one that has this value.
    ///
    /// Postgres fills a page from its end towards its beginning, so a sequential scan comes from the row before down
    /// to this one, and the next one is as far below. Where that is not so, memory that nobody wanted is fetched, and
    /// nothing else happens.
    ///
    /// # Safety
    /// `datum` is a varlena that is not NULL.
    #[inline]
    pub unsafe fn expect_after(&mut self, datum: pg_sys::Datum) {
        let start = datum.cast_mut_ptr::<u8>();
        // SAFETY: by this function's own condition; only the header is read.
        let length = unsafe { pgrx::varsize_any(start.cast()) }.min(REACH);
        let distance = self.last.wrapping_sub(start.addr());
        self.last = start.addr();
        let next = if distance <= pg_sys::BLCKSZ as usize {
            start.wrapping_sub(distance)
        } else {
            // A new page, or no sequential scan: nobody has asked for this row.
            lines(start, length);
            start.wrapping_sub(length)
        };
        // One line more for the tuple's header and what else is read before the value.
        lines(next.wrapping_sub(LINE), length + LINE);
    }
}

/// Asks for the memory from `start` on, which may be any address: it is not dereferenced.
#[inline]
fn lines(start: *const u8, length: usize) {
    for offset in (0..length + LINE).step_by(LINE) {
        let address = start.wrapping_add(offset);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch is a hint. It never faults and changes nothing that a program can see.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(address.cast());
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(readonly, nostack, preserves_flags));
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = address;
    }
}
