//! Conditions that contradict the audience's filter.

use crate::catalog::audience::Audience;
use crate::catalog::environment::AudienceEnvironment;
use segments_core::ast::{Condition, Junction, Member};
use segments_core::date::NamedZone;
use segments_core::error::JsonPointer;
use segments_core::expr::{Atom, Checked, Constant, Expr, FieldTest, ValueTest};
use segments_core::notices::Notice;
use segments_core::types::PropertyType;

/// Notices for members of the condition that no contact of the audience can satisfy, because the filter requires
/// another value.
pub fn contradictions(audience: &Audience, zone: &NamedZone, condition: &Condition) -> Vec<Notice> {
    let mut wanted = Vec::new();
    gather_equalities(&audience.restriction, &mut wanted);
    let mut found = Vec::new();
    if !wanted.is_empty() {
        find((audience, zone), &wanted, condition, &mut JsonPointer::default(), &mut found);
    }
    found
}

fn find(
    (audience, zone): (&Audience, &NamedZone),
    wanted: &[FieldTest],
    condition: &Condition,
    place: &mut JsonPointer,
    found: &mut Vec<Notice>,
) {
    for member in &condition.members {
        place.enter(member.key());
        match member {
            Member::Logical(Junction::And, conditions) => {
                for (index, condition) in conditions.iter().enumerate() {
                    place.enter(index);
                    find((audience, zone), wanted, condition, place, found);
                    place.leave();
                }
            }
            Member::Field(..) => {
                let alone = Condition { members: vec![member.clone()] };
                let checked =
                    AudienceEnvironment::new(audience, zone.clone()).check(&alone).map(|checked| checked.checked);
                let mut asked = Vec::new();
                checked.iter().for_each(|checked| gather_equalities(checked, &mut asked));
                if asked.iter().any(|asked| wanted.iter().any(|wanted| are_exclusive(asked, wanted))) {
                    let filter = audience.filter.as_deref().unwrap_or("{}");
                    found.push(Notice {
                        pointer: place.pointer().to_owned(),
                        message: format!("no contact of the audience satisfies this: its filter is {}", cut(filter)),
                        hint: "Leave it out, or use the audience whose contacts you mean.".to_owned(),
                        includes: None,
                    });
                }
            }
            _ => {}
        }
        place.leave();
    }
}

/// Collects tests that follow from an expression and that require one of several values of a scalar property.
fn gather_equalities(checked: &Checked, into: &mut Vec<FieldTest>) {
    match checked {
        Expr::And(parts) => parts.iter().for_each(|part| gather_equalities(part, into)),
        Expr::Test(Atom::Field(test))
            if matches!(test.read_as, Some(PropertyType::Scalar(_))) && values(&test.test).is_some() =>
        {
            into.push(test.clone());
        }
        _ => {}
    }
}

/// The values of which a test requires one; `None` for other tests. Null also stands for a missing value.
fn values(test: &ValueTest) -> Option<&[Constant]> {
    match test {
        ValueTest::Eq(value) => Some(std::slice::from_ref(value)),
        ValueTest::In(values) => Some(values),
        _ => None,
    }
}

fn are_exclusive(one: &FieldTest, other: &FieldTest) -> bool {
    let (Some(ones), Some(others)) = (values(&one.test), values(&other.test)) else { return false };
    one.path.keys() == other.path.keys() && !ones.iter().any(|one| others.iter().any(|other| may_equal(one, other)))
}

/// Whether one value of a property may equal both constants. It may be more than identity: a column may ignore case,
/// and a day contains many timestamps.
fn may_equal(one: &Constant, other: &Constant) -> bool {
    match (one, other) {
        (Constant::String(one), Constant::String(other)) => one.to_lowercase() == other.to_lowercase(),
        (Constant::Literal(_), _) | (_, Constant::Literal(_)) => true,
        (one, other) => one == other,
    }
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
