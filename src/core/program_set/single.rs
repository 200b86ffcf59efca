//! The conditions that a single value of a field leaves alive, worked out beforehand.
//!
//! A field mostly has one value, which is no array. Then all layers of the field, and its negated tests, come down to
//! one set for each value: the conditions that it leaves alive. The set is stored as a dense set and a few conditions
//! in which it differs.
//!
//! There are four families of tests: values that are looked up, and bounds on numbers, on strings and on dates. Each
//! family leaves its own set alive. No clause mixes families (see `Builder::require_one`).

use super::bounds::{of_day, of_instants};
use super::clause::Trigger;
use super::places::{Members, Placed, Places, bit};
use super::sets::{Mask, Sets, contains, toggle};
use super::steps::Steps;
use crate::date::{DateReading, Moment};
use crate::decimal::{Rank, RankedDecimal};
use crate::expr::Constant;
use crate::types::JsonType;
use crate::value::Value;
use std::collections::HashMap;

/// The conditions that each value leaves alive.
#[derive(Debug)]
pub(super) struct Single {
    /// For values that are not listed, by [`Kind`]: the number of a dense set
    pub(super) kinds: [u32; KINDS],
    pub(super) strings: HashMap<Box<[u8]>, Mask, foldhash::fast::RandomState>,
    pub(super) numbers: HashMap<Rank, Vec<(RankedDecimal, Mask)>, foldhash::fast::RandomState>,
    pub(super) string_steps: Option<Steps<String>>,
    pub(super) number_steps: Option<Steps<RankedDecimal>>,
    pub(super) dates: Option<Dates>,
}

/// Kinds of values, which are known without comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Absent,
    Null,
    False,
    True,
    Number,
    EmptyString,
    String,
    EmptyObject,
    Object,
}

const KINDS: usize = 9;

impl Kind {
    const ALL: [Kind; KINDS] = [
        Kind::Absent,
        Kind::Null,
        Kind::False,
        Kind::True,
        Kind::Number,
        Kind::EmptyString,
        Kind::String,
        Kind::EmptyObject,
        Kind::Object,
    ];

    /// Whether every value of the kind satisfies the trigger.
    fn sets_off(self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Absent => self == Kind::Absent,
            Trigger::Present => self != Kind::Absent,
            Trigger::Null => self == Kind::Null,
            Trigger::Bool(value) => self == if *value { Kind::True } else { Kind::False },
            Trigger::Empty => matches!(self, Kind::Absent | Kind::Null | Kind::EmptyString | Kind::EmptyObject),
            Trigger::Type(kind) => match self {
                Kind::Absent => false,
                Kind::Null => *kind == JsonType::Null,
                Kind::False | Kind::True => *kind == JsonType::Bool,
                Kind::Number => *kind == JsonType::Number,
                Kind::EmptyString | Kind::String => *kind == JsonType::String,
                Kind::EmptyObject | Kind::Object => *kind == JsonType::Object,
            },
            Trigger::Equal(Value::String(text)) => self == Kind::EmptyString && text.is_empty(),
            Trigger::Equal(_) | Trigger::Compare(..) | Trigger::Size(_) => false,
        }
    }

    /// Whether values of the kind are compared with the bounds of a family.
    fn is_ordered_in(self, family: Family, reading: DateReading) -> bool {
        let is_string = matches!(self, Kind::EmptyString | Kind::String);
        match family {
            Family::Values => true,
            Family::Numbers => self == Kind::Number,
            Family::Strings => is_string,
            Family::Dates => is_string && reading.reads_strings() || self == Kind::Number && reading.reads_numbers(),
        }
    }
}

/// Bounds on dates, for stored days and for stored instants.
#[derive(Debug)]
pub(super) struct Dates {
    pub(super) days: Steps<i64>,
    pub(super) instants: Steps<i64>,
    /// The conditions that a value leaves alive which could be a date, and is none
    pub(super) others: u32,
    /// Whether a date leaves no other conditions alive, so that nothing else is to be looked up for it
    pub(super) are_final: bool,
}

impl Dates {
    /// The conditions that a stored date leaves alive.
    pub(super) fn mask(&self, stored: Moment) -> Mask {
        match stored {
            Moment::Day(day) => self.days.mask(day.epoch_days().into()),
            Moment::Instant(instant) => self.instants.mask(instant.micros()),
        }
    }
}

/// The families of triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Values,
    Numbers,
    Strings,
    Dates,
}

impl Trigger {
    /// The family of the trigger.
    pub(super) fn family(&self) -> Family {
        match self {
            Trigger::Compare(_, Value::Number(_)) => Family::Numbers,
            Trigger::Compare(_, Value::String(_)) => Family::Strings,
            Trigger::Compare(..) => Family::Dates,
            _ => Family::Values,
        }
    }
}

/// The conditions that values of a kind leave alive.
struct OfKind {
    /// The conditions that the other families leave alive
    others: Vec<u64>,
    /// The places that every value of the kind satisfies, by condition, among the values that are looked up
    met: HashMap<u32, Places>,
    dense: u32,
}

