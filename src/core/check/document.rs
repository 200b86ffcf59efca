//! The environment of conditions in `jsonb @~ condition`, where there is a document and nothing else.

use super::environment::needs_audience;
use super::{Declaration, Environment};
use crate::date::{Instant, Utc, Zone};
use crate::error::Refusal;
use crate::expr::Checked;
use crate::operator::Operator;
use crate::path::Path;

/// An environment without declarations, topics, segments and a clock; dates are read in UTC.
#[derive(Clone, Copy, Debug)]
pub struct DocumentOnly;

impl Environment for DocumentOnly {
    fn property(&self, _: &Path) -> Declaration {
        Declaration::Undeclared
    }

    fn property_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn topic(&self, _: &str) -> Result<String, Refusal> {
        Err(needs_audience(Operator::Topic))
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        Err(needs_audience(Operator::Topic))
    }

    fn segment(&self, _: &str) -> Result<Checked, Refusal> {
        Err(needs_audience(Operator::Segment))
    }

    fn zone(&self) -> &dyn Zone {
        &Utc
    }

    fn now(&self) -> Option<Instant> {
        None
    }
}
