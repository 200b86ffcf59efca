//! `suggest_indexes`: which index would help which segments, and which one serves none.

use super::{Place, existing};
use crate::audience::Audience;
use crate::pg::call::Call;
use crate::pg::returning;
use crate::segment::Definition;
use crate::{infer, query, scope};
use pgrx::prelude::*;
use segments_core::expr::{Atom, Expr, FieldTest};
use segments_core::sql::{self, Choice, Index, Order};
use std::collections::BTreeMap;

/// How many contacts are looked at to see how many satisfy a test.
const SAMPLE: i32 = 10_000;
/// An index helps where it finds at most this share of the contacts, and
const SELECTIVE: f64 = 0.1;
/// at most this share of what the indexes that there are find.
const BETTER: f64 = 0.5;
/// How many contacts make a sample that says something.
const FEW: i64 = 1000;

/// Which indexes to create, and which to drop.
#[pg_extern(sql = false)]
fn suggest_indexes(audience: &str, call: Call) {
    let audience = Audience::load(audience);
    let place = Place::of(&audience);
    let segments = choices(&audience);
    let existing = existing::read(&audience);
    let mut suggestions = Vec::new();
    if !segments.is_empty() {
        let sample = Sample::take(&audience, &segments);
        suggestions.extend(to_create(&place, &segments, &existing, &sample));
        suggestions.extend(to_drop(&place, &segments, &existing));
    }
    returning::rows(
        call,
        "SELECT f.suggestion, f.property, f.ddl, f.reason, ARRAY(SELECT pg_catalog.jsonb_array_elements_text(f.segments::pg_catalog.jsonb))
           FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4),
                           pg_catalog.unnest($5)) WITH ORDINALITY f(suggestion, property, ddl, reason, segments, place)
          ORDER BY f.place",
        &[
            suggestions.iter().map(|s| s.kind.to_owned()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.property.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.ddl.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.reason.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| serde_json::json!(s.segments).to_string()).collect::<Vec<_>>().into(),
        ],
    );
}

struct Suggestion {
    /// `create`, `drop`, or `review` where other queries use the index
    kind: &'static str,
    property: String,
    ddl: Option<String>,
    reason: String,
    /// The names of the segments that it would help
    segments: Vec<String>,
}

/// A segment, and how indexes could find its members.
struct Searched {
    name: String,
    choice: Option<Choice>,
}

/// The audience's segments; those that make no sense any more are left out.
fn choices(audience: &Audience) -> Vec<Searched> {
    let searched = |segment: Definition| {
        let checked = scope::check_segment(audience, &segment).ok()?.checked;
        let checked = Expr::and([audience.restriction.clone(), checked]);
        Some(Searched { name: segment.name, choice: Choice::of(&checked, &audience.table) })
    };
    Definition::all(&audience.name).into_iter().filter_map(searched).collect()
}

/// Which share of the contacts satisfies each test.
struct Sample<'a> {
    audience: &'a Audience,
    contacts: i64,
    shares: BTreeMap<String, f64>,
}

impl<'a> Sample<'a> {
    fn take(audience: &'a Audience, segments: &[Searched]) -> Self {
        let mut sample = Sample { audience, contacts: 0, shares: BTreeMap::new() };
        for choice in segments.iter().filter_map(|segment| segment.choice.as_ref()) {
            choice.for_each(&mut |tests, _| {
                sample.shares.insert(sample.sql(tests), 1.0);
            });
        }
        let tests: Vec<String> = sample.shares.keys().cloned().collect();
        // A SELECT may compute some 1,600 columns; an array of so many is planned in little time.
        for tests in tests.chunks(500) {
            let counts: Vec<String> =
                tests.iter().map(|test| format!("pg_catalog.count(*) FILTER (WHERE {test})")).collect();
            let sql = format!(
                "SELECT pg_catalog.count(*), ARRAY[{}]::pg_catalog.int8[] FROM (SELECT * FROM {} {} LIMIT $1) AS {}",
                counts.join(", "),
                audience.relation.quoted(),
                infer::sampled(audience, SAMPLE),
                pgrx::spi::quote_identifier(&audience.table.name),
            );
            let counted =
                query::first(&sql, &[i64::from(SAMPLE).into()], |row| (row.get::<i64>(1), row.get::<Vec<i64>>(2)));
            let (contacts, counts) = counted.unwrap_or_default();
            sample.contacts = contacts;
            for (test, count) in tests.iter().zip(counts) {
                sample.shares.insert(test.clone(), count as f64 / contacts.max(1) as f64);
            }
        }
        sample
    }

    fn sql(&self, tests: &[FieldTest]) -> String {
        let tests = tests.iter().map(|test| Expr::Test(Atom::Field(test.clone())));
        sql::where_clause(&Expr::and(tests), &self.audience.table, &self.audience.style())
    }

