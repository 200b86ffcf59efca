//! Recording the entries and exits of watched segments.

pub mod current;
pub mod member_set;
pub mod position;
pub mod record;
pub mod retention;
pub mod unrecorded;
pub mod watched;
