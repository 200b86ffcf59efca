//! Compiles a condition for evaluation on documents.
//!
//! A [`Program`] looks up the keys that it needs in one pass over the document, and stops as soon as the cheap parts
//! decide the result. The expensive parts come last. For ordinary documents it allocates nothing.

use crate::document::{Array, Node, Object, View};
use crate::expr::{Atom, BucketTest, Checked, DocumentTest, Expr, FieldTest};
use crate::path::as_index;
use crate::value::key_order;

mod check;
mod compare;
mod elements;
mod explained;
mod found;
mod pair;
mod root;
mod sequence;
mod values;
mod walk;

use check::Check;
use elements::Arrays;
use root::Root;
use walk::PathKey;

pub(crate) use check::{honour_interrupts, kind};
pub use explained::elements_found;
pub use found::{Compared, ElementsFound};
pub(crate) use pair::PairStep;
pub(crate) use sequence::{At, Comes, SequenceCheck, TimeCheck, comes, in_order};
pub(crate) use values::{ElementPath, Gathered, Place};
pub(crate) use walk::Visitor;

/// A compiled condition.
#[derive(Debug)]
pub struct Program {
    /// The top-level keys that it reads, in key order
    keys: Vec<String>,
    root: Root,
}

/// Input of an evaluation beside the document.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Called regularly, so that long evaluations can be cancelled; may unwind
    pub interrupt: fn(),
    /// The ids of the topics that the contact is subscribed to
    pub topics: &'a [String],
    /// The contact's id as text, the same in every session; `None` where it has none
    pub id: Option<&'a str>,
    /// The answers about the contact's rows that were gathered beforehand, as a bit for each of the tests with which a
    /// [`ProgramSet`](crate::program_set::ProgramSet) was compiled: whether it holds, but would not without rows, or the reverse
    pub rows: &'a [u64],
}

impl Surroundings<'_> {
    /// No topics, and no interrupts.
    pub const NONE: Surroundings<'static> = Surroundings { interrupt: || (), topics: &[], id: None, rows: &[] };
}

#[derive(Debug)]
enum Step {
    Const(bool),
    All(Box<[Step]>),
    Any(Box<[Step]>),
    Not(Box<Step>),
    Field(FieldStep),
    Pair(PairStep),
    Bucket(BucketTest),
    Topic(String),
}

/// A compiled [`FieldTest`].
#[derive(Debug)]
pub(crate) struct FieldStep {
    field: FieldPath,
    check: Check,
    /// Whether a field without a value satisfies the test
    holds_for_missing: bool,
}

/// The path to a field's values.
#[derive(Debug)]
pub(crate) struct FieldPath {
    /// The position of the first key among the keys that are looked up
    slot: usize,
    /// The keys below it
    rest: Box<[PathKey]>,
    /// Whether the path fans out over arrays
    fan_out: bool,
}

/// The most keys that are looked up without an allocation.
const INLINE_KEYS: usize = 8;

impl Program {
    /// Compiles a checked condition.
    #[must_use]
    pub fn compile(checked: &Checked) -> Self {
        let mut keys: Vec<String> = checked.paths().into_iter().map(|path| path.first().to_owned()).collect();
        checked.for_each(&mut |atom| {
            if let Atom::Rows(rows) = atom {
                keys.push(rows.relation.clone());
            }
        });
        Self::assemble(keys, |keys| {
            Step::compile(checked, &mut |atom| match atom {
                Atom::Field(field) => Step::Field(FieldStep::compile(field, keys)),
                Atom::Pair(pair) => Step::Pair(PairStep::compile(pair, keys)),
                Atom::Rows(rows) => Step::Field(FieldStep::compile(&rows.on_array(), keys)),
                Atom::Bucket(bucket) => Step::Bucket(bucket.clone()),
                Atom::Topic(id) => Step::Topic(id.clone()),
            })
        })
    }

    /// Compiles a condition on elements of an array.
    fn compile_element(expr: &Expr<DocumentTest>) -> Self {
        let mut keys = Vec::new();
        expr.for_each(&mut |test: &DocumentTest| keys.extend(test.paths().map(|path| path.first().to_owned())));
        Self::assemble(keys, |keys| {
            Step::compile(expr, &mut |test| match test {
                DocumentTest::Field(field) => Step::Field(FieldStep::compile(field, keys)),
                DocumentTest::Pair(pair) => Step::Pair(PairStep::compile(pair, keys)),
            })
        })
    }

