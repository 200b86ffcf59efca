//! Checking the conditions of segments and the filters of audiences. An audience is loaded with its filter checked.

use crate::catalog::audience::{Audience, Related};
use crate::catalog::environment::{AudienceEnvironment, CheckedCondition};
use crate::catalog::segment::Definition;
use crate::catalog::time_zone;
use crate::evaluate::condition;
use crate::pg::error::Failure;
use segments_core::ast::Condition;
use segments_core::date::NamedZone;
use segments_core::error::{Error, ErrorKind};
use segments_core::expr::{Checked, Expr};

/// Checks a condition against an audience. Its dates are read in the zone. Raises the first mistake.
pub fn check(audience: &Audience, condition: &Condition, zone: NamedZone) -> CheckedCondition {
    AudienceEnvironment::new(audience, zone).check(condition).unwrap_or_else(|errors| condition::raise_first(errors))
}

/// Checks the condition of a stored segment.
///
/// # Errors
/// The mistakes that make the condition invalid now.
pub fn check_segment(audience: &Audience, segment: &Definition) -> Result<CheckedCondition, Vec<Error>> {
    let condition = condition::stored(segment.conditions.as_bytes());
    AudienceEnvironment::of_segment(audience, segment)?.check(&condition)
}

/// The part of a stored segment's condition that does not depend on the time. All members satisfy it at any time.
///
/// # Errors
/// The mistakes that make the condition invalid now.
pub fn lasting_part(audience: &Audience, segment: &Definition) -> Result<Checked, Vec<Error>> {
    let mut lasting = Vec::new();
    for member in condition::stored(segment.conditions.as_bytes()).members {
        let environment = AudienceEnvironment::of_segment(audience, segment)?;
        let part = environment.check(&Condition { members: vec![member] })?;
        lasting.extend(part.changes_at.is_none().then_some(part.checked));
    }
    Ok(Expr::and(lasting))
}

/// Checks the new condition of a segment. It must not refer to the segment itself, directly or through others.
pub fn check_new(audience: &Audience, segment: &Definition) -> CheckedCondition {
    segment.time_zone.as_deref().into_iter().for_each(time_zone::must_exist);
    check_segment(audience, segment).unwrap_or_else(|errors| condition::raise_first(errors))
}

/// The audience's filter, checked as a part of the conditions of its segments.
///
/// # Errors
/// The mistakes that make the condition invalid now.
pub fn restriction(audience: &Audience) -> Result<CheckedCondition, Vec<Error>> {
    match &audience.filter {
        Some(text) => AudienceEnvironment::of_filter(audience)?.check(&condition::stored(text.as_bytes())),
        None => Ok(CheckedCondition::everyone()),
    }
}

impl Audience {
    /// The audience of that name. Raises 42704 if the caller can see no such audience.
    pub fn load(name: &str) -> Self {
        Self::try_load(name).unwrap_or_else(|failure| failure.raise())
    }

    /// The audience of that name.
    ///
    /// # Errors
    /// There is none, or its table is not what it was.
    pub fn try_load(name: &str) -> Result<Self, Failure> {
        let mut audience = Self::unrestricted(name)?;
        audience.restrict()?;
        Ok(audience)
    }

    /// Checks the filter and the scopes of relations anew, and restricts the audience by them. A relation whose scope is
    /// invalid cannot be read any more.
    ///
    /// # Errors
    /// The filter is invalid.
    pub fn restrict(&mut self) -> Result<(), Failure> {
        self.restrict_relations();
        let restriction = restriction(self).map_err(|errors| broken_filter(self, errors))?;
        self.restriction = restriction.checked;
        self.changes_at = restriction.changes_at;
        Ok(())
    }

    /// Checks the scopes of relations anew. Until then, relations with a scope have no rows.
    pub fn restrict_relations(&mut self) {
        self.relations.iter_mut().for_each(Related::restrict);
        self.table.relations = self.relations.iter().filter_map(Related::table).collect();
    }
}

impl Related {
    /// Checks the scope anew, and restricts the rows by it.
    fn restrict(&mut self) {
        let Ok(related) = &mut self.rows else { return };
        match row_scope(&related.rows) {
            Ok(scope) => {
                related.rows.restriction = scope.checked;
                related.rows.changes_at = scope.changes_at;
            }
            Err(errors) => {
                let why = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
                self.rows = Err(format!("the scope of relation \"{}\" makes no sense any more: {why}", self.name));
            }
        }
    }
}

/// The scope of a relation, checked over its rows.
///
/// # Errors
/// The mistakes that make the condition invalid now.
pub fn row_scope(rows: &Audience) -> Result<CheckedCondition, Vec<Error>> {
    match &rows.filter {
        Some(text) => AudienceEnvironment::of_row_scope(rows)?.check(&condition::stored(text.as_bytes())),
        None => Ok(CheckedCondition::everyone()),
    }
}

fn broken_filter(audience: &Audience, errors: Vec<Error>) -> Failure {
    let Some(error) = errors.into_iter().next() else {
        return crate::pg::error::internal("filter was refused without an error");
    };
    let is_undeclared = error.kind == ErrorKind::UnknownProperty && audience.lost.is_empty();
    let cause =
        Failure::from(error).within(format!("the filter of audience \"{}\" makes no sense any more", audience.name));
    match (is_undeclared, &audience.table.properties) {
        (true, Some(_)) => cause.hint("Declare it with create_property(), or give the table a column of that name."),
        (true, None) => cause.hint("Give the table a column of that name."),
        (false, _) => cause,
    }
}
