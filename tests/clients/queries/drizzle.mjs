import { and, eq, gte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { bigint, integer, pgTable, text } from "drizzle-orm/pg-core";

const customers = pgTable("customers", {
  id: bigint("id", { mode: "number" }).primaryKey(),
  company: text("company"),
});
const orders = pgTable("orders", {
  id: bigint("id", { mode: "number" }).primaryKey(),
  customer: bigint("customer", { mode: "number" }).references(() => customers.id),
  amount: integer("amount"),
});

const db = drizzle(process.env.DATABASE_URL);
const rows = async (query) => (await db.execute(query)).rows;
const show = async (way, query) => {
  const plan = await rows(sql`EXPLAIN (COSTS off) ${query.getSQL()}`);
  console.log([`${way}: ${(await query).length} orders`, ...plan.map((line) => line["QUERY PLAN"])].join("\n  "));
};

// The planner puts the segment's condition in the place of the call.
await show("in_segment", db.select({ company: customers.company, amount: orders.amount })
  .from(customers).innerJoin(orders, eq(orders.customer, customers.id))
  .where(and(sql`in_segment(${customers.id}, ${"Large"})`, gte(orders.amount, 498))));

// The planner puts a query on the audience's table, which this one does not name, in the place of the call.
const members = sql`(SELECT member FROM segment_members(${"Large"}, NULL::bigint) member)`;
await show("segment_members", db.select({ amount: orders.amount }).from(orders)
  .where(and(gte(orders.amount, 498), sql`${orders.customer} IN ${members}`)));

// The condition as text, which sql.raw() leaves as it is.
const [{ segment_sql: condition }] = await rows(sql`SELECT segment_sql(${"Odd"})`);
await show("segment_sql", db.select({ amount: orders.amount }).from(orders)
  .where(and(gte(orders.amount, 498), sql`${orders.customer} IN (SELECT id FROM customers WHERE ${sql.raw(condition)})`)));

await db.$client.end();
