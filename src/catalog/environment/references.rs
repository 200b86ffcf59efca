//! Segments that conditions refer to.

use super::{AudienceEnvironment, Reference};
use crate::catalog::segment::Definition;
use crate::evaluate::condition;
use segments_core::error::{Error, ErrorKind, JsonPointer, Refusal};
use segments_core::expr::Checked;
use segments_core::limits;

impl AudienceEnvironment<'_> {
    /// The condition of a segment of the audience that another refers to by its id or name.
    ///
    /// # Errors
    /// There is none, or it makes no sense any more, or the reference closes a circle.
    pub(super) fn referred(&self, reference: &str) -> Result<Checked, Refusal> {
        let Some(segment) = Definition::named(&self.audience.name, reference) else {
            return Err(Refusal {
                kind: ErrorKind::UnknownObject,
                message: format!("segment \"{reference}\" does not exist in audience \"{}\"", self.audience.name),
                hint: "Name a segment of the same audience by id or name; list_segments() shows them.".to_owned(),
            });
        };
        if let Some(circle) = self.circle(&segment) {
            return Err(circle);
        }
        self.references.borrow_mut().push(Reference { text: reference.to_owned(), target: segment.id });
        if let Some(checked) = self.looked_up.segments.borrow().get(&segment.id) {
            return Ok(checked.clone());
        }
        let inner = self.inside(&segment).map_err(|errors| refusal_of(&segment, errors))?;
        if inner.expanding.len() > limits::NESTING {
            let message = format!("segments refer to each other more than {} deep", limits::NESTING);
            return Err(too_large(ErrorKind::TooDeep, message));
        }
        let condition = condition::stored(segment.conditions.as_bytes());
        let checked = inner.check(&condition).map_err(|errors| refusal_of(&segment, errors))?.checked;
        let mut tests = 0;
        checked.for_each(&mut |_| tests += 1);
        if tests > limits::NODES {
            let message = format!("segment \"{reference}\" expands to more than {} tests", limits::NODES);
            return Err(too_large(ErrorKind::TooLarge, message));
        }
        self.looked_up.segments.borrow_mut().insert(segment.id, checked.clone());
        Ok(checked)
    }

    fn circle(&self, back_to: &Definition) -> Option<Refusal> {
        let start = self.expanding.iter().position(|segment| segment.id == back_to.id)?;
        let circle: Vec<&str> =
            self.expanding[start..].iter().chain([back_to]).map(|segment| segment.name.as_str()).collect();
        Some(Refusal {
            kind: ErrorKind::Circle,
            message: format!("segments refer to each other in a circle: {}", circle.join(" → ")),
            hint: "Take one of these references out.".to_owned(),
        })
    }
}

fn too_large(kind: ErrorKind, message: String) -> Refusal {
    Refusal {
        kind,
        message,
        hint: "Refer to fewer segments, or store what they have in common as a property.".to_owned(),
    }
}

/// The mistake that a reference to an invalid segment is. It names the segment that must be corrected, once, not also
/// each segment on the way to it. If the reference itself is the mistake, it stands alone.
fn refusal_of(segment: &Definition, errors: Vec<Error>) -> Refusal {
    let none = || JsonPointer::default().error(ErrorKind::Shape, "condition was refused without an error", MEND);
    let error = errors.into_iter().next().unwrap_or_else(none);
    let is_of_chain = matches!(error.kind, ErrorKind::Circle | ErrorKind::TooDeep | ErrorKind::TooLarge);
    if is_of_chain || error.hint == MEND {
        return Refusal { kind: error.kind, message: error.message, hint: error.hint };
    }
    Refusal {
        kind: error.kind,
        message: format!("segment \"{}\" makes no sense any more: {}", segment.name, error.message),
        hint: MEND.to_owned(),
    }
}

/// The hint for an invalid segment.
const MEND: &str = "Correct that segment with update_segment().";
