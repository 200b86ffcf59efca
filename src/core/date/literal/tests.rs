//! Operands that are dates: how they are read, printed and resolved.

use super::super::sample::{NewYork, at, day};
use super::*;

fn string(text: &str) -> Json {
    Value::String(text.to_owned())
}

fn object(members: &[(&str, &str)]) -> Json {
    Value::Object(members.iter().map(|(key, value)| ((*key).to_owned(), string(value))).collect())
}

fn number(text: &str) -> Json {
    Value::Number(Decimal::parse(text).unwrap())
}

fn read((operator, operand): (&str, Json)) -> Result<DateLiteral, String> {
    match operator {
        "$date" => DateLiteral::date(&operand),
        "$now" => DateLiteral::now(&operand),
        "$today" => DateLiteral::today(&operand),
        "$period" => DateLiteral::period(&operand),
        _ => Err(format!("{operator} is no operator of dates")),
    }
}

fn read_members(mut members: Vec<(&str, Json)>) -> Result<DateLiteral, String> {
    let edge = members.iter().position(|(operator, _)| operator.ends_with("Of")).map(|place| members.remove(place));
    let date = read(members.swap_remove(0))?;
    let Some((operator, operand)) = edge else { return Ok(date) };
    let unit = DateLiteral::unit(&operand)?;
    let edge = if operator == "$startOf" { Edge::Start(unit) } else { Edge::End(unit) };
    date.at_edge(edge).ok_or_else(|| "it has no edge".to_owned())
}

