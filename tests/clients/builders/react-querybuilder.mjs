// react-querybuilder: with the operators that builder_fields() gives a form, and every operator on every type; with values as its
// editors give them; groups, empty ones and negated.
import { defaultOperators, formatQuery } from '@react-querybuilder/core';
import { TYPES } from './people.mjs';

const INPUTS = { number: 'number', date: 'date', timestamp: 'datetime-local' };
export const fields = Object.entries(TYPES).map(([field, type]) => ({ name: field, label: field, inputType: INPUTS[type.replace('[]', '')] ?? 'text' }));

const VALUES = {
  string: ['Ada', 'a', 'a.b', 'a+b', '50%', '', 'zoë'], number: ['18', '10', '42.5', '-1', ''], boolean: [true, false],
  date: ['1985-05-15', ''], timestamp: ['2024-05-15T12:00', ''], 'string[]': ['vip', 'new', ''], 'number[]': ['2', '0', ''],
};
const LISTS = {
  string: ['Ada,Bo', 'Ada', ''], number: ['18,30', '5', ''], boolean: [[true, false]], date: ['1961-02-11,1985-05-15', ''],
  timestamp: ['2024-02-11T11:30,2024-05-15T12:00', ''], 'string[]': ['vip,new', ''], 'number[]': ['1,2', ''],
};

function* values(type, operator) {
  if (/null/i.test(operator)) yield null;
  else if (/between|^(not)?in$/i.test(operator)) yield* LISTS[type] ?? [];
  else yield* VALUES[type] ?? [];
}

/** The rules of a form, by the operators that it offers for a field. */
function* offered(operatorsOf) {
  for (const [field, type] of Object.entries(TYPES)) {
    for (const { name: operator } of operatorsOf(field)) {
      for (const value of values(type, operator)) yield { field, operator, value };
    }
  }
}

/** The rules of a form that knows no types, and lets fields be values. */
function* rules() {
  yield* offered(() => defaultOperators);
  for (const [field, type] of Object.entries(TYPES)) {
    for (const { name: operator } of defaultOperators) {
      const other = type === 'number' ? 'budget' : 'name';
      if (field !== other) yield { field, operator, value: /between|^(not)?in$/i.test(operator) ? [other, 'age'] : other, valueSource: 'field' };
    }
  }
}

export function* queries() {
  yield { combinator: 'and', rules: [] };
  yield { combinator: 'or', not: true, rules: [] };
  for (const rule of rules()) {
    yield { combinator: 'and', rules: [rule] };
    yield { combinator: 'and', not: true, rules: [rule] };
  }
  const some = [{ field: 'age', operator: '>=', value: '18' }, { field: 'name', operator: 'contains', value: 'a' }, { field: 'tags', operator: '=', value: 'vip' }];
  for (const combinator of ['and', 'or', 'xor']) {
    for (const not of [false, true]) {
      yield { combinator, not, rules: some };
      yield { combinator, not, rules: [some[0], { combinator: 'or', not, rules: some.slice(1) }] };
      yield { combinator, not, rules: [some[0], { combinator: 'and', not, rules: [] }] };
      yield { combinator, not, rules: [{ combinator: 'or', not, rules: [] }, { combinator: 'and', rules: [{ combinator: 'or', rules: some }] }] };
    }
  }
  yield { rules: [some[0], 'and', some[1], 'or', some[2]] };
  for (const mode of ['all', 'some', 'none', 'atLeast', 'atMost', 'exactly']) {
    for (const threshold of [2, 0.5]) {
      const inside = (field, value) => ({ combinator: 'and', rules: [{ field, operator: '=', value }] });
      yield { combinator: 'and', rules: [{ field: 'tags', operator: '=', match: { mode, threshold }, value: inside('', 'vip') }] };
      yield { combinator: 'and', rules: [{ field: 'orders', operator: '=', match: { mode, threshold }, value: inside('paid', true) }] };
    }
  }
}

const filterOf = (query, fields) => formatQuery(query, { format: 'mongodb_query', fields, parseNumbers: 'strict-limited' });

export const withFields = {
  name: 'react-querybuilder with the fields of builder_fields()',
  *filters(fields) {
    for (const rule of offered((name) => fields.find((field) => field.name === name).operators)) {
      for (const not of [false, true]) yield filterOf({ combinator: 'and', not, rules: [rule] }, fields);
    }
  },
};

export const withoutTypes = {
  name: 'react-querybuilder with every operator on every field',
  *filters() {
    for (const query of queries()) yield filterOf(query, fields);
  },
};
