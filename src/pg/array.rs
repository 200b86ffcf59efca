//! Arrays that callers pass.

use pgrx::Array;

/// The texts of an array of one dimension, or of an empty one; `None` if it has more dimensions.
pub fn in_one_dimension(array: Array<'_, String>) -> Option<Vec<Option<String>>> {
    let texts = array.iter().collect();
    // SAFETY: the pointer is that of the array, which lives as long as the call that it was passed to.
    let dimensions = unsafe { (*array.into_array_type()).ndim };
    (dimensions <= 1).then_some(texts)
}