#[test]
fn reading_what_is_printed_gives_the_literal_back() {
    let zones: [&dyn Zone; 2] = [&Utc, &NewYork];
    let written = [
        "2024-01-01",
        "2024-03-10",
        "0001-01-01",
        "9999-12-31",
        "2024-01-01 10:00",
        "2024-01-01T03:00:00.000001Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    let mut literals: Vec<_> = written.iter().map(|text| DateLiteral::date(&string(text)).unwrap()).collect();
    literals.push(DateLiteral::date(&number("1704067200123")).unwrap());
    literals.push(DateLiteral::date(&number("-1")).unwrap());
    literals.push(DateLiteral::now(&string("-36 HOURS")).unwrap());
    literals.push(DateLiteral::today(&string("+1 month")).unwrap());
    literals.push(DateLiteral::period(&string("3 Months ago")).unwrap());
    for edge in [Edge::Start(PeriodUnit::Week), Edge::End(PeriodUnit::Quarter)] {
        literals.push(DateLiteral::today(&string("0 days")).unwrap().at_edge(edge).unwrap());
        literals.push(DateLiteral::now(&string("-1 hour")).unwrap().at_edge(edge).unwrap());
    }
    for zone in zones {
        for text in written {
            literals.push(DateRange::resolve(Written::parse(text).unwrap(), zone).into());
        }
        literals.push(DateRange::of_days(day("2024-01-01"), day("2024-03-31"), zone).into());
        literals.push(DateRange::of_days(day("9999-01-01"), day("9999-12-31"), zone).into());
    }
    for literal in literals {
        assert_eq!(read_members(literal.members()), Ok(literal.clone()), "{literal:?}");
    }
}

#[test]
fn what_was_written_is_printed_as_it_was() {
    for operand in [string("2024-01-01"), string("2024-01-01 10:00:00+00"), number("1704067200000")] {
        assert_eq!(DateLiteral::date(&operand).unwrap().members(), [("$date", operand)]);
    }
    assert_eq!(DateLiteral::now(&string("-30 days")).unwrap().members(), [("$now", string("-30 days"))]);
    let today = DateLiteral::today(&string("-1 day")).unwrap();
    assert_eq!(today.members(), [("$today", string("-1 day"))]);
    let edge = today.at_edge(Edge::End(PeriodUnit::Month)).unwrap();
    assert_eq!(edge.members(), [("$endOf", string("month")), ("$today", string("-1 day"))]);
}

#[test]
fn a_resolved_operand_carries_its_instants_where_utc_does_not_say_them() {
    let resolved = |text: &str, zone: &dyn Zone| {
        DateLiteral::from(DateRange::resolve(Written::parse(text).unwrap(), zone)).members().swap_remove(0).1
    };
    assert_eq!(resolved("2024-01-01", &Utc), string("2024-01-01"));
    assert_eq!(resolved("2024-01-01 10:00", &Utc), string("2024-01-01T10:00:00Z"));
    assert_eq!(resolved("2024-01-01 10:00", &NewYork), string("2024-01-01T15:00:00Z"));
    assert_eq!(
        resolved("2024-01-01", &NewYork),
        object(&[("day", "2024-01-01"), ("from", "2024-01-01T05:00:00Z"), ("until", "2024-01-02T05:00:00Z")])
    );
    assert_eq!(
        resolved("2023-12-31 22:00", &NewYork),
        object(&[("at", "2024-01-01T03:00:00Z"), ("day", "2023-12-31")])
    );
    assert_eq!(
        DateLiteral::from(DateRange::of_days(day("2024-01-01"), day("2024-01-31"), &Utc)).members(),
        [(
            "$date",
            object(&[
                ("from", "2024-01-01T00:00:00Z"),
                ("last", "2024-01-31"),
                ("first", "2024-01-01"),
                ("until", "2024-02-01T00:00:00Z")
            ])
        )]
    );
    assert_eq!(
        resolved("9999-12-31", &NewYork),
        object(&[("day", "9999-12-31"), ("from", "9999-12-31T05:00:00Z"), ("until", "10000-01-01T00:00:00Z")])
    );
}

#[test]
fn the_checked_form_means_in_utc_what_was_meant_in_the_zone() {
    let now = at("2024-07-01T00:00:00Z");
    for text in ["2024-01-01", "2024-03-10", "2024-01-01 10:00", "2023-12-31 22:00", "2024-01-01T03:00:00Z"] {
        let meant = DateLiteral::date(&string(text)).unwrap().resolve(now, &NewYork).unwrap();
        let checked = read_members(DateLiteral::from(meant).members()).unwrap();
        assert_eq!(checked.resolve(now, &Utc), Some(meant), "{text}");
    }
}

#[test]
fn now_is_an_instant_and_today_a_day_of_the_zone() {
    let now = at("2024-01-01T03:00:00Z");
    let hour_ago = DateLiteral::now(&string("-1 hour")).unwrap();
    assert_eq!(hour_ago.resolve(now, &NewYork), Some(DateRange::of_instant(at("2024-01-01T02:00:00Z"), &NewYork)));
    let yesterday = DateLiteral::today(&string("-1 day")).unwrap();
    assert_eq!(yesterday.resolve(now, &NewYork), Some(DateRange::of_day(day("2023-12-30"), &NewYork)));
    assert_eq!(yesterday.resolve(now, &Utc), Some(DateRange::of_day(day("2023-12-31"), &Utc)));
    assert_eq!(DateLiteral::today(&string("-9999 years")).unwrap().resolve(now, &Utc), None);
}

#[test]
fn edges_come_after_the_offset_and_are_days() {
    let now = at("2024-01-31T03:00:00Z");
    let resolve = |date: Result<DateLiteral, String>, edge, zone: &dyn Zone| {
        date.unwrap().at_edge(edge).unwrap().resolve(now, zone)
    };
    let month_ago = || DateLiteral::today(&string("-1 month"));
    let first = Edge::Start(PeriodUnit::Month);
    assert_eq!(resolve(month_ago(), first, &Utc), Some(DateRange::of_day(day("2023-12-01"), &Utc)));
    let last = Edge::End(PeriodUnit::Month);
    assert_eq!(resolve(month_ago(), last, &NewYork), Some(DateRange::of_day(day("2023-12-31"), &NewYork)));
    // With `$now` and hours, the day in the zone counts.
    let hours = DateLiteral::now(&string("1 hour"));
    assert_eq!(
        resolve(hours, Edge::Start(PeriodUnit::Day), &NewYork),
        Some(DateRange::of_day(day("2024-01-30"), &NewYork))
    );
    let hours = DateLiteral::now(&string("24 hours"));
    assert_eq!(resolve(hours, first, &Utc), Some(DateRange::of_day(day("2024-02-01"), &Utc)));
}

#[test]
fn refusals_say_why() {
    let long = "x".repeat(1000);
    for (operator, operand, why) in [
        ("$date", string("01/02/2024"), "\"01/02/2024\" is neither a date"),
        ("$date", string("2024-02-30"), "is neither a date"),
        ("$date", string(&long), "x…\" is neither a date"),
        ("$date", number("0.5"), "0.5 is not a whole number of milliseconds"),
        ("$date", number("1e20"), "within the years 1 to 9999"),
        ("$date", Value::Null, "not null"),
        ("$date", Value::Array(vec![]), "not an array"),
        ("$date", object(&[]), "day and at, or day or first and last, and from and until"),
        ("$date", object(&[("day", "2024-01-01")]), "day and at, or day or first and last, and from and until"),
        (
            "$date",
            object(&[
                ("first", "2024-01-02"),
                ("from", "2024-01-01T00:00:00Z"),
                ("last", "2024-01-01"),
                ("until", "2024-01-02T00:00:00Z"),
            ]),
            "before the first",
        ),
        ("$date", object(&[("at", "2024-01-01T00:00:00"), ("day", "2024-01-01")]), "with its offset"),
        ("$date", object(&[("at", "2024-01-01T00:00:00Z"), ("day", "1/1/2024")]), "is not a date"),
        ("$date", object(&[("at", "10000-01-01T00:00:00Z"), ("day", "9999-12-31")]), "with its offset"),
        (
            "$date",
            object(&[("day", "2024-01-01"), ("from", "2024-01-02T00:00:00Z"), ("until", "2024-01-01T00:00:00Z")]),
            "before it starts",
        ),
        ("$now", string("a month ago"), "\"a month ago\" is not an offset such as \"-30 days\""),
        ("$now", string("2000000 days"), "up to 1000000"),
        ("$now", number("30"), "not a number"),
        ("$today", string("-36 hours"), "cannot move by hours"),
        ("$today", Value::Bool(true), "not a boolean"),
        ("$period", string("last 3 months"), "\"last 3 months\" is not a period: this, last or next"),
        ("$period", number("3"), "not a number"),
    ] {
        let message = read((operator, operand)).expect_err(why);
        assert!(message.contains(why), "{message}");
        assert!(message.len() < 200, "{message}");
    }
}
