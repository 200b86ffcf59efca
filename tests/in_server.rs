//! Runs the tests that are inside a server, each as a test of its own.
//!
//! `#[pg_test]` makes the same tests in the library. There they would need the library to be compiled twice for each Postgres:
//! as a server loads it, and with these tests.

/// Makes a test of each function that `#[pg_test]` marks, and a list of their names.
macro_rules! in_server {
    ($($name:ident $(fails with $error:literal)?;)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name), [$($error)?].first().copied());
            }
        )*

        const LISTED: &[&str] = &[$(stringify!($name)),*];
    };
}

in_server! {
    a_domain_over_an_enum_does_not_refer_to_contacts
        fails with "column \"contact\" of public.subscribed does not hold ids of contacts";
    a_plan_is_not_run_with_arguments_of_other_types fails with "a plan was given other arguments than it takes";
    a_plan_is_not_run_without_its_arguments fails with "a plan was given other arguments than it takes";
    an_index_finds_what_a_scan_finds;
    any_stored_bytes_are_a_value_or_damage;
    clocks_show_what_they_show_in_sessions_of_the_zone;
    elements_compare_as_their_type_does;
    errors_are_those_of_the_cases;
    ids_of_a_domain_over_an_enum;
    ids_of_many_types;
    queries_run_through_the_innermost_connection
        fails with "a query was run through a connection inside of which another one is open";
    sql_agrees_with_the_core_over_columns_of_every_type;
    sql_says_what_the_cases_say_of_declared_properties;
    the_operator_agrees_with_the_core_row_by_row;
    the_operator_agrees_with_the_core_with_and_without_indexes;
    the_operator_says_what_the_cases_say;
    the_query_is_one_that_citus_plans;
    without_arguments_there_is_no_list_of_them;
}

#[test]
fn every_test_is_listed() {
    run("without_arguments_there_is_no_list_of_them", None); // the first one to run starts the server
    let (mut client, _) = pgrx_tests::client().unwrap();
    let marked =
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'tests'::regnamespace ORDER BY proname COLLATE \"C\"";
    let marked: Vec<String> = client.query(marked, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(marked, LISTED);
}

fn run(name: &str, error: Option<&str>) {
    if let Err(report) = pgrx_tests::run_test(name, error, vec!["jit = off"]) {
        panic!("{report:?}");
    }
}
