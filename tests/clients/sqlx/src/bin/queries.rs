use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

// The planner puts the segment's condition in the place of the call.
const IN_SEGMENT: &str = "SELECT company, amount FROM customers JOIN orders ON orders.customer = customers.id
    WHERE in_segment(customers.id, $1) AND amount >= 498";

// The planner puts a query on the audience's table, which this one does not name, in the place of the call.
const SEGMENT_MEMBERS: &str = "SELECT amount FROM orders
    WHERE amount >= 498 AND customer IN (SELECT member FROM segment_members($1, NULL::bigint) member)";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options: PgConnectOptions = std::env::var("DATABASE_URL")?.parse()?;
    let mut db = options.connect().await?;
    show(&mut db, "in_segment", IN_SEGMENT, Some("Large")).await?;
    show(&mut db, "segment_members", SEGMENT_MEMBERS, Some("Large")).await?;

    // The condition as text.
    let condition: String = sqlx::query_scalar("SELECT segment_sql($1)").bind("Odd").fetch_one(&mut db).await?;
    let query = format!(
        "SELECT amount FROM orders WHERE amount >= 498 AND customer IN (SELECT id FROM customers WHERE {condition})"
    );
    show(&mut db, "segment_sql", &query, None).await?;
    Ok(db.close().await?)
}

async fn show(db: &mut PgConnection, way: &str, query: &str, segment: Option<&str>) -> sqlx::Result<()> {
    let explain = format!("EXPLAIN (COSTS off) {query}");
    let (mut query, mut explain) = (sqlx::query(query), sqlx::query_scalar::<_, String>(&explain));
    if let Some(segment) = segment {
        (query, explain) = (query.bind(segment), explain.bind(segment));
    }
    println!("{way}: {} orders", query.fetch_all(&mut *db).await?.len());
    for line in explain.fetch_all(db).await? {
        println!("  {line}");
    }
    Ok(())
}
