//! Errors as the user meets them: SQLSTATE, message, DETAIL, HINT.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use segments_core::error::{Error, ErrorKind};

/// An error, built up and then raised.
#[must_use = "an error does nothing until it is raised"]
pub struct Failure {
    sqlstate: PgSqlErrorCode,
    pub message: String,
    detail: Option<String>,
    pub hint: Option<String>,
}

impl Failure {
    /// An error of that SQLSTATE; the message is in Postgres's voice: lower case, no full stop.
    pub fn new(sqlstate: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Failure { sqlstate, message: message.into(), detail: None, hint: None }
    }

    /// With what is known beyond the message, as a sentence.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the way out, as a sentence.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Its five-character SQLSTATE.
    pub fn sqlstate(&self) -> String {
        sqlstate_text(self.sqlstate)
    }

    /// As the cause of something larger.
    pub fn within(mut self, what: impl std::fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Raises it.
    pub fn raise(self) -> ! {
        self.report(PgLogLevel::ERROR);
        unreachable!("an error that was raised does not return")
    }

    /// Says it without raising.
    pub fn notice(self) {
        self.report(PgLogLevel::NOTICE);
    }

    /// Says it without raising, to whoever did not get all that they asked for.
    pub fn warning(self) {
        self.report(PgLogLevel::WARNING);
    }

    fn report(self, level: PgLogLevel) {
        let mut report = ErrorReport::new(self.sqlstate, self.message, "segments");
        if let Some(detail) = self.detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = self.hint {
            report = report.set_hint(hint);
        }
        report.report(level);
    }
}

/// The value of an argument that has to be given; raises 22004 where it is NULL.
pub fn required<T>(argument: &str, value: Option<T>) -> T {
    value.unwrap_or_else(|| missing(argument).raise())
}

/// That an argument is NULL that has to be given.
pub fn missing(argument: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, format!("{argument} must not be NULL"))
        .hint(format!("Give a value for {argument}."))
}

/// A mistake in a condition: its pointer is the DETAIL.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let place = if error.pointer.is_empty() {
            "At the top of the condition.".to_owned()
        } else {
            format!("At {}", error.pointer)
        };
        Failure::new(sqlstate(error.kind), error.message).detail(place).hint(error.hint)
    }
}

/// The one place where kinds of mistakes become SQLSTATEs.
pub fn sqlstate(kind: ErrorKind) -> PgSqlErrorCode {
    match kind {
        ErrorKind::NotJson => PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
        ErrorKind::Shape => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        ErrorKind::Unsupported => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        ErrorKind::UnknownProperty => PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        ErrorKind::TypeMismatch => PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        ErrorKind::BadPattern => PgSqlErrorCode::ERRCODE_INVALID_REGULAR_EXPRESSION,
        ErrorKind::UnknownObject => PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        ErrorKind::Circle => PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
        ErrorKind::TooDeep => PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX,
        ErrorKind::TooLarge => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
    }
}

/// The five characters of a SQLSTATE, which Postgres packs six bits each (`MAKE_SQLSTATE`).
pub fn sqlstate_text(code: PgSqlErrorCode) -> String {
    let packed = code as u32;
    (0..5).map(|position| char::from(((packed >> (6 * position)) & 0x3F) as u8 + b'0')).collect()
}

/// What a panic would be: something that cannot happen unless the extension itself is wrong.
pub fn internal(message: impl Into<String>) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message)
        .hint("This is a bug in segments; please report it with the statement that led to it.")
}

/// Names in a sentence: quoted, and cut where there are many.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 10;
    let mut text: Vec<String> = names.iter().take(MOST).map(|name| format!("\"{name}\"")).collect();
    if names.len() > MOST {
        text.push(format!("and {} more", names.len() - MOST));
    }
    text.join(", ")
}
