//! What tests on elements find, for explanations.

use crate::ast::Aggregate;
use crate::path::Path;
use crate::value::Json;
use std::fmt;

/// What a test on elements found in an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementsFound {
    /// How many elements the array has
    pub elements: usize,
    /// How many of them the filter lets through; `None` without a filter
    pub seen: Option<usize>,
    /// How many of these satisfy the condition that is put to each of them; `None` where none is
    pub satisfying: Option<usize>,
    /// For aggregates of values, what was compared
    pub compared: Vec<Compared>,
}

/// An aggregate that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What was computed
    pub aggregate: Aggregate,
    /// The path inside the elements
    pub path: Path,
    /// The value, unless it is missing; for `$avg` the sum, since an average is not computed
    pub value: Option<Json>,
    /// For `$avg`, the number of values
    pub count: Option<u32>,
}

impl fmt::Display for ElementsFound {
    /// As in `4 elements, 3 left by the filter, $sum of total is 550.5`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: usize, one: &str, several: &str| format!("{count} {}", if count == 1 { one } else { several });
        f.write_str(&of(self.elements, "element", "elements"))?;
        if let Some(seen) = self.seen {
            write!(f, ", {seen} left by the filter")?;
        }
        if let Some(satisfying) = self.satisfying {
            write!(f, ", {} the condition", of(satisfying, "satisfies", "satisfy"))?;
        }
        self.compared.iter().try_for_each(|compared| write!(f, ", {compared}"))
    }
}

impl fmt::Display for Compared {
    /// As in `$avg of total is 550.5 / 3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} is ", self.aggregate.operator().name(), self.path.text())?;
        match &self.value {
            None => f.write_str("missing")?,
            Some(value) => value.fmt(f)?,
        }
        self.count.map_or(Ok(()), |count| write!(f, " / {count}"))
    }
}
