//! Elements in order: the first, the last, and sequences.

use super::values::{ElementPath, Place, moment};
use super::{Program, Surroundings, honour_interrupts};
use crate::date::{Day, Instant, NamedZone, Relative, Zone};
use crate::document::Node;
use crate::expr::{Absence, SequenceStep, StoredDates, TimeOf};
use std::cmp::Ordering;

/// A compiled [`TimeOf`].
#[derive(Debug)]
pub(super) struct TimeCheck {
    path: ElementPath,
    dates: StoredDates,
    is_stable: bool,
}

/// A compiled sequence.
#[derive(Debug)]
pub(super) struct SequenceCheck {
    steps: Box<[StepCheck]>,
    by: Option<TimeCheck>,
}

#[derive(Debug)]
struct StepCheck {
    program: Program,
    within: Option<Relative>,
    absences: Box<[AbsenceCheck]>,
}

#[derive(Debug)]
struct AbsenceCheck {
    program: Program,
    within: Relative,
    now: Instant,
}

/// After every element
const NEVER: Place = Place(i64::MAX, u8::MAX, i32::MAX);

impl TimeCheck {
    pub(super) fn compile(by: &TimeOf) -> Self {
        TimeCheck { path: ElementPath::compile(&by.path, false), dates: by.dates.clone(), is_stable: by.is_stable }
    }

    /// The place of an element among others; `None` if it has no date.
    fn place<'d, N: Node<'d>>(&self, element: N) -> Option<Place> {
        let value = self.path.single(element)?;
        moment(&value.view(), &self.dates).map(|moment| Place::of(moment, &self.dates.zone))
    }

    /// Whether one of the first elements, or of the last ones, satisfies the condition; there is one alone where the order
    /// is stable.
    pub(super) fn end_satisfies<'d, N: Node<'d>>(
        &self,
        is_last: bool,
        elements: impl Iterator<Item = N>,
        mut satisfies: impl FnMut(N) -> bool,
    ) -> bool {
        let mut end: Option<(Place, bool)> = None;
        for element in elements {
            let Some(place) = self.place(element) else { continue };
            end = match end.map(|(known, holds)| (place.cmp(&known), holds)) {
                Some((Ordering::Equal, holds)) if !self.is_stable => Some((place, holds || satisfies(element))),
                // Where the order is stable, the later one of two with one place is the last.
                Some((order, _)) if order.is_ge() != is_last => end,
                _ => Some((place, satisfies(element))),
            };
        }
        end.is_some_and(|(_, holds)| holds)
    }
}

impl SequenceCheck {
    pub(super) fn compile(steps: &[SequenceStep], by: Option<&TimeOf>) -> Self {
        let step = |step: &SequenceStep| StepCheck {
            program: Program::compile_element(&step.condition),
            within: step.within,
            absences: step.absences.iter().map(AbsenceCheck::compile).collect(),
        };
        SequenceCheck { steps: steps.iter().map(step).collect(), by: by.map(TimeCheck::compile) }
    }

    pub(super) fn pattern_bytes(&self) -> usize {
        let absences =
            |step: &StepCheck| step.absences.iter().map(|absence| absence.program.pattern_bytes()).sum::<usize>();
        self.steps.iter().map(|step| step.program.pattern_bytes() + absences(step)).sum()
    }