    fn assemble(mut keys: Vec<String>, compile: impl FnOnce(&[String]) -> Step) -> Self {
        keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        keys.dedup();
        let root = Root::of(compile(&keys), keys.len());
        Program { keys, root }
    }

    /// An estimate of the time that an evaluation takes; comparing a scalar is 1.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.root.steps().map(Step::cost).fold(self.keys.len() as u32, u32::saturating_add)
    }

    /// The size of the compiled patterns in bytes.
    #[must_use]
    pub fn pattern_bytes(&self) -> usize {
        self.root.steps().map(Step::pattern_bytes).sum()
    }

    /// Whether the document satisfies the condition. A document that is not an object has no fields.
    pub fn matches<'d, N: Node<'d>>(&self, document: N, surroundings: Surroundings<'_>) -> bool {
        match document.view() {
            View::Object(object) => self.run(Fields::<N>::Of(object), surroundings),
            _ => self.run(Fields::<N>::None, surroundings),
        }
    }

    /// Whether an element of an array satisfies the condition. An array reads as an object keyed by index; scalars do
    /// not match.
    fn matches_element<'d, N: Node<'d>>(&self, element: N, surroundings: Surroundings<'_>) -> bool {
        match element.view() {
            View::Object(object) => self.run(Fields::<N>::Of(object), surroundings),
            View::Array(array) => self.run(Fields::<N>::ByIndex(array), surroundings),
            _ => false,
        }
    }

    fn run<'d, N: Node<'d>>(&self, fields: Fields<'d, N>, surroundings: Surroundings<'_>) -> bool {
        let mut inline = [None; INLINE_KEYS];
        let mut allocated;
        let found = match inline.get_mut(..self.keys.len()) {
            Some(found) => found,
            None => {
                allocated = vec![None; self.keys.len()];
                allocated.as_mut_slice()
            }
        };
        let mut is_open = |position: usize, value| {
            found[position] = value;
            self.root.is_open_after(position, found, surroundings)
        };
        let is_open = match fields {
            Fields::Of(object) => object.look_up(&self.keys, is_open),
            Fields::ByIndex(array) => self
                .keys
                .iter()
                .enumerate()
                .all(|(position, key)| is_open(position, as_index(key).and_then(|index| array.get(index)))),
            Fields::None => (0..self.keys.len()).all(|position| is_open(position, None)),
        };
        self.root.conclude(is_open, found, surroundings)
    }
}

/// The object in which a program looks up its keys.
enum Fields<'d, N: Node<'d>> {
    Of(N::Object),
    ByIndex(N::Array),
    None,
}

/// The cost of a digest; comparing a scalar is 1.
pub(crate) const BUCKET_COST: u32 = 20;

impl Step {
    fn compile<T>(expr: &Expr<T>, test: &mut impl FnMut(&T) -> Step) -> Step {
        let cheap_first = |parts: &[Expr<T>], test: &mut _| {
            let mut steps: Vec<Step> = parts.iter().map(|part| Step::compile(part, test)).collect();
            steps.sort_by_key(Step::cost);
            steps.into_boxed_slice()
        };
        match expr {
            Expr::Const(value) => Step::Const(*value),
            Expr::And(parts) => Step::All(cheap_first(parts, test)),
            Expr::Or(parts) => Step::Any(cheap_first(parts, test)),
            Expr::Not(part) => Step::Not(Box::new(Step::compile(part, test))),
            Expr::Test(atom) => test(atom),
        }
    }

    /// An estimate of the time that it takes, so that cheap parts come first.
    fn cost(&self) -> u32 {
        match self {
            Step::Const(_) => 0,
            Step::Topic(_) => 1,
            Step::Not(step) => step.cost(),
            Step::All(steps) | Step::Any(steps) => steps.iter().map(Step::cost).fold(0, u32::saturating_add),
            Step::Field(field) => field.cost(),
            Step::Pair(pair) => pair.cost(),
            Step::Bucket(_) => BUCKET_COST,
        }
    }

    fn pattern_bytes(&self) -> usize {
        match self {
            Step::Const(_) | Step::Topic(_) | Step::Bucket(_) | Step::Pair(_) => 0,
            Step::Not(step) => step.pattern_bytes(),
            Step::All(steps) | Step::Any(steps) => steps.iter().map(Step::pattern_bytes).sum(),
            Step::Field(field) => field.check.pattern_bytes(),
        }
    }

