//! `suggest_indexes`: which indexes would help which segments, and which ones serve none.

use crate::api::index::IndexableTable;
use crate::api::index::existing::{self, Existing};
use crate::api::sample::sampled;
use crate::catalog::audience::{Audience, RelatedRows};
use crate::catalog::segment::Definition;
use crate::catalog::{access, scope};
use crate::pg::call::Call;
use crate::pg::{query, returning, security};
use pgrx::prelude::*;
use segments_core::expr::{Atom, Expr, FieldTest};
use segments_core::sql::{self, Choice, Index, IndexOrder};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many contacts are sampled to estimate which share of them satisfies a test.
const SAMPLE: i32 = 10_000;
/// An index helps if it finds at most this share of the contacts, and
const SELECTIVE: f64 = 0.1;
/// at most this share of what the existing indexes find.
const BETTER: f64 = 0.5;
/// A sample with fewer contacts is too small for advice.
const FEW: i64 = 1000;

/// Which indexes to create and which to drop, for one audience, or for all that the caller may see and read.
#[pg_extern(sql = false)]
fn suggest_indexes(audience: Option<&str>, call: Call) {
    let tables = match audience {
        Some(name) => {
            let audience = Audience::load(name);
            IndexableTable::of(&audience);
            vec![vec![audience]]
        }
        None => tables_with_indexes(),
    };
    let suggestions: Vec<Suggestion> = tables.iter().flat_map(|audiences| suggestions(audiences)).collect();
    returning::rows(
        call,
        "SELECT f.suggestion, f.property, f.ddl, f.reason,
                ARRAY(SELECT jsonb_array_elements_text(f.segments::jsonb)),
                ARRAY(SELECT jsonb_array_elements_text(f.audiences::jsonb))
           FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4),
                           unnest($5), unnest($6))
                WITH ORDINALITY f(suggestion, property, ddl, reason, segments, audiences, place)
          ORDER BY f.place",
        &[
            suggestions.iter().map(|s| s.kind.to_owned()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.property.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.ddl.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| s.reason.clone()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| serde_json::json!(s.segments).to_string()).collect::<Vec<_>>().into(),
            suggestions.iter().map(|s| serde_json::json!(s.audiences).to_string()).collect::<Vec<_>>().into(),
        ],
    );
}

/// The audiences that the caller may see and whose contacts the caller may read, grouped by table, without tables that
/// cannot have indexes.
fn tables_with_indexes() -> Vec<Vec<Audience>> {
    let names =
        query::rows("SELECT a.name FROM segments.audience_config a ORDER BY a.name", &[], |row| row.get::<String>(1));
    let mut tables: BTreeMap<(u32, Option<String>), Vec<Audience>> = BTreeMap::new();
    for audience in names.iter().filter_map(|name| Audience::try_load(name).ok()) {
        let properties = audience.table.properties.as_ref().map(|properties| properties.name.clone());
        tables.entry((audience.relation.oid.into(), properties)).or_default().push(audience);
    }
    let can_have = |audiences: &Vec<Audience>| IndexableTable::find(&audiences[0]).is_ok() && may_read(&audiences[0]);
    let mut tables: Vec<Vec<Audience>> = tables.into_values().filter(can_have).collect();
    tables.sort_by(|left, right| left[0].name.cmp(&right[0].name));
    tables
}

/// Whether the caller may read every column of an audience's table.
fn may_read(audience: &Audience) -> bool {
    let sql = "SELECT has_table_privilege($1, 'SELECT')";
    query::first(sql, &[audience.relation.oid.into()], |row| row.get(1)).unwrap_or(false)
}

/// The advice on the indexes of a table. All of `audiences` use this table.
fn suggestions(audiences: &[Audience]) -> Vec<Suggestion> {
    let place = IndexableTable::of(&audiences[0]);
    let mut segments = Vec::new();
    let mut idle: Vec<Existing> = existing::read(&audiences[0]);
    idle.retain(|index| !index.is_unique && !index.serves.is_empty());
    for audience in audiences {
        let existing = existing::read(audience);
        let searched = searched_in(audience, &existing);
        retain_unused(&mut idle, audience, &existing, &searched);
        segments.extend(searched);
    }
    if segments.is_empty() {
        return Vec::new();
    }
    let mut suggestions = to_create(&place, &segments, &TestShares::take(&segments));
    suggestions.extend(to_create_on_relations(&segments));
    if !idle.is_empty() {
        security::as_role(access::extension_owner(), || retain_unused_by_others(&mut idle, audiences));
    }
    suggestions.extend(idle.iter().map(|index| to_drop(&place, index, audiences)));
    suggestions
}

