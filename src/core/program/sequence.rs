//! Elements in order: the first, the last, and sequences.

use super::values::{ElementPath, Place, moment};
use super::{Program, Surroundings, honour_interrupts};
use crate::date::{Day, Instant, NamedZone, Relative, Zone};
use crate::document::Node;
use crate::expr::{Absence, DocumentTest, Expr, SequenceStep, StoredDates, TimeOf};
use std::cmp::Ordering;

/// A compiled [`TimeOf`].
#[derive(Debug)]
pub(crate) struct TimeCheck {
    path: ElementPath,
    dates: StoredDates,
    is_stable: bool,
}

/// A compiled sequence. `C` is what tells whether an element satisfies a condition.
#[derive(Debug)]
pub(crate) struct SequenceCheck<C> {
    steps: Box<[StepCheck<C>]>,
    zone: Option<NamedZone>,
}

#[derive(Debug)]
struct StepCheck<C> {
    condition: C,
    within: Option<Relative>,
    absences: Box<[AbsenceCheck<C>]>,
}

#[derive(Debug)]
struct AbsenceCheck<C> {
    condition: C,
    within: Relative,
    now: Instant,
}

/// After every element
const NEVER: Place = Place(i64::MAX, u8::MAX, i32::MAX);

impl TimeCheck {
    pub(crate) fn compile(by: &TimeOf) -> Self {
        TimeCheck { path: ElementPath::compile(&by.path, false), dates: by.dates.clone(), is_stable: by.is_stable }
    }

    /// The place of an element among others; `None` if it has no date.
    fn place<'d, N: Node<'d>>(&self, element: N) -> Option<Place> {
        self.place_of(self.path.single(element))
    }

    /// Like [`place`](Self::place), with the value of the path's first key.
    pub(crate) fn place_below<'d, N: Node<'d>>(&self, first: Option<N>) -> Option<Place> {
        self.place_of(self.path.single_below(first))
    }

    fn place_of<'d, N: Node<'d>>(&self, value: Option<N>) -> Option<Place> {
        moment(&value?.view(), &self.dates).map(|moment| Place::of(moment, &self.dates.zone))
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
            end = match (end, comes(place, end.map(|(known, _)| known), is_last, self.is_stable)) {
                (Some((_, holds)), Comes::Together) => Some((place, holds || satisfies(element))),
                (_, Comes::Short) => end,
                _ => Some((place, satisfies(element))),
            };
        }
        end.is_some_and(|(_, holds)| holds)
    }

    /// Whether elements of one time are before each other.
    pub(crate) fn is_stable(&self) -> bool {
        self.is_stable
    }
}

/// How an element stands to the first one so far, or to the last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comes {
    /// It takes its place
    Beyond,
    /// It is one of several
    Together,
    /// The other one stays
    Short,
}

/// How the next element stands to the first one so far, or to the last.
pub(crate) fn comes(place: Place, known: Option<Place>, is_last: bool, is_stable: bool) -> Comes {
    match known.map(|known| place.cmp(&known)) {
        Some(Ordering::Equal) if !is_stable => Comes::Together,
        // Where the order is stable, the later one of two with one place is the last.
        Some(order) if order.is_ge() != is_last => Comes::Short,
        _ => Comes::Beyond,
    }
}

impl SequenceCheck<Program> {
    pub(super) fn pattern_bytes(&self) -> usize {
        let absences = |step: &StepCheck<Program>| {
            step.absences.iter().map(|absence| absence.condition.pattern_bytes()).sum::<usize>()
        };
        self.steps.iter().map(|step| step.condition.pattern_bytes() + absences(step)).sum()
    }

    /// Whether some of the elements fit the steps. `by` is what orders them.
    pub(super) fn fits<'d, N: Node<'d>>(
        &self,
        by: Option<&TimeCheck>,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> bool {
        let placed: Vec<(Place, N)> = match by {
            None => elements.zip(0..).map(|(element, index)| (Place::of_index(index), element)).collect(),
            Some(by) => elements.filter_map(|element| Some((by.place(element)?, element))).collect(),
        };
        let placed = in_order(placed, by.is_none_or(TimeCheck::is_stable));
        self.fit(&placed, surroundings, |program, element| program.matches_element(element, surroundings))
    }
}

/// Elements in the order of their places. Those of one place keep their order if it is stable.
pub(crate) fn in_order<E>(mut placed: Vec<(Place, E)>, is_stable: bool) -> Vec<(At, E)> {
    placed.sort_by_key(|(place, _)| *place);
    let rank = |index| if is_stable { index } else { 0 };
    placed.into_iter().enumerate().map(|(index, (place, element))| (At { place, rank: rank(index) }, element)).collect()
}

impl<C> SequenceCheck<C> {
    /// Compiles a sequence of which `compile` compiles the conditions.
    pub(crate) fn compile(
        steps: &[SequenceStep],
        by: Option<&TimeOf>,
        mut compile: impl FnMut(&Expr<DocumentTest>) -> C,
    ) -> Self {
        let absence = |absence: &Absence, compile: &mut dyn FnMut(&Expr<DocumentTest>) -> C| AbsenceCheck {
            condition: compile(&absence.condition),
            within: absence.within,
            now: absence.now,
        };
        let step = |step: &SequenceStep| StepCheck {
            condition: compile(&step.condition),
            within: step.within,
            absences: step.absences.iter().map(|one| absence(one, &mut compile)).collect(),
        };
        SequenceCheck { steps: steps.iter().map(step).collect(), zone: by.map(|by| by.dates.zone.clone()) }
    }

    /// What the elements of the steps satisfy.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &C> {
        self.steps.iter().map(|step| &step.condition)
    }

    /// Whether some of the elements, which are in order, fit the steps.
    ///
    /// For each step, it is kept until when its element may come: the latest time that an element which ends the steps
    /// before allows. So each element is put to each step once.
    pub(crate) fn fit<E: Copy>(
        &self,
        placed: &[(At, E)],
        surroundings: Surroundings<'_>,
        satisfies: impl Fn(&C, E) -> bool,
    ) -> bool {
        let zone = self.zone.as_ref();
        let absent: Vec<Vec<Positions>> =
            self.steps.iter().map(|step| step.absent(placed, surroundings, &satisfies)).collect();
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
                    if !satisfies(&step.condition, *element) || !is_followed_by_none() {
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
}

/// The position of an element in the order. Elements of one position are not before each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    place: Place,
    /// Tells elements of one place apart where the order is stable
    rank: usize,
}

/// The positions of some elements, in order.
type Positions = Vec<At>;

impl<C> StepCheck<C> {
    /// For each absence, the positions of the elements that must not come too soon.
    fn absent<E: Copy>(
        &self,
        placed: &[(At, E)],
        surroundings: Surroundings<'_>,
        satisfies: impl Fn(&C, E) -> bool,
    ) -> Vec<Positions> {
        let positions = |absence: &AbsenceCheck<C>| {
            let satisfying = placed.iter().enumerate().filter(|(index, (_, element))| {
                honour_interrupts(*index, surroundings);
                satisfies(&absence.condition, *element)
            });
            satisfying.map(|(_, (at, _))| *at).collect()
        };
        self.absences.iter().map(positions).collect()
    }
}

impl<C> AbsenceCheck<C> {
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