    /// The position of the last key that it reads; `None` if it reads none.
    fn last_key(&self) -> Option<usize> {
        match self {
            Step::Const(_) | Step::Topic(_) | Step::Bucket(_) => None,
            Step::Not(step) => step.last_key(),
            Step::All(steps) | Step::Any(steps) => steps.iter().filter_map(Step::last_key).max(),
            Step::Field(field) => Some(field.field.slot),
            Step::Pair(pair) => pair.last_key(),
        }
    }

    fn holds<'d, N: Node<'d>>(&self, found: &[Option<N>], surroundings: Surroundings<'_>) -> bool {
        match self {
            Step::Const(value) => *value,
            Step::All(steps) => steps.iter().all(|step| step.holds(found, surroundings)),
            Step::Any(steps) => steps.iter().any(|step| step.holds(found, surroundings)),
            Step::Not(step) => !step.holds(found, surroundings),
            Step::Field(field) => field.holds(found, surroundings),
            Step::Pair(pair) => pair.holds(found),
            Step::Bucket(bucket) => surroundings.id.is_some_and(|id| bucket.has(id)),
            Step::Topic(id) => surroundings.topics.contains(id),
        }
    }
}

impl FieldStep {
    /// Compiles a test. `keys` are the keys that are looked up in documents, in key order.
    pub(crate) fn compile(field: &FieldTest, keys: &[String]) -> Self {
        FieldStep {
            field: FieldPath::compile(field, keys),
            check: Check::compile(&field.test),
            holds_for_missing: field.test.holds_for_missing(),
        }
    }

    /// An estimate of the time that it takes; comparing a scalar is 1.
    pub(crate) fn cost(&self) -> u32 {
        self.check.cost() + 4 * self.field.rest.len() as u32
    }

    /// Whether any value of the field satisfies the test. `found` has the values of the keys that were looked up.
    pub(crate) fn holds<'d, N: Node<'d>>(&self, found: &[Option<N>], surroundings: Surroundings<'_>) -> bool {
        if let Check::Elements(check) = &self.check {
            let mut arrays = Arrays::new(check, surroundings);
            return self.field.visit(found, &mut arrays, surroundings) || !arrays.any && self.holds_for_missing;
        }
        self.field.visit(found, &mut Asked { step: self, surroundings }, surroundings)
    }
}

/// Puts the values of a field to its test.
struct Asked<'a> {
    step: &'a FieldStep,
    surroundings: Surroundings<'a>,
}

impl Visitor for Asked<'_> {
    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool {
        self.step.check.value(value, fan_out, self.surroundings)
    }

    fn absent(&mut self) -> bool {
        self.step.holds_for_missing
    }

    fn nothing(&mut self) -> bool {
        self.step.check.is_empty()
    }
}

impl FieldPath {
    /// Compiles the path of a field. `keys` are the keys that are looked up in documents, in key order.
    pub(crate) fn compile(field: &FieldTest, keys: &[String]) -> Self {
        let first = field.path.first().as_bytes();
        let rest = field.path.rest().iter().map(|name| PathKey { name: name.clone(), index: as_index(name) });
        FieldPath {
            slot: keys.partition_point(|key| key_order(key.as_bytes(), first).is_lt()),
            rest: rest.collect(),
            fan_out: field.fans_out(),
        }
    }

    /// The single value of the field, or none; `None` if it may have several values.
    #[inline]
    pub(crate) fn single<'d, N: Node<'d>>(&self, found: &[Option<N>]) -> Option<Option<N>> {
        let Some(mut value) = found[self.slot] else { return Some(None) };
        for key in &self.rest {
            let below = match value.view() {
                View::Object(object) => object.get(&key.name),
                View::Array(_) if self.fan_out => return None,
                View::Array(array) => key.index.and_then(|index| array.get(index)),
                _ => None,
            };
            match below {
                Some(below) => value = below,
                None => return Some(None),
            }
        }
        Some(Some(value))
    }

    /// Gives the visitor the values of the field, until it needs no more. Returns whether it needs no more.
    #[inline]
    pub(crate) fn visit<'d, N: Node<'d>>(
        &self,
        found: &[Option<N>],
        visitor: &mut impl Visitor,
        surroundings: Surroundings<'_>,
    ) -> bool {
        let value = found[self.slot];
        let taken_as_it_is = match value {
            _ if self.rest.is_empty() => value,
            Some(value) if self.fan_out => return walk::walk(value, &self.rest, visitor, surroundings),
            value => walk::descend(value, &self.rest),
        };
        match taken_as_it_is {
            Some(value) => visitor.value(value, self.fan_out),
            None => visitor.absent(),
        }
    }
}
