//! `explain_match`: why a contact is or is not a member of a segment.

use crate::api::contact::unknown_contact;
use crate::catalog::access::{self, Scope};
use crate::catalog::audience::Audience;
use crate::catalog::segment::{Definition, id_of};
use crate::catalog::{contact_sql, scope, subscription};
use crate::evaluate::condition;
use crate::evaluate::stored::{self, Misfit};
use crate::pg::call::Call;
use crate::pg::error::required;
use crate::pg::{interrupt, query, returning, snapshot};
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::ast::{Bucket, Condition, FieldPredicate, Member, NamePredicate, Test};
use segments_core::error::JsonPointer;
use segments_core::expr::{Atom, Checked, FieldTest};
use segments_core::operator::Operator;
use segments_core::path::Path;
use segments_core::program::{ElementsFound, Surroundings, elements_found};
use segments_core::value::Json;
use serde_json::Value;
use std::borrow::Cow;

mod count;
mod rows;

/// Each part of a segment's condition, with the value that it reads from a contact, and whether it is true.
#[pg_extern(sql = false)]
fn explain_match(contact_id: Option<&str>, segment: Option<pgrx::Uuid>, call: Call) {
    let (contact_id, segment) = (required("contact_id", contact_id), required("segment", segment));
    let segment = Definition::load(id_of(segment));
    let audience = Audience::load(&segment.audience);
    access::require(Scope::ReadSegments, &audience.name);
    let mut lines = Lines { place: JsonPointer::default(), lines: Vec::new() };
    lines.condition(&condition::stored(segment.conditions.as_bytes()));
    let lines = lines.lines;
    let (results, rows) = look(&audience, &segment, &lines, contact_id);
    let mut notes: Vec<Option<String>> =
        lines.iter().zip(&results).map(|(line, result)| note(&audience, line, result)).collect();
    if rows > 1 {
        notes[0] = Some(format!("{rows} rows have this id, and each counts: this is a member, if any of them is"));
    }
    returning::rows(
        call,
        "SELECT f.path, f.condition::jsonb, f.value::jsonb, f.matches, f.note
           FROM ROWS FROM (unnest($1), unnest($2), unnest($3),
                           unnest($4), unnest($5)) f(path, condition, value, matches, note)",
        &[
            lines.iter().map(|line| line.pointer.clone()).collect::<Vec<_>>().into(),
            lines.iter().map(|line| line.condition.to_string()).collect::<Vec<_>>().into(),
            results.iter().map(|result| result.value.clone()).collect::<Vec<_>>().into(),
            results.iter().map(|result| result.matches).collect::<Vec<_>>().into(),
            notes.into(),
        ],
    );
}

/// A line of the explanation: a part of the condition that can be evaluated by itself.
struct Line {
    pointer: String,
    condition: Condition,
    source: Source,
}

/// What a line reads from the contact.
enum Source {
    Several,
    Field(Path),
    /// The fields that it compares with each other
    Fields(Vec<Path>),
    Topics,
    /// Which of so many buckets it is in
    Bucket(Bucket),
}

/// The result of a line.
struct LineResult {
    /// The value as JSON text; `None` if there is no value
    value: Option<String>,
    matches: bool,
    /// For a test on elements, what it found
    elements: Option<String>,
}

struct Lines {
    place: JsonPointer,
    lines: Vec<Line>,
}

impl Lines {
    fn condition(&mut self, condition: &Condition) {
        self.push(condition.clone(), Source::Several);
        let members = || condition.members.iter().filter(|member| !matches!(member, Member::Comment(_)));
        for member in members() {
            self.member(member, members().count() == 1);
        }
    }