/// Keeps those indexes that no segment of an audience can use. Indexes for paging through the contacts and for finding
/// one by id are in use, too.
fn retain_unused(idle: &mut Vec<Existing>, audience: &Audience, existing: &[Existing], segments: &[Searched<'_>]) {
    let mut used: Vec<&Index> = Vec::new();
    for choice in segments.iter().filter_map(|segment| segment.choice.as_ref()) {
        choice.for_each(&mut |_, indexes| used.extend(indexes));
    }
    let paging = [Some(&audience.id), audience.created.as_ref()];
    let is_paging = |column: &str| paging.iter().flatten().any(|other| other.name == column);
    let is_used = |index: &Existing| {
        index.column.as_deref().is_some_and(is_paging) || index.serves.iter().any(|index| used.contains(&index))
    };
    idle.retain(|index| !existing.iter().any(|other| other.name == index.name && is_used(other)));
}

/// Like [`retain_unused`], for the other audiences of the table, which the caller may not see.
fn retain_unused_by_others(idle: &mut Vec<Existing>, audiences: &[Audience]) {
    let known: Vec<String> = audiences.iter().map(|audience| audience.name.clone()).collect();
    let others = query::rows(OTHERS, &[audiences[0].relation.oid.into(), known.into()], |row| row.get::<String>(1));
    for audience in others.iter().filter_map(|name| Audience::try_load(name).ok()) {
        let existing = existing::read(&audience);
        retain_unused(idle, &audience, &existing, &searched_in(&audience, &existing));
    }
}

const OTHERS: &str = "
SELECT a.name FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
 WHERE t.relation::oid = $1 AND a.name <> ALL ($2)";

struct Suggestion {
    /// `create`, `drop`, or `review` if other queries use the index
    kind: &'static str,
    property: String,
    ddl: Option<String>,
    reason: String,
    /// The names of the segments that the index would help
    segments: Vec<String>,
    /// The names of their audiences; for an index that serves no segment, those of the table
    audiences: Vec<String>,
}

/// A segment, with the ways in which indexes could find its members.
struct Searched<'a> {
    audience: &'a Audience,
    name: String,
    choice: Option<Choice>,
    /// The names of the relations that the condition reads
    relations: BTreeSet<String>,
    /// The conditions of the audience that the existing indexes serve
    there: Rc<Vec<Index>>,
}

/// The audience's segments, without those whose condition is invalid.
fn searched_in<'a>(audience: &'a Audience, existing: &[Existing]) -> Vec<Searched<'a>> {
    let there: Rc<Vec<Index>> = Rc::new(existing.iter().flat_map(|existing| existing.serves.clone()).collect());
    let searched = |segment: Definition| {
        let checked = scope::check_segment(audience, &segment).ok()?.checked;
        let checked = Expr::and([audience.restriction.clone(), checked]);
        let choice = Choice::of(&checked, &audience.table);
        let mut relations = BTreeSet::new();
        checked.for_each(&mut |atom| {
            if let Atom::Rows(rows) = atom {
                relations.insert(rows.relation.clone());
            }
        });
        Some(Searched { audience, name: segment.name, choice, relations, there: there.clone() })
    };
    Definition::all(&audience.name).into_iter().filter_map(searched).collect()
}

/// The share of a table's contacts that satisfies each test, from a sample.
struct TestShares {
    contacts: i64,
    shares: BTreeMap<String, f64>,
}

