//! Errors as users see them: SQLSTATE, message, DETAIL, HINT.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use segments_core::error::{Error, ErrorKind};

/// An error that is built step by step and then raised.
#[must_use = "an error does nothing until it is raised"]
pub struct Failure {
    sqlstate: PgSqlErrorCode,
    pub message: String,
    detail: Option<String>,
    pub hint: Option<String>,
}

impl Failure {
    /// An error with that SQLSTATE. The message follows Postgres's style: lower case, no full stop.
    pub fn new(sqlstate: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Failure { sqlstate, message: message.into(), detail: None, hint: None }
    }

    /// Adds the DETAIL, a sentence.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the HINT, a sentence that says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The five characters of the SQLSTATE.
    pub fn sqlstate(&self) -> String {
        sqlstate_text(self.sqlstate)
    }

    /// Puts `what` in front of the message: the larger thing that failed because of this error.
    pub fn within(mut self, what: impl std::fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Raises it.
    pub fn raise(self) -> ! {
        self.report(PgLogLevel::ERROR);
        unreachable!("an error that was raised does not return")
    }

    /// Reports it as a NOTICE.
    pub fn notice(self) {
        self.report(PgLogLevel::NOTICE);
    }

    /// Reports it as a WARNING, for callers who did not get everything that they asked for.
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

/// The value of a required argument. Raises 22004 if it is NULL.
pub fn required<T>(argument: &str, value: Option<T>) -> T {
    value.unwrap_or_else(|| missing(argument).raise())
}

/// The error for a required argument that is NULL.
pub fn missing(argument: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, format!("{argument} must not be NULL"))
        .detail("NULL has no meaning here.")
        .hint(format!("Give a value for {argument}."))
}

/// Makes an error of a mistake in a condition, with the JSON pointer as DETAIL.
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

/// The SQLSTATE for each kind of mistake in a condition. No other place maps them.
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

/// The five characters of a SQLSTATE. Postgres packs them into a number, six bits each (`MAKE_SQLSTATE`).
pub fn sqlstate_text(code: PgSqlErrorCode) -> String {
    let packed = code as u32;
    (0..5).map(|position| char::from(((packed >> (6 * position)) & 0x3F) as u8 + b'0')).collect()
}

/// The error for a state that only a bug in the extension can cause. It takes the place of a panic.
pub fn internal(message: impl Into<String>) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message)
        .hint("This is a bug in segments; please report it with the statement that led to it.")
}

/// Names for a sentence, quoted and separated by commas. After ten, it says how many more there are.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 10;
    let mut text: Vec<String> = names.iter().take(MOST).map(|name| format!("\"{name}\"")).collect();
    if names.len() > MOST {
        text.push(format!("and {} more", names.len() - MOST));
    }
    text.join(", ")
}
