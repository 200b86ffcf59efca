import { desc, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { bigint, jsonb, pgSchema, pgTable, text, uuid } from "drizzle-orm/pg-core";

const customers = pgTable("customers", {
  customerNo: bigint("customer_no", { mode: "number" }).primaryKey(),
  company: text("company"),
  attributes: jsonb("attributes"),
});

// A view: it is read like a table, and written by functions.
const segment = pgSchema("segments").view("segment", {
  id: uuid("id"),
  name: text("name"),
  conditions: jsonb("conditions"),
  contactCount: bigint("contact_count", { mode: "number" }),
}).existing();

const json = (value) => JSON.stringify(value);
const rows = async (query) => (await db.execute(query)).rows;
const createSegment = async (name, conditions) =>
  (await rows(sql`SELECT id, name, contact_count FROM create_segment(${name}, ${json(conditions)}, audience => 'customers')`))[0];
const search = (conditions, pageSize = 20, after = null) =>
  rows(sql`SELECT contact FROM search_contacts(${json(conditions)}, 'customers', ${pageSize}, ${after}) contact`);
const matches = (column, conditions) => sql`${column} @~ ${json(conditions)}`;
const companies = (found) => found.map((row) => row.company ?? row.contact.company).join(", ");

const db = drizzle(process.env.DATABASE_URL);

// Attach a table, and say what its jsonb column holds.
await db.execute(sql`SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')`);
for (const [name, type] of [["seats", "number"], ["note", "string"]]) {
  await db.execute(sql`SELECT create_property(${name}, ${type}, 'customers')`);
}

await createSegment("Paying", { mrr: { $gt: 0 } });
const large = await createSegment("Large", { seats: { $gte: 30 } });
console.log(`${large.name} has ${large.contact_count} customers`);
for (const listed of await db.select().from(segment).orderBy(desc(segment.id)).limit(1)) {
  console.log(`It is in the list: ${listed.name} (${listed.contactCount})`);
}

// Search. In a parameter, $1, %, ? and : mean themselves.
console.log("Search finds", companies(await search({ note: { $contains: "50% off? :yes $1" } })));

// Page: each page goes on after the last contact's cursor.
let page, after = null;
while ((page = await search({ customer_no: { $gte: 1 } }, 2, after)).length) {
  console.log("Page:", companies(page));
  after = page.at(-1).contact.cursor;
}

const few = await db.select().from(customers).where(matches(customers.attributes, { seats: { $lt: 100 } })).orderBy(desc(customers.customerNo));
console.log("The operator finds", companies(few));

// Update, explain, and join the members.
const [updated] = await rows(sql`SELECT * FROM update_segment(${large.id}, ${json({ conditions: { seats: { $gte: 100 } } })})`);
console.log(`Now ${updated.contact_count} customer is ${updated.name}`);
for (const part of await rows(sql`SELECT * FROM explain_match(${1}, ${large.id}) WHERE path <> ''`)) {
  console.log(`Customer 1: ${part.path} is ${part.value}, ${part.matches}`);
}
const members = await db.select().from(customers)
  .innerJoin(sql`segment_members(${large.id}, NULL::bigint) member`, sql`member = ${customers.customerNo}`);
console.log("Members:", companies(members.map((row) => row.customers)));
const [{ in_segment }] = await rows(sql`SELECT in_segment(${4}, ${large.id})`);
console.log("Is customer 4 a member?", in_segment);
console.log("Older than Large:", (await rows(sql`SELECT * FROM list_segments(after => ${large.id})`)).length, "segment");

// What customers did: the rows of another table, as an array.
await db.execute(sql`SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')`);
const repeated = { orders: { $filter: { placed_at: { $gte: "2024-05-01" } }, $count: { $gte: 2 } } };
const regulars = await createSegment("Regulars", repeated);
const regular = await db.select().from(customers).where(sql`in_segment(${customers.customerNo}, ${regulars.id})`);
console.log("Ordered twice since May:", companies(regular));

// What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
try {
  await createSegment("Oops", { seets: 1 });
} catch ({ cause }) {
  console.log(`${cause.code}: ${cause.message}`);
}

await db.execute(sql`SELECT grant_segments_access('analyst', 'read:segments', 'customers')`);
console.log("The analyst may read segments");
await db.$client.end();