impl TestShares {
    /// Takes the sample. All segments are over the same table.
    fn take(segments: &[Searched<'_>]) -> Self {
        let mut sample = TestShares { contacts: 0, shares: BTreeMap::new() };
        for segment in segments {
            let Some(choice) = &segment.choice else { continue };
            choice.for_each(&mut |tests, _| {
                sample.shares.insert(sql_of(tests, segment.audience), 1.0);
            });
        }
        let audience = segments[0].audience;
        let tests: Vec<String> = sample.shares.keys().cloned().collect();
        // A SELECT can have some 1,600 columns. An array with this many entries is planned in little time.
        for tests in tests.chunks(500) {
            let counts: Vec<String> =
                tests.iter().map(|test| format!("pg_catalog.count(*) FILTER (WHERE {test})")).collect();
            let sql = format!(
                "SELECT pg_catalog.count(*), ARRAY[{}]::pg_catalog.int8[] FROM (SELECT * FROM {} {} LIMIT $1) AS {}",
                counts.join(", "),
                audience.relation.quoted(),
                sampled(audience, SAMPLE),
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

    /// The cheapest way to find the members of a segment: through existing indexes or, if `may_create`, through the
    /// best new ones.
    fn plan(&self, segment: &Searched<'_>, may_create: bool) -> Option<SearchPlan> {
        self.plan_of(segment.choice.as_ref()?, segment, may_create)
    }

    fn plan_of(&self, choice: &Choice, segment: &Searched<'_>, may_create: bool) -> Option<SearchPlan> {
        match choice {
            Choice::Tests(tests, indexes) => {
                let there = indexes.iter().find(|index| segment.there.contains(index));
                let index = there.or(indexes.first().filter(|_| may_create))?;
                let share = self.shares.get(&sql_of(tests, segment.audience)).copied().unwrap_or(1.0);
                Some(SearchPlan { share, indexes: vec![index.clone()] })
            }
            Choice::Any(choices) => choices
                .iter()
                .filter_map(|choice| self.plan_of(choice, segment, may_create))
                .min_by(|left, right| left.share.total_cmp(&right.share)),
            Choice::All(choices) => {
                let plans = choices.iter().map(|choice| self.plan_of(choice, segment, may_create));
                plans.collect::<Option<Vec<_>>>().map(|plans| SearchPlan {
                    share: plans.iter().map(|plan| plan.share).sum::<f64>().min(1.0),
                    indexes: plans.into_iter().flat_map(|plan| plan.indexes).collect(),
                })
            }
        }
    }
}

fn sql_of(tests: &[FieldTest], audience: &Audience) -> String {
    let tests = tests.iter().map(|test| Expr::Test(Atom::Field(test.clone())));
    sql::where_clause(&Expr::and(tests), &audience.table, &audience.style())
}

/// A way to find members: the share of the contacts that is read, and the indexes that it needs.
struct SearchPlan {
    share: f64,
    indexes: Vec<Index>,
}

/// The segments that an index would help, by audience and name, with the share of the contacts that would be read.
type Helped = BTreeMap<(String, String), f64>;

fn to_create(place: &IndexableTable<'_>, segments: &[Searched<'_>], sample: &TestShares) -> Vec<Suggestion> {
    let mut helped: BTreeMap<Index, Helped> = BTreeMap::new();
    for segment in segments {
        let now = sample.plan(segment, false).map_or(1.0, |plan| plan.share);
        let Some(best) = sample.plan(segment, true) else { continue };
        if sample.contacts > 0 && best.share <= SELECTIVE && best.share <= now * BETTER {
            for index in best.indexes.into_iter().filter(|index| !segment.there.contains(index)) {
                let one = (segment.audience.name.clone(), segment.name.clone());
                helped.entry(index).or_default().entry(one).or_insert(best.share);
            }
        }
    }
    merge_orders(&mut helped);
    let mut helped: Vec<_> = helped.into_iter().collect();
    helped.sort_by_key(|(_, segments)| std::cmp::Reverse(segments.len()));
    helped.into_iter().map(|(index, segments)| create(place, &index, &segments, sample.contacts)).collect()
}

/// Indexes that find the rows of one contact, on the tables of relations that segments read.
fn to_create_on_relations(segments: &[Searched<'_>]) -> Vec<Suggestion> {
    let mut readers: BTreeMap<(String, String), Vec<&Searched<'_>>> = BTreeMap::new();
    for segment in segments {
        for name in &segment.relations {
            let related = segment.audience.related(name).and_then(|related| related.rows.as_ref().ok());
            if let Some(ddl) = related.and_then(RelatedRows::missing_index) {
                readers.entry((name.clone(), ddl)).or_default().push(segment);
            }
        }
    }
    let suggestion = |((property, ddl), readers): ((String, String), Vec<&Searched<'_>>)| Suggestion {
        kind: "create",
        property,
        ddl: Some(ddl),
        reason: "without it, what is asked of one contact, as by in_segment(), reads the rows of all contacts"
            .to_owned(),
        segments: distinct(readers.iter().map(|segment| &segment.name)),
        audiences: distinct(readers.iter().map(|segment| &segment.audience.name)),
    };
    readers.into_iter().map(suggestion).collect()
}

/// An index for prefixes also serves equality, so one index is enough.
fn merge_orders(helped: &mut BTreeMap<Index, Helped>) {
    let own: Vec<Index> =
        helped.keys().filter(|index| matches!(index, Index::Column(_, IndexOrder::Own))).cloned().collect();
    for index in own {
        let Index::Column(column, _) = &index else { continue };
        let pattern = Index::Column(column.clone(), IndexOrder::Pattern);
        if helped.contains_key(&pattern) {
            let segments = helped.remove(&index).unwrap_or_default();
            helped.entry(pattern).or_default().extend(segments);
        }
    }
}

fn create(place: &IndexableTable<'_>, index: &Index, segments: &Helped, contacts: i64) -> Suggestion {
    let most = segments.values().copied().fold(0.0, f64::max);
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
        segments: distinct(segments.keys().map(|(_, name)| name)),
        audiences: distinct(segments.keys().map(|(audience, _)| audience)),
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// An index that no segment can use.
fn to_drop(place: &IndexableTable<'_>, index: &Existing, audiences: &[Audience]) -> Suggestion {
    Suggestion {
        kind: if index.scans == 0 { "drop" } else { "review" },
        property: place.property(&index.serves[0]).to_owned(),
        ddl: (index.scans == 0).then(|| place.drop(&index.name)),
        reason: match index.scans {
            0 => format!("{} serves no segment, and nothing else has used it since statistics were reset", index.name),
            scans => {
                format!("{} serves no segment, but searches or other queries have used it {scans} times", index.name)
            }
        },
        segments: vec![],
        audiences: audiences.iter().map(|audience| audience.name.clone()).collect(),
    }
}
