//! `validate_conditions`: all mistakes in a condition, and notices about what is valid but probably not meant.

use crate::catalog::audience::Audience;
use crate::catalog::environment::AudienceEnvironment;
use crate::catalog::visible;
use crate::counting::strategy::{self, Rights};
use crate::pg::call::Call;
use crate::pg::error::{Failure, sqlstate_text};
use crate::pg::{returning, subtransaction};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use segments_core::date::NamedZone;
use segments_core::error::Error;
use segments_core::expr::{Atom, Checked, Expr, FieldTest, ValueTest};
use segments_core::notices::{Includes, Notice, notices};
use segments_core::parse::parse_all;
use segments_core::path::Path;
use segments_core::value::Value;

mod asked;
mod data;
mod hidden;
mod scope;

/// All errors and notices of a condition, possibly none. It does not raise because of the condition.
#[pg_extern(sql = false)]
fn validate_conditions(conditions: Option<&str>, audience: Option<&str>, time_zone: Option<&str>, call: Call) {
    let findings = match (conditions, audience.map(Audience::try_load)) {
        (Some(conditions), Some(Ok(audience))) => match audience.zone(time_zone) {
            Ok(zone) => findings(conditions, &audience, &zone),
            Err(unknown) => {
                let unknown = Finding::error(String::new(), unknown.into());
                [unknown]
                    .into_iter()
                    .chain(findings(conditions, &audience, &audience.zone(None).unwrap_or_else(|_| NamedZone::utc())))
                    .collect()
            }
        },
        (_, Some(Err(failure))) => vec![Finding::error(String::new(), failure)],
        (None, _) => vec![Finding::missing("conditions", "{} stands for everyone.")],
        (_, None) => vec![Finding::missing("audience", "segments.audience lists those that exist.")],
    };
    let column = |read: fn(&Finding) -> String| findings.iter().map(read).collect::<Vec<String>>();
    returning::rows(
        call,
        "SELECT * FROM ROWS FROM (unnest($1), unnest($2), unnest($3),
                                  unnest($4), unnest($5)) f",
        &[
            column(|finding| finding.severity.to_owned()).into(),
            column(|finding| finding.path.clone()).into(),
            column(|finding| finding.sqlstate.clone()).into(),
            column(|finding| finding.message.clone()).into(),
            column(|finding| finding.hint.clone()).into(),
        ],
    );
}

struct Finding {
    severity: &'static str,
    path: String,
    sqlstate: String,
    message: String,
    hint: String,
}

impl Finding {
    fn error(path: String, failure: Failure) -> Self {
        Finding {
            severity: "error",
            path,
            sqlstate: failure.sqlstate(),
            message: failure.message,
            hint: failure.hint.unwrap_or_default(),
        }
    }

    fn missing(argument: &str, hint: &str) -> Self {
        Finding::error(String::new(), crate::pg::error::missing(argument).hint(hint))
    }

    fn of(error: Error) -> Self {
        Finding::error(error.pointer.clone(), Failure::from(error))
    }

    fn notice(notice: Notice, included: Option<i64>) -> Self {
        let message = match included {
            Some(1) => format!("{}; there is 1", notice.message),
            Some(count) => format!("{}; there are {count}", notice.message),
            None => notice.message,
        };
        Finding {
            severity: "notice",
            path: notice.pointer,
            sqlstate: sqlstate_text(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION),
            message,
            hint: notice.hint,
        }
    }
}

fn findings(conditions: &str, audience: &Audience, zone: &NamedZone) -> Vec<Finding> {
    let parsed = parse_all(conditions, crate::pg::interrupt::check);
    let broken = !parsed.errors.is_empty();
    let mut findings: Vec<Finding> = parsed.errors.into_iter().map(Finding::of).collect();
    let environment = || AudienceEnvironment::new(audience, zone.clone());
    let checked = environment().check(&parsed.condition);
    findings.extend(checked.err().into_iter().flatten().map(Finding::of));
    if broken && parsed.condition.members.is_empty() {
        return findings;
    }
    let mut notices = notices(&parsed.condition, &environment());
    // If only a part of the condition could be read, notices about the whole condition may be wrong.
    notices.retain(|notice| !(broken && notice.pointer.is_empty()));
    let included = count_included(audience, &notices, zone);
    for (notice, included) in notices.into_iter().zip(included) {
        // If every contact has a value, a negation means what it seems to mean.
        if included != Some(0) {
            findings.push(Finding::notice(notice, included));
        }
    }
    let fits_badly = data::notices(audience, &parsed.condition);
    let contradicts = scope::contradictions(audience, zone, &parsed.condition);
    let is_explained = |notice: &Notice| contradicts.iter().any(|other| notice.pointer.starts_with(&other.pointer));
    let fits_badly: Vec<Notice> = fits_badly.into_iter().filter(|notice| !is_explained(notice)).collect();
    let hides = hidden::notices(audience, &parsed.condition);
    findings.extend(contradicts.into_iter().chain(fits_badly).chain(hides).map(|notice| Finding::notice(notice, None)));
    findings
}

/// For each notice, how many contacts are included that may have been forgotten; `None` where the notice is not about
/// that, or the caller may not read what decides it.
fn count_included(audience: &Audience, notices: &[Notice], zone: &NamedZone) -> Vec<Option<i64>> {
    let may_select = |included: &Checked| visible::may_select(audience, &visible::Reads::of(audience, included));
    let included = |notice: &Notice| {
        let included = match notice.includes.as_ref()? {
            Includes::Missing(path) => is_missing(audience, path)?,
            Includes::Matching(condition) => {
                AudienceEnvironment::new(audience, zone.clone()).check(condition).ok()?.checked
            }
        };
        may_select(&included).then_some(included)
    };
    let included: Vec<Option<Checked>> = notices.iter().map(included).collect();
    let conditions: Vec<Checked> = included.iter().flatten().cloned().collect();
    // A view may raise an error for some of its rows.
    let counts = subtransaction::attempt(|| strategy::all(audience, &conditions, Rights::Caller, None));
    let Ok(counts) = counts else { return vec![None; notices.len()] };
    let mut counts = counts.into_iter();
    included.iter().map(|included| included.as_ref().and_then(|_| counts.next())).collect()
}

/// The condition that a contact has no value for a field; `None` if the field is not a property.
fn is_missing(audience: &Audience, path: &Path) -> Option<Checked> {
    audience.property_around(path)?;
    let test = ValueTest::Eq(Value::Null);
    Some(Expr::Test(Atom::Field(FieldTest { path: path.clone(), read_as: None, test })))
}