    /// Adds the lines of a member of the condition. If it is the only member, the condition around it says the same, so
    /// it gets no line of its own.
    fn member(&mut self, member: &Member, only: bool) {
        let alone = Condition { members: vec![member.clone()] };
        match member {
            Member::Logical(junction, conditions) => self.at(junction.operator().name(), |lines| {
                if !only {
                    lines.push(alone, Source::Several);
                }
                for (index, condition) in conditions.iter().enumerate() {
                    lines.at(index, |lines| lines.condition(condition));
                }
            }),
            Member::Not(condition) => self.at(Operator::Not.name(), |lines| lines.condition(condition)),
            Member::Topic(_) => self.at(Operator::Topic.name(), |lines| lines.push(alone, Source::Topics)),
            Member::Segment(predicate) => self.at(Operator::Segment.name(), |lines| {
                lines.push(alone, Source::Several);
                lines.segments(predicate);
            }),
            Member::Expr(expression) => self.at(Operator::Expr.name(), |lines| {
                let paths: Vec<Path> = expression.fields().into_iter().cloned().collect();
                lines.push(alone, if paths.is_empty() { Source::Several } else { Source::Fields(paths) });
            }),
            Member::Bucket(bucket) => {
                self.at(Operator::Bucket.name(), |lines| lines.push(alone, Source::Bucket(bucket.clone())))
            }
            Member::Comment(_) => {}
            Member::Field(path, predicate) => self.at(path.text(), |lines| {
                lines.push(alone, Source::Field(path.clone()));
                lines.tests(path, predicate);
            }),
        }
    }

    /// Adds a line for each of several tests of one field.
    fn tests(&mut self, path: &Path, predicate: &FieldPredicate) {
        let FieldPredicate::Tests(predicate) = predicate else { return };
        let is_beside = |test: &&Test| !matches!(test, Test::Filter(_) | Test::By(_));
        if predicate.tests.iter().filter(is_beside).count() < 2 {
            return;
        }
        for test in predicate.tests.iter().filter(|test| !test.is_no_test()) {
            let alone = FieldPredicate::Tests(predicate.alone(test));
            let condition = Condition { members: vec![Member::Field(path.clone(), alone)] };
            self.at(test.operator().name(), |lines| lines.push(condition, Source::Field(path.clone())));
        }
    }

    /// Adds a line for each of several segments.
    fn segments(&mut self, predicate: &NamePredicate) {
        if matches!(predicate, NamePredicate::Literal(_)) {
            return;
        }
        for (steps, name) in predicate.names() {
            let alone = Member::Segment(NamePredicate::Literal(name.to_owned().into()));
            steps.iter().for_each(|step| self.place.enter(step));
            self.push(Condition { members: vec![alone] }, Source::Several);
            steps.iter().for_each(|_| self.place.leave());
        }
    }

    fn push(&mut self, condition: Condition, source: Source) {
        self.lines.push(Line { pointer: self.place.pointer().to_owned(), condition, source });
    }

    fn at(&mut self, step: impl std::fmt::Display, walk: impl FnOnce(&mut Self)) {
        self.place.enter(step);
        walk(self);
        self.place.leave();
    }
}

/// Evaluates all lines for a contact in one query, with the caller's rights, and returns how many rows have its id.
/// Raises 42704 if the caller sees no such contact. If several rows have the id, it evaluates one that is a member, if
/// there is one.
fn look(audience: &Audience, segment: &Definition, lines: &[Line], contact_id: &str) -> (Vec<LineResult>, i64) {
    let checked: Vec<Checked> = lines
        .iter()
        .map(|line| {
            let alone = Definition { conditions: line.condition.to_string(), ..segment.clone() };
            scope::check_new(audience, &alone).checked
        })
        .collect();
    let holds: Vec<String> = checked
        .iter()
        .map(|checked| format!("COALESCE(({}), false)", contact_sql::executable_sql_for_one(audience, checked)))
        .collect();
    let values: Vec<String> = lines
        .iter()
        .zip(&checked)
        .map(|(line, checked)| format!("({})::pg_catalog.text", value_sql(audience, line, checked)))
        .collect();
    let on_elements: Vec<Option<Cow<'_, FieldTest>>> =
        lines.iter().zip(&checked).map(|(line, checked)| test_on_elements(audience, line, checked)).collect();
    let properties: Vec<String> = on_elements
        .iter()
        .map(|test| match test {
            // The value of the line is what it reads.
            Some(test) if audience.table.relation(test.path.first()).is_some() => "NULL".to_owned(),
            Some(test) => format!("({})::pg_catalog.text", contact_sql::property_sql(audience, test.path.first())),
            None => "NULL".to_owned(),
        })
        .collect();
    let sql = format!(
        "SELECT ARRAY[{}]::pg_catalog.bool[], ARRAY[{}]::pg_catalog.text[], ARRAY[{}]::pg_catalog.text[],
                pg_catalog.count(*) OVER ()
           FROM {} WHERE {} AND ({}) ORDER BY {} DESC LIMIT 1",
        holds.join(", "),
        values.join(", "),
        properties.join(", "),
        audience.relation.quoted(),
        contact_sql::is_contact(audience, contact_id),
        contact_sql::executable_sql(audience, &segments_core::expr::Expr::Const(true)),
        holds[0],
    );
    let read = |row: &query::Row| {
        let texts = |column| row.get::<Vec<Option<String>>>(column);
        (row.get::<Vec<bool>>(1), texts(2), texts(3), row.get::<i64>(4))
    };
    let Some((holds, values, properties, rows)) = snapshot::of_statement(|| query::first(&sql, &[], read)) else {
        unknown_contact(audience, contact_id).raise()
    };
    let read = properties.into_iter().zip(&values).map(|(property, value)| property.or_else(|| value.clone()));
    let found: Vec<Option<String>> =
        on_elements.iter().zip(read).map(|(test, read)| found(test.as_ref()?, &read?)).collect();
    let results = holds.into_iter().zip(values).zip(found);
    (results.map(|((matches, value), elements)| LineResult { value, matches, elements }).collect(), rows)
}

