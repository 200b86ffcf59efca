import json
import os

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

# PgBouncer before 1.21, in transaction mode, knows no prepared statements.
threshold = None if "PGBOUNCER" in os.environ else 1
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, row_factory=dict_row, prepare_threshold=threshold) as db:
    # Attach a table, and say what its jsonb column holds.
    db.execute("SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')")
    for name, type in {"seats": "number", "note": "string"}.items():
        db.execute("SELECT create_property(%s, %s, 'customers')", [name, type])

    # Conditions are parameters like any other: a dict as Jsonb, or its JSON text.
    create = "SELECT * FROM create_segment(%s, %s, audience => 'customers')"
    db.execute(create, ["Paying", '{"mrr": {"$gt": 0}}'])
    large = db.execute(create, ["Large", Jsonb({"seats": {"$gte": 30}})]).fetchone()
    print(f"{large['name']} has {large['contact_count']} customers")
    for segment in db.execute("SELECT * FROM list_segments('customers', page_size => 1)"):
        print(f"It is in the list: {segment['name']} ({segment['contact_count']})")

    # Search. In a parameter, %, ? and : mean themselves.
    found = db.execute(
        "SELECT contact FROM search_contacts(%s, 'customers') contact",
        [json.dumps({"note": {"$contains": "50% off? :yes $1"}})],
    ).fetchone()
    print("Search finds", found["contact"]["company"])

    # Page: each page goes on after the last contact's cursor.
    after = None
    while page := db.execute(
        "SELECT contact FROM search_contacts(%s, 'customers', page_size => 2, after => %s) contact",
        [Jsonb({"customer_no": {"$gte": 1}}), after],
    ).fetchall():
        print("Page:", ", ".join(row["contact"]["company"] for row in page))
        after = page[-1]["contact"]["cursor"]

    # The operator, in a query of one's own.
    rows = db.execute(
        "SELECT company FROM customers WHERE attributes @~ %s ORDER BY customer_no DESC", [Jsonb({"seats": {"$lt": 100}})]
    )
    print("The operator finds", ", ".join(row["company"] for row in rows))

    # Update, explain, and join the members.
    updated = db.execute(
        "SELECT * FROM update_segment(%s, %s)", [large["id"], Jsonb({"conditions": {"seats": {"$gte": 100}}})]
    ).fetchone()
    print(f"Now {updated['contact_count']} customer is {updated['name']}")
    for part in db.execute("SELECT * FROM explain_match(%s, %s) WHERE path <> ''", [1, large["id"]]):
        print(f"Customer 1: {part['path']} is {part['value']}, {str(part['matches']).lower()}")
    members = db.execute(
        "SELECT company FROM customers JOIN segment_members(%s, NULL::bigint) member ON member = customer_no", [large["id"]]
    )
    print("Members:", ", ".join(row["company"] for row in members))
    is_member = db.execute("SELECT in_segment(%s, %s)", [4, large["id"]]).fetchone()["in_segment"]
    print("Is customer 4 a member?", str(is_member).lower())
    older = db.execute("SELECT * FROM list_segments(after => %s)", [str(large["id"])]).fetchall()
    print("Older than Large:", len(older), "segment")

    # What customers did: the rows of another table, as an array.
    db.execute("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')")
    repeated = {"orders": {"$filter": {"placed_at": {"$gte": "2024-05-01"}}, "$count": {"$gte": 2}}}
    regulars = db.execute(create, ["Regulars", Jsonb(repeated)]).fetchone()
    rows = db.execute("SELECT company FROM customers WHERE in_segment(customer_no, %s)", [regulars["id"]])
    print("Ordered twice since May:", ", ".join(row["company"] for row in rows))

    # What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
    try:
        db.execute(create, ["Oops", Jsonb({"seets": 1})])
    except psycopg.Error as error:
        print(f"{error.sqlstate}: {error.diag.message_primary}")

    db.execute("SELECT grant_segments_access('analyst', 'read:segments', 'customers')")
    print("The analyst may read segments")
