//! Periods of the calendar, their first and last days, in the audience's zone: New York on 2024-11-03.

mod common;

use common::assert_matches;
use common::audience::Audience;

#[test]
fn a_period_stands_wherever_a_date_may() {
    let (in_october, after) = (r#"{"seen": "2024-10-01T04:00:00Z"}"#, r#"{"seen": "2024-11-01T04:00:00Z"}"#);
    let (before, day) = (r#"{"seen": "2024-10-01T03:59:59.999999Z"}"#, r#"{"seen": "2024-10-31"}"#);
    let (none, other) = ("{}", r#"{"seen": ["2024-10-15"]}"#);
    assert_matches(
        &Audience,
        &[
            (r#"{"seen": {"$period": "last month"}}"#, &[in_october, day], &[before, after, none, other]),
            (r#"{"seen": {"$eq": {"$period": "1 month ago"}}}"#, &[in_october, day], &[before, after, none, other]),
            (r#"{"seen": {"$ne": {"$period": "last month"}}}"#, &[before, after, none, other], &[in_october, day]),
            (r#"{"seen": {"$gte": {"$period": "last month"}}}"#, &[in_october, day, after], &[before, none, other]),
            (r#"{"seen": {"$gt": {"$period": "last month"}}}"#, &[after], &[in_october, day, before, none]),
            (r#"{"seen": {"$lt": {"$period": "last month"}}}"#, &[before], &[in_october, day, after, none]),
            (r#"{"seen": {"$lte": {"$period": "last month"}}}"#, &[before, in_october, day], &[after, none]),
            (
                r#"{"seen": {"$in": [{"$period": "last month"}, "2020-02-29"]}}"#,
                &[in_october, r#"{"seen": "2020-02-29"}"#],
                &[before, after, none],
            ),
            (r#"{"seen": {"$nin": [{"$period": "last month"}]}}"#, &[before, after, none], &[in_october, day]),
            (r#"{"seen": {"$not": {"$eq": {"$period": "last month"}}}}"#, &[before, after, none], &[in_october]),
        ],
    );
}

#[test]
fn periods_fit_dates_arrays_and_what_is_not_declared() {
    assert_matches(
        &Audience,
        &[
            (
                r#"{"born": {"$period": "this week"}}"#,
                &[r#"{"born": "2024-10-28"}"#, r#"{"born": "2024-11-03"}"#, r#"{"born": "2024-11-04T04:59:59Z"}"#],
                &[r#"{"born": "2024-10-27"}"#, r#"{"born": "2024-11-04"}"#, r#"{"born": "2024-11-04T05:00:00Z"}"#],
            ),
            (
                r#"{"visits": {"$period": "last year"}}"#,
                &[r#"{"visits": ["2024-01-01", "2023-06-01"]}"#],
                &[r#"{"visits": ["2024-01-01", "2022-06-01"]}"#, r#"{"visits": []}"#],
            ),
            (
                r#"{"visits": {"$elemMatch": {"$gte": {"$period": "3 months ago"}, "$lt": {"$period": "this month"}}}}"#,
                &[r#"{"visits": ["2024-08-01"]}"#],
                &[r#"{"visits": ["2024-07-31", "2024-11-01"]}"#],
            ),
            // Where no type is declared, in UTC.
            (
                r#"{"data.at": {"$period": "this month"}}"#,
                &[r#"{"data": {"at": "2024-11-01T00:00:00Z"}}"#, r#"{"data": {"at": ["2024-11-30"]}}"#],
                &[r#"{"data": {"at": "2024-10-31T23:59:59Z"}}"#, r#"{"data": {"at": "this month"}}"#],
            ),
        ],
    );
}

#[test]
fn the_first_and_last_day_of_a_period_are_days_like_today() {
    assert_matches(
        &Audience,
        &[
            (
                r#"{"seen": {"$gte": {"$today": "0 days", "$startOf": "month"}}}"#,
                &[r#"{"seen": "2024-11-01T04:00:00Z"}"#, r#"{"seen": "2024-11-01"}"#],
                &[r#"{"seen": "2024-11-01T03:59:59Z"}"#, r#"{"seen": "2024-10-31"}"#],
            ),
            (
                r#"{"seen": {"$lte": {"$now": "-3 months", "$endOf": "quarter"}}}"#,
                &[r#"{"seen": "2024-10-01T03:59:59Z"}"#, r#"{"seen": "2024-09-30"}"#],
                &[r#"{"seen": "2024-10-01T04:00:00Z"}"#, r#"{"seen": "2024-10-01"}"#],
            ),
            (
                r#"{"born": {"$now": "-36 hours", "$startOf": "week"}}"#,
                &[r#"{"born": "2024-10-28"}"#],
                &[r#"{"born": "2024-10-29"}"#],
            ),
            (
                r#"{"data.at": {"$today": "-1 year", "$endOf": "year"}}"#,
                &[r#"{"data": {"at": "2023-12-31T12:00:00Z"}}"#],
                &[r#"{"data": {"at": "2024-01-01"}}"#],
            ),
        ],
    );
}
