//! Mistakes in a condition, as values.

use std::fmt;

/// The kind of a mistake. The extension has one SQLSTATE for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not JSON.
    NotJson,
    /// The JSON has the wrong shape: an operand, a duplicate key, an empty `$and`.
    Shape,
    /// An unknown operator, or one that may not stand where it does.
    Unsupported,
    /// A property that the audience does not have.
    UnknownProperty,
    /// An operand or operator that does not fit the property's type.
    TypeMismatch,
    /// A regular expression that cannot be used.
    BadPattern,
    /// A topic or segment that does not exist.
    UnknownObject,
    /// Segments refer to each other in a circle.
    Circle,
    /// The condition is nested deeper than [`crate::limits::NESTING`].
    TooDeep,
    /// The condition exceeds one of the other [`crate::limits`].
    TooLarge,
}

/// The reason why something cannot be used, without its place in the condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The sort of mistake
    pub kind: ErrorKind,
    /// What is wrong, in Postgres's voice: lower case, no full stop
    pub message: String,
    /// What to do about it, as a sentence
    pub hint: String,
}

impl Refusal {
    /// Makes a refusal.
    pub fn new(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { kind, message: message.into(), hint: hint.into() }
    }
}

/// A mistake, its place in the condition, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The sort of mistake
    pub kind: ErrorKind,
    /// The place, as a JSON pointer (RFC 6901) into the condition; empty for the whole condition
    pub pointer: String,
    /// What is wrong, in Postgres's voice: lower case, no full stop
    pub message: String,
    /// What to do about it, as a sentence
    pub hint: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at \"{}\")", self.message, self.pointer)
    }
}

impl std::error::Error for Error {}

/// A place in a condition, which a walk over it keeps up to date.
#[derive(Clone, Debug, Default)]
pub struct JsonPointer {
    pointer: String,
    ends: Vec<usize>,
}

impl JsonPointer {
    /// Steps into a member or an element.
    pub fn enter(&mut self, step: impl fmt::Display) {
        self.ends.push(self.pointer.len());
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        self.pointer.push('/');
        self.pointer.push_str(&step);
    }

    /// Steps back out of the last one entered.
    pub fn leave(&mut self) {
        self.pointer.truncate(self.ends.pop().unwrap_or(0));
    }

    /// Makes an error at this place.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { kind, pointer: self.pointer.clone(), message: message.into(), hint: hint.into() }
    }

    /// The place as a JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }
}