    /// Whether some of the elements fit the steps.
    ///
    /// For each step, it is kept until when its element may come: the latest time that an element which ends the steps
    /// before allows. So each element is put to each step once.
    pub(super) fn fits<'d, N: Node<'d>>(
        &self,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> bool {
        let placed = self.in_order(elements);
        let zone = self.by.as_ref().map(|by| &by.dates.zone);
        let absent: Vec<Vec<Positions>> = self.steps.iter().map(|step| step.absent(&placed, surroundings)).collect();
        let mut until: Vec<Option<Place>> = vec![None; self.steps.len()];
        until[0] = Some(NEVER);
        let mut reached: Vec<(usize, Place)> = Vec::new();
        let mut asked = 0;
        for together in placed.chunk_by(|(one, _), (other, _)| one == other) {
            for (at, element) in together {
                for (number, step) in self.steps.iter().enumerate() {
                    let may_come = until[number].is_some_and(|until| at.place < until);
                    // Nothing that comes later changes that the next step may come at any time.
                    let is_settled = until.get(number + 1) == Some(&Some(NEVER));
                    if !may_come || is_settled {
                        continue;
                    }
                    honour_interrupts(asked, surroundings);
                    asked += 1;
                    let mut absences = step.absences.iter().zip(&absent[number]);
                    let mut is_followed_by_none = || {
                        absences.all(|(absence, later)| zone.is_some_and(|zone| absence.holds_after(*at, later, zone)))
                    };
                    if !step.program.matches_element(*element, surroundings) || !is_followed_by_none() {
                        continue;
                    }
                    let Some(next) = self.steps.get(number + 1) else { return true };
                    let deadline = next.within.zip(zone);
                    reached.push((number + 1, deadline.map_or(NEVER, |(within, zone)| at.place.plus(within, zone))));
                }
            }
            // Elements of one time are not before each other.
            for (number, place) in reached.drain(..) {
                until[number] = until[number].max(Some(place));
            }
        }
        false
    }

    /// The elements that have a place, in order.
    fn in_order<'d, N: Node<'d>>(&self, elements: impl Iterator<Item = N>) -> Vec<(At, N)> {
        match &self.by {
            None => {
                elements.zip(0..).map(|(element, index)| (At { place: Place(index, 1, 0), rank: 0 }, element)).collect()
            }
            Some(by) => {
                let places = elements.filter_map(|element| Some((by.place(element)?, element)));
                let mut placed: Vec<(Place, N)> = places.collect();
                placed.sort_by_key(|(place, _)| *place);
                let rank = |index| if by.is_stable { index } else { 0 };
                let placed = placed.into_iter().enumerate();
                placed.map(|(index, (place, element))| (At { place, rank: rank(index) }, element)).collect()
            }
        }
    }
}

/// The position of an element in the order. Elements of one position are not before each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    place: Place,
    /// Tells elements of one place apart where the order is stable
    rank: usize,
}

/// The positions of some elements, in order.
type Positions = Vec<At>;

impl StepCheck {
    /// For each absence, the positions of the elements that must not come too soon.
    fn absent<'d, N: Node<'d>>(&self, placed: &[(At, N)], surroundings: Surroundings<'_>) -> Vec<Positions> {
        let positions = |absence: &AbsenceCheck| {
            let satisfying = placed.iter().enumerate().filter(|(index, (_, element))| {
                honour_interrupts(*index, surroundings);
                absence.program.matches_element(*element, surroundings)
            });
            satisfying.map(|(_, (at, _))| *at).collect()
        };
        self.absences.iter().map(positions).collect()
    }
}

impl AbsenceCheck {
    fn compile(absence: &Absence) -> Self {
        AbsenceCheck { program: Program::compile_element(&absence.condition), within: absence.within, now: absence.now }
    }

    /// Whether none of the later ones comes within the time after the position, and the time is over.
    fn holds_after(&self, at: At, later: &[At], zone: &NamedZone) -> bool {
        let end = at.place.plus(self.within, zone);
        let next = later.get(later.partition_point(|other| *other <= at));
        Place(self.now.micros(), 1, 0) >= end && next.is_none_or(|next| next.place >= end)
    }
}

impl Place {
    /// The place that is just too late to be within some time after this one: after a day, the day after the last one;
    /// after a point in time, what follows the last one.
    fn plus(self, within: Relative, zone: &NamedZone) -> Place {
        let Place(micros, kind, day) = self;
        let after_instant = || {
            let end = within.now(Instant::from_micros(micros)?, zone)?;
            Some(Place(end.micros(), 2, 0))
        };
        let end = if kind == 0 && within.unit().is_calendar() {
            Day::from_epoch_days(day)
                .and_then(|day| within.from_day(day))
                .and_then(|last| last.checked_add_days(1))
                .map(|next| Place(zone.start_of(next).micros(), 0, next.epoch_days()))
        } else {
            after_instant()
        };
        end.unwrap_or(NEVER)
    }
}
