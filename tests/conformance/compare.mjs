// Compares the core with other implementations on the cases of tests/cases and on random pairs. Each, with all of its allowed differences repaired,
// has to agree with the core on every pair; those on which it differs as it is are counted by the repair that they need. It is not
// asked about the operators that it lacks. What is refused here and accepted by an oracle has to be a difference from MongoDB that the case tells.
// Usage: compare.mjs PAIRS SEED ORACLE…

import { pairs as cases, refusedAlike } from "./cases.mjs";
import { evaluate, generate } from "./core.mjs";
import { repaired } from "./repair.mjs";
import { shrink } from "./shrink.mjs";

const SHOWN = 20;
/** How many pairs are held in memory. */
const BATCH = 20_000;

const [pairCount, seed, ...names] = process.argv.slice(2);
const comparisons = await Promise.all(names.map(comparison));
const seeds = cases();
for (const comparison of comparisons) comparison.compare(seeds);
let matching = 0;
for (let done = 0; done < pairCount; done += BATCH) {
  const pairs = generate(Math.min(BATCH, pairCount - done), BigInt(seed) + BigInt(done));
  matching += pairs.filter((pair) => pair.matches).length;
  for (const comparison of comparisons) comparison.compare(pairs);
}
console.log(`${seeds.length} pairs of cases, and ${pairCount} of seed ${seed}, of which ${((100 * matching) / pairCount).toFixed(1)} % match`);
for (const comparison of comparisons) if (comparison.report()) process.exitCode = 1;

/** An oracle beside the core. */
async function comparison(name) {
  const oracle = await import(`./oracles/${name}.mjs`);
  const repairs = oracle.allowed.map(({ repair }) => repair);
  const sets = repairs.length > 0 ? [...repairs.map((repair) => new Set([repair])), new Set(repairs)] : [];
  const raw = asker(oracle, oracle.matches);
  const withRepairs = sets.map((set) => asker(oracle, repaired(oracle.matches, set)));
  const ideal = withRepairs.at(-1) ?? raw;

  const accepted = oracle.accepts ? refusedAlike().filter(({ condition, at }) => !at.split("/").some((key) => oracle.lenient.includes(key)) && oracle.accepts(condition)) : [];
  const counts = sets.map(() => 0);
  const unexplained = [];
  let [asked, agreeing, unasked] = [0, 0, 0];

  function compare(all) {
    const pairs = all.filter(({ condition }) => !has(condition, oracle.lacks ?? []));
    unasked += all.length - pairs.length;
    settled(() => pairs.forEach(ideal));
    const contradictions = oracle.contradictions?.() ?? [];
    evaluate(contradictions).forEach((matches, index) => unexplained.push({ ...contradictions[index], matches }));
    const explained = pairs.filter((pair) => ideal(pair) === pair.matches || (unexplained.push(pair), false));
    settled(() => explained.forEach(raw));
    const differing = explained.filter((pair) => raw(pair) !== pair.matches);
    asked += pairs.length;
    agreeing += explained.length - differing.length;
    settled(() => differing.forEach((pair) => withRepairs.forEach((ask) => ask(pair))));
    for (const pair of differing) counts[withRepairs.findIndex((ask) => ask(pair) === pair.matches)]++;
    oracle.forget?.();
  }

  function report() {
    console.log(`${name}: ${agreeing} agree, ${asked - agreeing} differ, ${unasked} not asked`);
    const line = (count, what) => console.log(`  ${String(count).padStart(6)}  ${what}`);
    oracle.allowed.forEach(({ because }, index) => line(counts[index], because));
    if (repairs.length > 0) line(counts.at(-1), "several of these together");
    line(unexplained.length, "unexplained");
    if (accepted.length > 0) line(accepted.length, "accepted, but refused here, although the case does not say that this differs from MongoDB");
    for (const { condition } of accepted) console.log(`          ${JSON.stringify(condition)}`);
    const coverage = oracle.coverage?.() ?? [];
    for (const { what, share } of coverage) line(`${share.toFixed(0)} %`, what);
    const differs = (pairs) => {
      settled(() => pairs.forEach(ideal));
      return pairs.map((pair) => ideal(pair) !== pair.matches);
    };
    const smallest = shrink(unexplained.slice(0, SHOWN), differs);
    settled(() => smallest.forEach(raw));
    const texts = smallest.map((pair) => JSON.stringify({ ...pair, [name]: raw(pair) }));
    const distinct = [...new Set(texts)].sort((left, right) => left.length - right.length);
    for (const text of distinct) console.log(`          ${text}`);
    return unexplained.length > 0 || accepted.length > 0 || coverage.some(({ share, least }) => share < least);
  }

  /** Asks until an oracle that learns its answers in batches has them all. */
  function settled(ask) {
    do ask();
    while (oracle.learn?.());
  }

  return { compare, report };
}

/** Whether any of the keys is among those of the value, at any depth. */
function has(value, keys) {
  if (value === null || typeof value !== "object") return false;
  return Object.entries(value).some(([key, member]) => keys.includes(key) || has(member, keys));
}

/** An implementation's answer to a pair: what it says, or the message that it fails with. */
function asker({ translate = (condition) => condition }, matches) {
  return ({ document, condition }) => {
    try {
      return matches(document, translate(condition));
    } catch (error) {
      return error.message;
    }
  };
}
