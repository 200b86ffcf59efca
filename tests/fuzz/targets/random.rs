//! Random choices that the fuzzer makes: the generators of `tests/conformance`, steered by its bytes.

pub struct Random<'b> {
    bytes: &'b [u8],
}

impl<'b> Random<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Random { bytes }
    }

    /// A number from 0 to `end` − 1; 0 when there are no more bytes.
    pub fn below(&mut self, end: usize) -> usize {
        let Some((byte, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*byte) % end
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}