    /// The way that looks at the fewest contacts, through indexes that are `there`, or else through the best.
    fn plan(&self, choice: &Choice, there: &dyn Fn(&Index) -> bool, may_create: bool) -> Option<Plan> {
        match choice {
            Choice::Tests(tests, indexes) => {
                let index = indexes.iter().find(|index| there(index)).or(indexes.first().filter(|_| may_create))?;
                let share = self.shares.get(&self.sql(tests)).copied().unwrap_or(1.0);
                Some(Plan { share, indexes: vec![index.clone()] })
            }
            Choice::Any(choices) => choices
                .iter()
                .filter_map(|choice| self.plan(choice, there, may_create))
                .min_by(|left, right| left.share.total_cmp(&right.share)),
            Choice::All(choices) => {
                let plans = choices.iter().map(|choice| self.plan(choice, there, may_create));
                plans.collect::<Option<Vec<_>>>().map(|plans| Plan {
                    share: plans.iter().map(|plan| plan.share).sum::<f64>().min(1.0),
                    indexes: plans.into_iter().flat_map(|plan| plan.indexes).collect(),
                })
            }
        }
    }
}

/// The share of the contacts that is looked at, and the indexes that takes.
struct Plan {
    share: f64,
    indexes: Vec<Index>,
}

fn to_create(
    place: &Place<'_>,
    segments: &[Searched],
    existing: &[existing::Existing],
    sample: &Sample<'_>,
) -> Vec<Suggestion> {
    let there = |index: &Index| existing.iter().any(|existing| existing.serves.contains(index));
    let mut helped: BTreeMap<Index, Vec<(String, f64)>> = BTreeMap::new();
    for segment in segments {
        let Some(choice) = &segment.choice else { continue };
        let now = sample.plan(choice, &there, false).map_or(1.0, |plan| plan.share);
        let Some(best) = sample.plan(choice, &there, true) else { continue };
        if sample.contacts > 0 && best.share <= SELECTIVE && best.share <= now * BETTER {
            for index in best.indexes.into_iter().filter(|index| !there(index)) {
                let segments = helped.entry(index).or_default();
                if segments.iter().all(|(name, _)| *name != segment.name) {
                    segments.push((segment.name.clone(), best.share));
                }
            }
        }
    }
    merge_orders(&mut helped);
    let mut helped: Vec<_> = helped.into_iter().collect();
    helped.sort_by_key(|(_, segments)| std::cmp::Reverse(segments.len()));
    helped.into_iter().map(|(index, segments)| create(place, &index, segments, sample.contacts)).collect()
}

/// An index for prefixes serves equality too: one will do.
fn merge_orders(helped: &mut BTreeMap<Index, Vec<(String, f64)>>) {
    let own: Vec<Index> =
        helped.keys().filter(|index| matches!(index, Index::Column(_, Order::Own))).cloned().collect();
    for index in own {
        let Index::Column(column, _) = &index else { continue };
        let pattern = Index::Column(column.clone(), Order::Pattern);
        if helped.contains_key(&pattern) {
            let segments = helped.remove(&index).unwrap_or_default();
            let known = helped.entry(pattern).or_default();
            known.extend(
                segments
                    .into_iter()
                    .filter(|(name, _)| known.iter().all(|(other, _)| other != name))
                    .collect::<Vec<_>>(),
            );
        }
    }
}

fn create(place: &Place<'_>, index: &Index, mut segments: Vec<(String, f64)>, contacts: i64) -> Suggestion {
    segments.sort_by(|(left, _), (right, _)| left.cmp(right));
    let most = segments.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    let count = match segments.len() {
        1 => "one segment".to_owned(),
        count => format!("{count} segments"),
    };
    let mut reason =
        format!("with it, {count} would read {:.1} % of the contacts at most, by a sample of {contacts}", most * 100.0);
    if contacts < FEW {
        reason += "; with so few contacts, reading them all may still be faster";
    }
    Suggestion {
        kind: "create",
        property: place.property(index).to_owned(),
        ddl: Some(place.ddl(index)),
        reason,
        segments: segments.into_iter().map(|(name, _)| name).collect(),
    }
}

/// Of the indexes whose use is known, those that no test of a segment can use. Those that page through contacts or
/// find one stay.
fn to_drop(place: &Place<'_>, segments: &[Searched], existing: &[existing::Existing]) -> Vec<Suggestion> {
    let mut used: Vec<&Index> = Vec::new();
    for choice in segments.iter().filter_map(|segment| segment.choice.as_ref()) {
        choice.for_each(&mut |_, indexes| used.extend(indexes));
    }
    let paging = [Some(&place.audience.id), place.audience.created.as_ref()];
    let is_paging = |column: &str| paging.iter().flatten().any(|other| other.name == column);
    let unused = existing.iter().filter(|existing| {
        !existing.is_unique
            && !existing.column.as_deref().is_some_and(is_paging)
            && !existing.serves.is_empty()
            && !existing.serves.iter().any(|index| used.contains(&index))
    });
    unused
        .map(|existing| Suggestion {
            kind: if existing.scans == 0 { "drop" } else { "review" },
            property: place.property(&existing.serves[0]).to_owned(),
            ddl: (existing.scans == 0).then(|| place.drop(&existing.name)),
            reason: match existing.scans {
                0 => format!(
                    "{} serves no segment, and nothing else has used it since statistics were reset",
                    existing.name
                ),
                scans => format!(
                    "{} serves no segment, but searches or other queries have used it {scans} times",
                    existing.name
                ),
            },
            segments: vec![],
        })
        .collect()
}
