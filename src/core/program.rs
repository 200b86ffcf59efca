//! A condition made ready to be put to documents.
//!
//! A [`Program`] looks up the keys that it needs in one pass over the document, which it leaves as soon as the cheap
//! parts have decided; the others come last. It allocates nothing for documents of the ordinary kind.

use crate::document::{Array, Node, Object, View};
use crate::expr::{Atom, Checked, Expr, FieldTest};
use crate::path::as_index;
use crate::value::key_order;

mod check;
mod compare;
mod pair;
mod root;
mod walk;

use check::Check;
use root::Root;
use walk::PathKey;

pub(crate) use check::{honour_interrupts, kind};
pub(crate) use pair::PairStep;
pub(crate) use walk::Visitor;

/// A compiled condition.
#[derive(Debug)]
pub struct Program {
    /// The top-level keys that it reads, in key order
    keys: Vec<String>,
    root: Root,
}

/// What evaluation needs beside the document.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Called now and then, so that long evaluations can be cancelled; may unwind
    pub interrupt: fn(),
    /// The ids of the topics that the contact is subscribed to
    pub topics: &'a [String],
}

impl Surroundings<'_> {
    /// No topics, and nobody who could interrupt.
    pub const NONE: Surroundings<'static> = Surroundings { interrupt: || (), topics: &[] };
}

#[derive(Debug)]
enum Step {
    Const(bool),
    All(Box<[Step]>),
    Any(Box<[Step]>),
    Not(Box<Step>),
    Field(FieldStep),
    Pair(PairStep),
    Topic(String),
}

/// A test on a field, compiled.
#[derive(Debug)]
pub(crate) struct FieldStep {
    field: FieldPath,
    check: Check,
    /// Whether a field without a value satisfies the test
    holds_for_missing: bool,
}

/// Where a field's values are.
#[derive(Debug)]
pub(crate) struct FieldPath {
    /// The position of the field's first key among those that were looked up
    slot: usize,
    /// The keys below it
    rest: Box<[PathKey]>,
    /// Whether arrays are fanned out
    fan_out: bool,
}

/// How many keys are looked up without allocating.
const INLINE_KEYS: usize = 8;

impl Program {
    /// Compiles a checked condition.
    #[must_use]
    pub fn compile(checked: &Checked) -> Self {
        let keys = checked.paths().into_iter().map(|path| path.first().to_owned()).collect();
        Self::assemble(keys, |keys| {
            Step::compile(checked, &mut |atom| match atom {
                Atom::Field(field) => Step::Field(FieldStep::compile(field, keys)),
                Atom::Pair(pair) => Step::Pair(PairStep::compile(pair, keys)),
                Atom::Topic(id) => Step::Topic(id.clone()),
            })
        })
    }

    /// Compiles what an element of an array is asked.
    fn compile_fields(expr: &Expr<FieldTest>) -> Self {
        let mut keys = Vec::new();
        expr.for_each(&mut |field: &FieldTest| keys.push(field.path.first().to_owned()));
        Self::assemble(keys, |keys| Step::compile(expr, &mut |field| Step::Field(FieldStep::compile(field, keys))))
    }

    fn assemble(mut keys: Vec<String>, compile: impl FnOnce(&[String]) -> Step) -> Self {
        keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        keys.dedup();
        let root = Root::of(compile(&keys), keys.len());
        Program { keys, root }
    }

    /// A rough price of putting it to a document, in comparisons of a scalar.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.root.steps().map(Step::cost).fold(self.keys.len() as u32, u32::saturating_add)
    }

    /// How many bytes its patterns take compiled.
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

    /// Whether an element of an array satisfies the condition: objects, and arrays as objects keyed by index.
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

/// Where a program looks its keys up.
enum Fields<'d, N: Node<'d>> {
    Of(N::Object),
    ByIndex(N::Array),
    None,
}

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

    /// A rough price, to test the cheap parts first.
    fn cost(&self) -> u32 {
        match self {
            Step::Const(_) => 0,
            Step::Topic(_) => 1,
            Step::Not(step) => step.cost(),
            Step::All(steps) | Step::Any(steps) => steps.iter().map(Step::cost).fold(0, u32::saturating_add),
            Step::Field(field) => field.cost(),
            Step::Pair(pair) => pair.cost(),
        }
    }

    fn pattern_bytes(&self) -> usize {
        match self {
            Step::Const(_) | Step::Topic(_) | Step::Pair(_) => 0,
            Step::Not(step) => step.pattern_bytes(),
            Step::All(steps) | Step::Any(steps) => steps.iter().map(Step::pattern_bytes).sum(),
            Step::Field(field) => field.check.pattern_bytes(),
        }
    }

    /// The position of the last key that it reads; `None` where it reads none.
    fn last_key(&self) -> Option<usize> {
        match self {
            Step::Const(_) | Step::Topic(_) => None,
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
            Step::Topic(id) => surroundings.topics.contains(id),
        }
    }
}

impl FieldStep {
    /// Compiles a test for a document of which `keys` are looked up, in key order.
    pub(crate) fn compile(field: &FieldTest, keys: &[String]) -> Self {
        FieldStep {
            field: FieldPath::compile(field, keys),
            check: Check::compile(&field.test),
            holds_for_missing: field.test.holds_for_missing(),
        }
    }

    /// A rough price: comparing a scalar is 1.
    pub(crate) fn cost(&self) -> u32 {
        self.check.cost() + 4 * self.field.rest.len() as u32
    }

    /// Whether any value of the field, in a document of which these keys were found, satisfies the test.
    pub(crate) fn holds<'d, N: Node<'d>>(&self, found: &[Option<N>], surroundings: Surroundings<'_>) -> bool {
        self.field.visit(found, &mut Asked { step: self, surroundings }, surroundings)
    }
}

/// The values of a field, put to its test.
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
    /// Where the field is in a document of which `keys` are looked up, in key order.
    pub(crate) fn compile(field: &FieldTest, keys: &[String]) -> Self {
        let first = field.path.first().as_bytes();
        let rest = field.path.rest().iter().map(|name| PathKey { name: name.clone(), index: as_index(name) });
        FieldPath {
            slot: keys.partition_point(|key| key_order(key.as_bytes(), first).is_lt()),
            rest: rest.collect(),
            fan_out: field.fans_out(),
        }
    }

    /// The one value, or none, that the field yields; `None` where it may yield several.
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

    /// Shows the visitor what the field yields, until it has seen enough; whether it has.
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
