// Compares the core with other implementations on random pairs. Each, with all of its allowed differences repaired,
// has to agree with the core on every pair; those on which it differs as it is are counted by the repair that they need.
// Usage: compare.mjs PAIRS SEED [ORACLE…]

import { generate } from "./core.mjs";
import { repaired } from "./repair.mjs";
import { shrink } from "./shrink.mjs";
import { translate } from "./translate.mjs";

const SHOWN = 20;
const [pairCount, seed, ...names] = process.argv.slice(2);
const pairs = generate(pairCount, seed);
const matching = pairs.filter((pair) => pair.matches).length;
console.log(`${pairs.length} pairs of seed ${seed}, of which ${percent(matching, pairs.length)} match`);

let failed = false;
for (const name of names.length > 0 ? names : ["mingo", "sift"]) {
  const oracle = await import(`./oracles/${name}.mjs`);
  const repairs = oracle.allowed.map(({ repair }) => repair);
  const sets = [...repairs.map((repair) => new Set([repair])), new Set(repairs)];
  const raw = asker(oracle.matches);
  const withRepairs = sets.map((set) => asker(repaired(oracle.matches, set)));
  const ideal = withRepairs.at(-1);

  const counts = sets.map(() => 0);
  const unexplained = [];
  let agreeing = 0;
  for (const pair of pairs) {
    if (ideal(pair) !== pair.matches) unexplained.push(pair);
    else if (raw(pair) === pair.matches) agreeing++;
    else counts[withRepairs.findIndex((ask) => ask(pair) === pair.matches)]++;
  }
  console.log(`${name}: ${agreeing} agree, ${pairs.length - agreeing} differ`);
  oracle.allowed.forEach(({ because }, index) => report(counts[index], because));
  report(counts.at(-1), "several of these together");
  report(unexplained.length, "unexplained");
  if (unexplained.length > 0) {
    failed = true;
    const differs = (pair) => ideal(pair) !== pair.matches;
    const texts = shrink(unexplained, differs).map((pair) => JSON.stringify({ ...pair, [name]: raw(pair) }));
    const distinct = [...new Set(texts)].sort((left, right) => left.length - right.length);
    for (const text of distinct.slice(0, SHOWN)) console.log(`          ${text}`);
  }
}
process.exitCode = failed ? 1 : 0;

/** An implementation's answer to a pair: what it says, or the message that it fails with. */
function asker(matches) {
  return ({ document, condition }) => {
    try {
      return matches(document, translate(condition));
    } catch (error) {
      return error.message;
    }
  };
}

function report(count, what) {
  console.log(`  ${String(count).padStart(6)}  ${what}`);
}

function percent(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
