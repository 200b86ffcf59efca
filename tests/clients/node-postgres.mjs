import pg from "pg";

const db = new pg.Client({ connectionString: process.env.DATABASE_URL });
await db.connect();
const rows = async (text, ...values) => (await db.query(text, values)).rows;
const companies = (found) => found.map((row) => row.company ?? row.contact.company).join(", ");

// Attach a table, and say what its jsonb column holds.
await rows("SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')");
for (const property of [["seats", "number"], ["note", "string"]]) {
  await rows("SELECT create_property($1, $2, 'customers')", ...property);
}

// Conditions are parameters like any other: an object, or its JSON text. Counts are bigint, which pg gives as strings.
const create = "SELECT * FROM create_segment($1, $2, audience => 'customers')";
await rows(create, "Paying", '{"mrr": {"$gt": 0}}');
const [large] = await rows(create, "Large", { seats: { $gte: 30 } });
console.log(`${large.name} has ${large.contact_count} customers`);
for (const segment of await rows("SELECT * FROM list_segments('customers', page_size => $1)", 1)) {
  console.log(`It is in the list: ${segment.name} (${segment.contact_count})`);
}

// Search. In a parameter, $1, %, ? and : mean themselves.
const search = "SELECT contact FROM search_contacts($1, 'customers', page_size => $2, after => $3) contact";
console.log("Search finds", companies(await rows(search, { note: { $contains: "50% off? :yes $1" } }, 20, null)));

// Page: each page goes on after the last contact's cursor.
let page, after = null;
while ((page = await rows(search, { customer_no: { $gte: 1 } }, 2, after)).length) {
  console.log("Page:", companies(page));
  after = page.at(-1).contact.cursor;
}

// The operator, in a query of one's own; with a name, it is a prepared statement.
const few = { name: "few-seats", text: "SELECT company FROM customers WHERE attributes @~ $1 ORDER BY customer_no DESC", values: [{ seats: { $lt: 100 } }] };
if (process.env.PGBOUNCER) delete few.name; // before 1.21, in transaction mode, it knows no prepared statements
console.log("The operator finds", companies((await db.query(few)).rows));

// Update, explain, and join the members.
const [updated] = await rows("SELECT * FROM update_segment($1, $2)", large.id, { conditions: { seats: { $gte: 100 } } });
console.log(`Now ${updated.contact_count} customer is ${updated.name}`);
for (const part of await rows("SELECT * FROM explain_match($1, $2) WHERE path <> ''", 1, large.id)) {
  console.log(`Customer 1: ${part.path} is ${part.value}, ${part.matches}`);
}
const members = "SELECT company FROM customers JOIN segment_members($1, NULL::bigint) member ON member = customer_no";
console.log("Members:", companies(await rows(members, large.id)));
const [{ in_segment }] = await rows("SELECT in_segment($1, $2)", 4, large.id);
console.log("Is customer 4 a member?", in_segment);
console.log("Older than Large:", (await rows("SELECT * FROM list_segments(after => $1)", large.id)).length, "segment");

// What customers did: the rows of another table, as an array.
await rows("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')");
const repeated = { orders: { $filter: { placed_at: { $gte: "2024-05-01" } }, $count: { $gte: 2 } } };
const [regulars] = await rows(create, "Regulars", repeated);
console.log("Ordered twice since May:", companies(await rows(members, regulars.id)));

// What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
try {
  await rows(create, "Oops", { seets: 1 });
} catch (error) {
  console.log(`${error.code}: ${error.message}`);
}

await rows("SELECT grant_segments_access('analyst', 'read:segments', 'customers')");
console.log("The analyst may read segments");
await db.end();
