// Reading a stored segment back into a form: what docs/builders.md recommends loses nothing.
import { fromCondition, toCondition } from '../../../examples/app/web/condition.js';
import { members } from './oracle.mjs';
import { conditionOf, queryOf } from './parse.mjs';
import { fields, queries } from './react-querybuilder.mjs';
import { REFUSED } from './refused.mjs';

/** Conditions of segments that a form has no rules for. */
const OTHERS = [
  { $topic: 'weekly' }, { $segment: { $nin: ['A'] } }, { age: { $exists: true } }, { tags: { $all: ['vip'] } }, { tags: { $size: 2 } }, { scores: { $elemMatch: { $gt: 1 } } },
  { name: { $contains: 'a' } }, { name: { $regex: 'a', $options: 'i' } }, { name: { $empty: true } }, { age: { $not: { $in: [1] } } }, { born: { $gte: { $today: '-30 days' } } },
  { $or: [{ age: 5 }, {}] }, { $or: [{ age: 5 }, { $expr: { $gt: ['$spent', '$budget'] } }] }, { $nor: [{ age: 5 }, { $topic: 'weekly' }] }, { name: {} }, { age: { $in: [5, null] } },
  { age: { $gt: 5, $type: 'number' } }, { $comment: 'by hand', age: 5 },
];

const problems = [];
const check = (holds, what) => holds || problems.push(what);

/** Both ways of reading back; either gives a query that says the same, or none. */
export function run() {
  const stored = [...queries()].map((query) => conditionOf(query, fields)).filter((filter) => !REFUSED.some(({ is }) => is(filter)));
  let read = 0;
  for (const condition of stored) {
    const query = queryOf(condition, fields);
    if (query) read += 1;
    if (query) check(String(members(conditionOf(query, fields))) === String(members(condition)), `parseMongoDB changes ${JSON.stringify(condition)}`);
  }
  check(read > 0.9 * stored.length, `only ${read} of ${stored.length} are read back`);
  for (const condition of OTHERS) {
    const query = queryOf(condition, fields);
    check(!query || JSON.stringify(conditionOf(query, fields)) === JSON.stringify(condition), `parseMongoDB loses a part of ${JSON.stringify(condition)}`);
  }
  for (const query of queries()) {
    if (JSON.stringify(query).includes('"match"') || JSON.stringify(query).includes('valueSource') || query.combinator === 'xor' || !query.combinator) continue;
    const { condition, incomplete } = toCondition(query, fields);
    if (incomplete.length) continue;
    const again = toCondition(fromCondition(condition), fields).condition;
    check(JSON.stringify(again) === JSON.stringify(condition), `condition.js changes ${JSON.stringify(condition)} to ${JSON.stringify(again)}`);
  }
  for (const condition of [...stored, ...OTHERS]) {
    let query;
    try {
      query = fromCondition(condition);
    } catch {
      continue;
    }
    const { condition: written, incomplete } = toCondition(query, fields);
    if (incomplete.length || /"\$(topic|segment|contains|startsWith|endsWith)"/.test(JSON.stringify(written))) continue;
    check(String(members(written)) === String(members(condition)), `condition.js changes ${JSON.stringify(condition)} to ${JSON.stringify(written)}`);
  }
  console.log(`${problems.length ? 'not ok' : 'ok'} - reading back: ${read} of ${stored.length} filters of react-querybuilder, and nothing is lost`);
  problems.slice(0, 10).forEach((problem) => console.log(`# ${problem}`));
  return problems.length;
}
