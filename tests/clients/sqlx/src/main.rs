use serde_json::{Value, json};
use sqlx::types::Uuid;
use sqlx::{ConnectOptions, Connection, Row, postgres::PgConnectOptions};

#[derive(sqlx::FromRow)]
struct Segment {
    id: Uuid,
    name: String,
    contact_count: Option<i64>,
}

const CREATE: &str = "SELECT * FROM create_segment($1, $2, audience => 'customers')";
const SEARCH: &str = "SELECT contact FROM search_contacts($1, 'customers', page_size => $2, after => $3) contact";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Behind PgBouncer in transaction mode, sqlx wants its version 1.21, which knows prepared statements.
    let options: PgConnectOptions = std::env::var("DATABASE_URL")?.parse()?;
    let mut db = options.connect().await?;

    // Attach a table, and say what its jsonb column holds.
    sqlx::query("SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')")
        .execute(&mut db)
        .await?;
    for (name, kind) in [("seats", "number"), ("note", "string")] {
        sqlx::query("SELECT create_property($1, $2, 'customers')").bind(name).bind(kind).execute(&mut db).await?;
    }

    // Conditions are parameters like any other: a serde_json Value, or JSON text. (Not now one, now the other in the same
    // statement: sqlx keeps what it prepared by the statement's text alone.)
    let paying: Segment =
        sqlx::query_as(CREATE).bind("Paying").bind(json!({"mrr": {"$gt": 0}})).fetch_one(&mut db).await?;
    let large: Segment =
        sqlx::query_as(CREATE).bind("Large").bind(json!({"seats": {"$gte": 30}})).fetch_one(&mut db).await?;
    println!("{} has {} customers", large.name, large.contact_count.unwrap_or_default());
    let listed: Vec<Segment> =
        sqlx::query_as("SELECT * FROM list_segments('customers', page_size => $1)").bind(1).fetch_all(&mut db).await?;
    for segment in listed {
        println!("It is in the list: {} ({})", segment.name, segment.contact_count.unwrap_or_default());
    }

    // Search. In a parameter, $1, %, ? and : mean themselves.
    let conditions = json!({"note": {"$contains": "50% off? :yes $1"}});
    let found = sqlx::query_scalar(SEARCH).bind(conditions).bind(20).bind(None::<String>).fetch_all(&mut db).await?;
    println!("Search finds {}", companies(&found));

    // Page: each page goes on after the last contact's cursor.
    let mut after = None;
    loop {
        let conditions = json!({"customer_no": {"$gte": 1}});
        let page: Vec<Value> =
            sqlx::query_scalar(SEARCH).bind(conditions).bind(2).bind(after).fetch_all(&mut db).await?;
        let Some(last) = page.last() else { break };
        println!("Page: {}", companies(&page));
        after = last["cursor"].as_str().map(str::to_owned);
    }

    // The operator, in a query of one's own.
    let few: Vec<String> =
        sqlx::query_scalar("SELECT company FROM customers WHERE attributes @~ $1 ORDER BY customer_no DESC")
            .bind(json!({"seats": {"$lt": 100}}))
            .fetch_all(&mut db)
            .await?;
    println!("The operator finds {}", few.join(", "));

    // Update, explain, and join the members.
    let changes = json!({"conditions": {"seats": {"$gte": 100}}});
    let updated: Segment =
        sqlx::query_as("SELECT * FROM update_segment($1, $2)").bind(large.id).bind(changes).fetch_one(&mut db).await?;
    println!("Now {} customer is {}", updated.contact_count.unwrap_or_default(), updated.name);
    for part in sqlx::query("SELECT * FROM explain_match($1, $2) WHERE path <> ''")
        .bind(1)
        .bind(large.id)
        .fetch_all(&mut db)
        .await?
    {
        let (path, value, matches): (String, Value, bool) = (part.get("path"), part.get("value"), part.get("matches"));
        println!("Customer 1: {path} is {value}, {matches}");
    }
    let members: Vec<String> = sqlx::query_scalar(
        "SELECT company FROM customers JOIN segment_members($1, NULL::bigint) member ON member = customer_no",
    )
    .bind(large.id)
    .fetch_all(&mut db)
    .await?;
    println!("Members: {}", members.join(", "));
    let is_member: bool =
        sqlx::query_scalar("SELECT in_segment($1, $2)").bind(4_i64).bind(large.id).fetch_one(&mut db).await?;
    println!("Is customer 4 a member? {is_member}");
    let older: Vec<Segment> = sqlx::query_as("SELECT * FROM list_segments(after => $1)")
        .bind(large.id.to_string())
        .fetch_all(&mut db)
        .await?;
    assert_eq!(older[0].id, paying.id);
    println!("Older than Large: {} segment", older.len());

    // What customers did: the rows of another table, as an array.
    sqlx::query("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')")
        .execute(&mut db)
        .await?;
    let repeated = json!({"orders": {"$filter": {"placed_at": {"$gte": "2024-05-01"}}, "$count": {"$gte": 2}}});
    let regulars: Segment = sqlx::query_as(CREATE).bind("Regulars").bind(repeated).fetch_one(&mut db).await?;
    let regular: Vec<String> = sqlx::query_scalar("SELECT company FROM customers WHERE in_segment(customer_no, $1)")
        .bind(regulars.id)
        .fetch_all(&mut db)
        .await?;
    println!("Ordered twice since May: {}", regular.join(", "));

    // What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
    let oops = sqlx::query(CREATE).bind("Oops").bind(json!({"seets": 1})).execute(&mut db).await;
    if let Err(sqlx::Error::Database(error)) = oops {
        println!("{}: {}", error.code().unwrap_or_default(), error.message());
    }

    sqlx::query("SELECT grant_segments_access('analyst', 'read:segments', 'customers')").execute(&mut db).await?;
    println!("The analyst may read segments");
    Ok(db.close().await?)
}

fn companies(contacts: &[Value]) -> String {
    contacts.iter().filter_map(|contact| contact["company"].as_str()).collect::<Vec<_>>().join(", ")
}
