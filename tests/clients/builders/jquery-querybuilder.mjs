// jQuery-QueryBuilder with its MongoDB plug-in, in a page of jsdom.
import { JSDOM } from 'jsdom';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TYPES } from './people.mjs';

export const name = 'jQuery-QueryBuilder';

const require = createRequire(import.meta.url);

function* rules(builder, filters) {
  const VALUES = { string: ['Ada', 'a', 'a.b', 'a+b'], double: [18, 42.5, 0], boolean: [true, false], date: ['1985-05-15'], datetime: ['2024-05-15T12:00:00Z', '2024-05-15 12:00:00'] };
  for (const filter of filters) {
    for (const { type: operator, apply_to: types, nb_inputs: inputs } of builder.operators) {
      const kind = { double: 'number', date: 'datetime' }[filter.type] ?? filter.type;
      if (!types.includes(kind)) continue;
      const values = VALUES[filter.type];
      for (const value of values) {
        const given = inputs === 0 ? null : inputs === 2 ? [values.at(0), values.at(-1)] : /in$/.test(operator) ? [value, values[0]] : value;
        yield { id: filter.id, field: filter.field, type: filter.type, operator, value: given };
      }
    }
  }
}

export function* filters() {
  const { window } = new JSDOM('<div id="builder"></div>', { runScripts: 'outside-only' });
  for (const script of ['jquery/dist/jquery.js', 'jQuery-QueryBuilder/dist/js/query-builder.standalone.js']) {
    window.eval(readFileSync(require.resolve(script), 'utf8'));
  }
  const { $ } = window;
  const KINDS = { number: 'double', boolean: 'boolean', date: 'date', timestamp: 'datetime' };
  const known = Object.entries(TYPES).filter(([, type]) => type !== 'json')
    .map(([field, type]) => ({ id: field, field, label: field, type: KINDS[type.replace('[]', '')] ?? 'string', validation: {} }));
  $('#builder').queryBuilder({ filters: known, plugins: ['not-group'], allow_empty: true });
  const builder = $('#builder')[0].queryBuilder;
  // It asks whether values are arrays of its own page.
  const emitted = (group) => builder.getMongo(window.JSON.parse(JSON.stringify(group)));
  const all = [...rules(builder, known)];
  for (const rule of all) yield emitted({ condition: 'AND', rules: [{ ...rule }] });
  for (const condition of ['AND', 'OR']) {
    for (const not of [false, true]) {
      const pair = () => [{ ...all[0] }, { ...all.at(-1) }];
      yield emitted({ condition, not, rules: pair() });
      yield emitted({ condition, not, rules: [...pair(), { condition: 'OR', not, rules: pair() }] });
    }
  }
  yield emitted({ condition: 'AND', rules: [] });
  yield emitted({ condition: 'AND' });
}
