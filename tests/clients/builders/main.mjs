// Creates what form builders emit as segments, and compares the members with what MongoDB would find.
//
//     DATABASE_URL=postgresql://… node main.mjs [BUILDER]
//
// Prints `ok - …` or `not ok - …` for each builder. A filter that is refused has to be one of those in refused.mjs.
import pg from 'pg';
import * as casl from './casl.mjs';
import * as devextreme from './devextreme.mjs';
import * as jqueryQuerybuilder from './jquery-querybuilder.mjs';
import { members } from './oracle.mjs';
import { PEOPLE, TYPES } from './people.mjs';
import * as reactAwesomeQueryBuilder from './react-awesome-query-builder.mjs';
import { withFields, withoutTypes } from './react-querybuilder.mjs';
import * as reading from './reading.mjs';
import { REFUSED } from './refused.mjs';

const BUILDERS = [withFields, withoutTypes, jqueryQuerybuilder, reactAwesomeQueryBuilder, casl, devextreme];
const client = new pg.Client(process.env.DATABASE_URL);
const used = new Set();

async function setUp() {
  await client.connect();
  await client.query('CREATE TABLE people (id int PRIMARY KEY, properties jsonb NOT NULL)');
  await client.query("INSERT INTO people SELECT (p ->> 'id')::int, p - 'id' FROM jsonb_array_elements($1::jsonb) p", [JSON.stringify(PEOPLE)]);
  await client.query("SELECT attach_audience('people', 'people', properties_column => 'properties')");
  for (const [property, type] of Object.entries(TYPES)) await client.query("SELECT create_property($1, $2, 'people')", [property, type]);
}

/** The members of the segment of that condition, or the error that it is refused with. */
async function created(condition) {
  await client.query('BEGIN');
  try {
    const { rows: [segment] } = await client.query("SELECT id, contact_count::int FROM create_segment('it', $1, audience => 'people')", [condition]);
    const { rows } = await client.query('SELECT m::int AS id FROM segment_members($1::uuid) m ORDER BY 1', [segment.id]);
    return { ids: rows.map((row) => row.id), count: segment.contact_count };
  } catch (error) {
    return { error };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function problem(condition) {
  const filter = JSON.parse(condition);
  const { ids, count, error } = await created(condition);
  const reason = REFUSED.find(({ is }) => is(filter));
  if (error && !reason) return `refused: ${error.message} (${error.detail}) ${error.hint ?? ''}`;
  if (error) return void used.add(reason);
  if (reason) return `not refused, though ${reason.why}`;
  const expected = members(filter);
  if (count !== ids.length || String(ids) !== String(expected)) return `has ${ids}\n#   expected ${expected}`;
}

const counted = (reasons) => [...new Set(reasons)].map((why) => ({ why, count: reasons.filter((reason) => reason === why).length }));

async function run(builder) {
  const seen = new Set();
  const problems = [];
  const refusals = [];
  const { rows: [{ fields }] } = await client.query("SELECT segments.builder_fields('people') AS fields");
  for await (const filter of builder.filters(fields)) {
    const condition = JSON.stringify(filter);
    if (condition === undefined || seen.has(condition)) continue;
    seen.add(condition);
    const reason = REFUSED.find(({ is }) => is(JSON.parse(condition)));
    if (reason) refusals.push(reason.why);
    const found = await problem(condition);
    if (found) problems.push(`#   ${condition}\n#   ${found}`);
  }
  console.log(`${problems.length ? 'not ok' : 'ok'} - ${builder.name}: ${seen.size} filters, ${refusals.length} refused`);
  for (const { why, count } of counted(refusals)) console.log(`#   ${count}  ${why}`);
  if (problems.length) console.log([...problems.slice(0, Number(process.env.SHOWN ?? 10)), `#   ${problems.length} in all`].join('\n'));
  return problems.length;
}

let failed = reading.run();
await setUp();
for (const builder of BUILDERS) {
  if (process.argv[2] && !builder.name.includes(process.argv[2])) continue;
  failed += await run(builder);
}
if (!process.argv[2]) {
  for (const { why } of REFUSED.filter((reason) => !used.has(reason))) {
    failed += 1;
    console.log(`not ok - nothing was refused because ${why}`);
  }
}
await client.end();
process.exitCode = failed ? 1 : 0;
