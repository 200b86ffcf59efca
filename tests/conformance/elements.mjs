// Compares tests on the elements of arrays with MongoDB's aggregation, as mingo has it, where both say the same: elements are
// objects whose values are whole numbers, strings or null, and values other than numbers are kept out of sums and bounds.
// Usage: elements.mjs PAIRS SEED

import { Query } from "mingo";
import { evaluate } from "./core.mjs";

const SHOWN = 20;
const [pairCount, seed] = process.argv.slice(2).map(Number);
let state = seed >>> 0;

/** A whole number below the bound (mulberry32). */
function below(bound) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
}

const pick = (items) => items[below(items.length)];
const percent = (share) => below(100) < share;

function element() {
  if (percent(8)) return pick([7, "x", null]);
  const value = () => (percent(75) ? below(7) - 2 : pick(["1", "x", null]));
  const members = ["kind", "value"].filter(() => percent(90)).map((key) => [key, key === "kind" ? below(3) : value()]);
  return Object.fromEntries(members);
}

function randomDocument() {
  if (percent(5)) return pick([{}, { a: null }, { a: 5 }, { a: { kind: 1 } }]);
  return { a: Array.from({ length: below(7) }, element) };
}

/** A condition on an element: ours, and MongoDB's expression. */
function wanted() {
  const number = below(3);
  return pick([
    { ours: { kind: number }, theirs: (e) => ({ $eq: [`${e}.kind`, number] }) },
    { ours: { kind: { $gte: number } }, theirs: (e) => ({ $and: [{ $isNumber: `${e}.kind` }, { $gte: [`${e}.kind`, number] }] }) },
    { ours: { $or: [{ kind: number }, { value: 1 }] }, theirs: (e) => ({ $or: [{ $eq: [`${e}.kind`, number] }, { $eq: [`${e}.value`, 1] }] }) },
  ]);
}

function bound() {
  const [operator, number] = [pick(["$eq", "$gt", "$gte", "$lt", "$lte"]), below(8) - 2];
  return { ours: { [operator]: number }, theirs: (result) => ({ [operator]: [result, number] }) };
}

const filtered = (input, { theirs }) => ({ $filter: { input, as: "e", cond: theirs("$$e") } });
const mapped = (input, inside) => ({ $map: { input, as: "e", in: inside } });
const numbers = (input) => ({ $filter: { input: mapped(input, "$$e.value"), as: "v", cond: { $isNumber: "$$v" } } });
const ifAny = (input, holds) => ({ $and: [{ $gt: [{ $size: input }, 0] }, holds] });

/** A test: ours, and MongoDB's expression on the elements that are seen. */
function test() {
  const [asked, condition] = [bound(), wanted()];
  const end = (at) => (seen) => ifAny(seen, { $let: { vars: { end: { $arrayElemAt: [seen, at] } }, in: condition.theirs("$$end") } });
  return pick([
    { ours: { $count: asked.ours }, theirs: (seen) => asked.theirs({ $size: seen }) },
    { ours: { $sum: { value: asked.ours } }, theirs: (seen) => asked.theirs({ $sum: numbers(seen) }) },
    { ours: { $avg: { value: asked.ours } }, theirs: (seen) => ifAny(numbers(seen), asked.theirs({ $avg: numbers(seen) })) },
    { ours: { $min: { value: asked.ours } }, theirs: (seen) => ifAny(numbers(seen), asked.theirs({ $min: numbers(seen) })) },
    { ours: { $max: { value: asked.ours } }, theirs: (seen) => ifAny(numbers(seen), asked.theirs({ $max: numbers(seen) })) },
    { ours: { $distinct: { kind: asked.ours } }, theirs: (seen) => asked.theirs({ $size: { $setUnion: [kinds(seen), []] } }) },
    { ours: { $some: condition.ours }, theirs: (seen) => ({ $anyElementTrue: [mapped(seen, condition.theirs("$$e"))] }) },
    { ours: { $every: condition.ours }, theirs: (seen) => ({ $allElementsTrue: [mapped(seen, condition.theirs("$$e"))] }) },
    { ours: { $first: condition.ours }, theirs: end(0) },
    { ours: { $last: condition.ours }, theirs: end(-1) },
  ]);
}

const kinds = (input) => ({ $filter: { input: mapped(input, "$$e.kind"), as: "v", cond: { $isNumber: "$$v" } } });

function pair() {
  const array = { $cond: [{ $isArray: "$a" }, "$a", []] };
  const filter = percent(60) ? wanted() : undefined;
  const seen = filter ? filtered(array, filter) : array;
  const { ours, theirs } = test();
  const isNegated = percent(20);
  const predicate = { ...(filter ? { $filter: filter.ours } : {}), ...(isNegated ? { $not: ours } : ours) };
  const expression = isNegated ? { $not: [theirs(seen)] } : theirs(seen);
  return { document: randomDocument(), condition: { a: predicate }, expression: { $expr: expression } };
}

const pairs = Array.from({ length: pairCount }, pair);
const found = evaluate(pairs.map(({ document, condition }) => ({ document, condition })));
const differing = pairs.filter(({ document, expression }, index) => new Query(expression).test(document) !== found[index]);
console.log(`elements: ${pairs.length} pairs of seed ${seed}, ${differing.length} differ`);
for (const { document, condition } of differing.slice(0, SHOWN)) console.log(`  ${JSON.stringify(condition)} of ${JSON.stringify(document)}`);
if (differing.length > 0) process.exitCode = 1;