impl Single {
    /// Builds it from the triggers of one field.
    pub(super) fn build(triggers: &[Placed], reading: DateReading, everyone: &[u64], sets: &mut Sets) -> Self {
        let of = |family| triggers.iter().filter(move |(trigger, ..)| trigger.family() == family);
        let ordered = [Family::Numbers, Family::Strings, Family::Dates].map(|family| (family, Members::of(of(family))));
        let [(_, numbers), (_, strings), (_, dates)] = &ordered;
        let values = Members::of(of(Family::Values));
        let kinds = Kind::ALL.map(|kind| {
            let mut others = everyone.to_vec();
            for (family, members) in &ordered {
                if !kind.is_ordered_in(*family, reading) {
                    members.keep(&mut others, &HashMap::new());
                }
            }
            let mut met: HashMap<u32, Places> = HashMap::new();
            for (_, place, condition) in of(Family::Values).filter(|(trigger, ..)| kind.sets_off(trigger)) {
                *met.entry(*condition).or_default() |= bit(*place);
            }
            let mut bits = others.clone();
            values.keep(&mut bits, &met);
            OfKind { others, met, dense: sets.add_bits(&bits) }
        });
        let mut single = Single {
            kinds: kinds.each_ref().map(|kind| kind.dense),
            strings: HashMap::default(),
            numbers: HashMap::default(),
            string_steps: None,
            number_steps: None,
            dates: None,
        };
        let mut equal: HashMap<&Constant, HashMap<u32, Places>> = HashMap::new();
        for (trigger, place, condition) in triggers {
            if let Trigger::Equal(constant) = trigger {
                *equal.entry(constant).or_default().entry(*condition).or_default() |= bit(*place);
            }
        }
        for (constant, met) in equal {
            match constant {
                Value::Number(number) => {
                    let number = RankedDecimal::from(number.clone());
                    let mask = kinds[Kind::Number as usize].but(&met, &values, sets);
                    single.numbers.entry(number.rank()).or_default().push((number, mask));
                }
                // The empty string has a kind of its own.
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => {
                    let mask = kinds[Kind::String as usize].but(&met, &values, sets);
                    single.strings.insert(text.as_bytes().into(), mask);
                }
                _ => unreachable!("triggers() makes no others"),
            }
        }
        single.compare(triggers, [numbers, strings, dates], reading, everyone, sets);
        single
    }

    fn compare(
        &mut self,
        triggers: &[Placed],
        members: [&Members; 3],
        reading: DateReading,
        everyone: &[u64],
        sets: &mut Sets,
    ) {
        let [numbers, strings, dates] = members;
        let (mut of_numbers, mut of_strings) = (Vec::new(), Vec::new());
        let (mut days, mut instants) = (Vec::new(), Vec::new());
        for (trigger, place, condition) in triggers {
            let Trigger::Compare(comparison, bound) = trigger else { continue };
            match bound {
                Value::Number(bound) => of_numbers.push((*comparison, bound.clone().into(), *place, *condition)),
                Value::String(bound) => of_strings.push((*comparison, bound.clone(), *place, *condition)),
                Value::Literal(range) => {
                    let (day, instant) = (of_day(*comparison, range), of_instants(*comparison, range));
                    days.push((day.0, day.1, *place, *condition));
                    instants.push((instant.0, instant.1, *place, *condition));
                }
                _ => unreachable!("triggers() makes no others"),
            }
        }
        // Where no values are looked up, only bounds decide about a number or a date.
        let base = |kind: Kind, looks_up: bool, sets: &Sets| {
            if looks_up { everyone.to_vec() } else { sets.bits(self.kinds[kind as usize]).to_vec() }
        };
        let number_base = base(Kind::Number, !self.numbers.is_empty(), sets);
        // A date may be a string or a number.
        let kinds: Vec<_> = [Kind::String, Kind::Number]
            .into_iter()
            .filter(|kind| kind.is_ordered_in(Family::Dates, reading))
            .collect();
        let are_alike = kinds.windows(2).all(|pair| {
            let [one, other] = [pair[0], pair[1]].map(|kind| sets.bits(self.kinds[kind as usize]));
            one == other
        });
        let are_final = are_alike && self.strings.is_empty() && (!reading.reads_numbers() || self.numbers.is_empty());
        let date_base = base(kinds[0], !are_final, sets);
        if !of_numbers.is_empty() {
            self.number_steps = Some(Steps::build(&of_numbers, numbers, &number_base, sets));
        }
        if !of_strings.is_empty() {
            self.string_steps = Some(Steps::build(&of_strings, strings, everyone, sets));
        }
        if !days.is_empty() {
            let mut others = everyone.to_vec();
            dates.keep(&mut others, &HashMap::new());
            self.dates = Some(Dates {
                days: Steps::build(&days, dates, &date_base, sets),
                instants: Steps::build(&instants, dates, &date_base, sets),
                others: sets.add_bits(&others),
                are_final,
            });
        }
    }
}

impl OfKind {
    /// The conditions that a value of the kind leaves alive which satisfies the places `more`, too.
    fn but(&self, more: &HashMap<u32, Places>, values: &Members, sets: &mut Sets) -> Mask {
        let mut toggled: Vec<u32> = Vec::new();
        for (condition, places) in more {
            let met = places | self.met.get(condition).copied().unwrap_or(0);
            let alive = contains(&self.others, *condition) && values.leaves(*condition, met);
            if alive != contains(sets.bits(self.dense), *condition) {
                toggled.push(*condition);
            }
        }
        toggled.sort_unstable();
        if toggled.len() <= sets.most_toggled() {
            return Mask { dense: self.dense, toggled: sets.add_list(&toggled) };
        }
        let mut bits = sets.bits(self.dense).to_vec();
        toggled.iter().for_each(|condition| toggle(&mut bits, *condition));
        Mask { dense: sets.add_bits(&bits), toggled: (0, 0) }
    }
}
