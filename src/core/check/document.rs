//! The environment of conditions in `jsonb @~ condition`, where there is a document and nothing else.

use super::{Declaration, Environment};
use crate::path::Path;

/// An environment without declarations, topics, segments and a clock; dates are read in UTC.
#[derive(Clone, Copy, Debug)]
pub struct DocumentOnly;

impl Environment for DocumentOnly {
    fn property(&self, _: &Path) -> Declaration {
        Declaration::Undeclared
    }
}