/// The test of a line, if it is one test on the elements of a field.
fn test_on_elements<'c>(audience: &Audience, line: &Line, checked: &'c Checked) -> Option<Cow<'c, FieldTest>> {
    let Source::Field(_) = &line.source else { return None };
    if let Some(rows) = rows::test_on_rows(audience, checked) {
        return Some(Cow::Owned(rows.on_array()));
    }
    let mut tests = Vec::new();
    checked.for_each(&mut |atom| {
        if let Atom::Field(field) = atom {
            tests.push(field);
        }
    });
    match tests[..] {
        [test] if test.test.is_on_elements() => Some(Cow::Borrowed(test)),
        _ => None,
    }
}

/// What a test on elements found, given the property that it reads.
fn found(test: &FieldTest, property: &str) -> Option<String> {
    let document = Json::Object(vec![(test.path.first().to_owned(), Json::parse(property).ok()?)]);
    let surroundings = Surroundings { interrupt: interrupt::check, ..Surroundings::NONE };
    let found = elements_found(test, &document, surroundings);
    Some(found.iter().map(ElementsFound::to_string).collect::<Vec<_>>().join("; "))
}

/// The value that a line reads, as jsonb: a field, the rows of a relation, or the slugs of the contact's topics.
fn value_sql(audience: &Audience, line: &Line, checked: &Checked) -> String {
    match &line.source {
        Source::Field(path) if let Some(relation) = audience.table.relation(path.first()) => {
            rows::rows_sql(audience, relation, checked)
        }
        Source::Field(path) => contact_sql::field_sql(audience, path),
        Source::Fields(paths) => fields_sql(audience, paths),
        Source::Topics => subscription::slugs(audience),
        Source::Bucket(Bucket { of, salt, .. }) => format!(
            "pg_catalog.to_jsonb({}.bucket_of({}, {}, {of}))",
            quote_identifier(&audience.extension_schema),
            quote_identifier(&audience.id.name),
            quote_literal(salt)
        ),
        Source::Several => "NULL::pg_catalog.jsonb".to_owned(),
    }
}

/// The values at several paths, as one object.
fn fields_sql(audience: &Audience, paths: &[Path]) -> String {
    // A function can have arguments for this many.
    const MOST: usize = 50;
    let members: Vec<String> = paths
        .iter()
        .take(MOST)
        .map(|path| format!("{}, {}", quote_literal(path.text()), contact_sql::field_sql(audience, path)))
        .collect();
    format!("pg_catalog.jsonb_build_object({})", members.join(", "))
}

/// A note about the value that a line has read.
fn note(audience: &Audience, line: &Line, result: &LineResult) -> Option<String> {
    let Source::Field(path) = &line.source else { return None };
    let Some(text) = &result.value else { return Some("the contact has no value for it".to_owned()) };
    if let Some(elements) = &result.elements {
        return Some(elements.clone());
    }
    if audience.table.relation(path.first()).is_some() {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let declared = audience.property(path.text())?;
    if let Some(misfit) = Misfit::of(declared, &value) {
        return Some(misfit.note(declared));
    }
    let date = stored::moment(&value, declared).filter(|_| value.is_number())?;
    Some(format!("the stored number is {date}"))
}
