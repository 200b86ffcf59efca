//! What is wrong with a condition, as values.

use std::fmt;

/// The sort of mistake; the shell maps each to one SQLSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not JSON.
    NotJson,
    /// The JSON has the wrong shape: an operand, a duplicate key, an empty `$and`.
    Shape,
    /// An unknown operator, or one that does not belong where it stands.
    Unsupported,
    /// A property that the audience does not have.
    UnknownProperty,
    /// An operand or operator that does not fit the property's type.
    TypeMismatch,
    /// A regular expression that cannot be used.
    BadPattern,
    /// A topic or segment that does not exist.
    UnknownObject,
    /// Segments that refer to each other in a circle.
    Circle,
    /// Nested deeper than [`crate::limits::NESTING`].
    TooDeep,
    /// Larger than one of the other [`crate::limits`].
    TooLarge,
}

/// Why something cannot be used, wherever in a condition it stands.
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
    /// A refusal of these parts.
    pub fn new(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Refusal { kind, message: message.into(), hint: hint.into() }
    }
}

/// One mistake: what, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The sort of mistake
    pub kind: ErrorKind,
    /// Where, as a JSON pointer (RFC 6901) into the condition; empty for the whole
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

/// The place in a condition that a walk has reached, for the pointer of an error.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pointer: String,
    ends: Vec<usize>,
}

impl Place {
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

    /// An error at this place.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { kind, pointer: self.pointer.clone(), message: message.into(), hint: hint.into() }
    }

    /// The pointer itself.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }
}
