// react-awesome-query-builder: every operator of every type and widget, fields as values, groups of an array's elements.
import { createRequire } from 'node:module';

export const name = 'react-awesome-query-builder';

// Its modules for import name folders, which Node.js does not look into.
const { CoreConfig, Utils } = createRequire(import.meta.url)('@react-awesome-query-builder/core');

const config = {
  ...CoreConfig,
  fields: {
    name: { label: 'Name', type: 'text', valueSources: ['value', 'field'] },
    'address.city': { label: 'City', type: 'text' },
    age: { label: 'Age', type: 'number', valueSources: ['value', 'field'] },
    spent: { label: 'Spent', type: 'number', valueSources: ['value', 'field'] },
    budget: { label: 'Budget', type: 'number', valueSources: ['value', 'field'] },
    vip: { label: 'Vip', type: 'boolean' },
    born: { label: 'Born', type: 'date' },
    seen: { label: 'Seen', type: 'datetime' },
    tags: { label: 'Tags', type: 'multiselect', fieldSettings: { listValues: ['vip', 'new', 'old'] } },
    plan: { label: 'Plan', type: 'select', fieldSettings: { listValues: ['Ada', 'Bo'] }, fieldName: 'name' },
    orders: {
      label: 'Orders', type: '!group', mode: 'array', conjunctions: ['AND', 'OR'], showNot: true,
      operators: ['some', 'all', 'none', 'equal', 'greater_or_equal', 'between'],
      subfields: { total: { label: 'Total', type: 'number' }, paid: { label: 'Paid', type: 'boolean' } },
    },
  },
};

const VALUES = { text: ['Ada', 'a.b', 'a'], number: [18, 10], boolean: [true, false], date: ['1985-05-15'], datetime: ['2024-05-15 12:00:00'], select: ['Ada'], multiselect: [['vip', 'new'], ['vip']] };
// Dates as they are written, where the tool's own are made by $dateFromString inside $expr.
const plain = { mongoFormatValue: (date) => date };
const { date, datetime } = config.widgets;
const asWritten = { ...config, widgets: { ...config.widgets, date: { ...date, ...plain }, datetime: { ...datetime, ...plain } } };

let counted = 0;
const id = () => `${counted++}`;

const rule = (field, operator, type, given, source = 'value') => ({
  type: 'rule', id: id(),
  properties: { field, operator, value: given, valueSrc: given.map(() => source), valueType: given.map(() => type) },
});
const group = (children1, properties = { conjunction: 'AND' }) => ({ type: 'group', id: id(), properties, children1 });
const emitted = (tree, by = config) => Utils.mongodbFormat(Utils.loadTree(tree), by);

function* rules() {
  for (const [field, { type }] of Object.entries(config.fields)) {
    if (type === '!group') continue;
    const operators = new Set(Object.values(config.types[type].widgets).flatMap((widget) => widget.operators ?? []));
    for (const operator of operators) {
      const { cardinality = 1 } = config.operators[operator];
      for (const value of VALUES[type]) {
        const given = /any_in/.test(operator) ? [[value].flat()] : Array(cardinality).fill(value);
        yield rule(field, operator, /any_in/.test(operator) ? 'multiselect' : type, given);
      }
    }
  }
  for (const operator of ['equal', 'not_equal', 'less', 'less_or_equal', 'greater', 'greater_or_equal']) yield rule('spent', operator, 'number', ['budget'], 'field');
  for (const operator of ['equal', 'not_equal']) yield rule('name', operator, 'text', ['address.city'], 'field');
}

export function* filters() {
  yield emitted(group([]));
  for (const one of rules()) {
    yield emitted(group([one]));
    yield emitted(group([one], { conjunction: 'AND', not: true }));
    yield emitted(group([one]), asWritten);
    yield emitted(group([one], { conjunction: 'AND', not: true }), asWritten);
  }
  const pair = () => [rule('age', 'greater', 'number', [18]), rule('name', 'like', 'text', ['a'])];
  for (const conjunction of ['AND', 'OR']) {
    for (const not of [false, true]) {
      yield emitted(group(pair(), { conjunction, not }));
      yield emitted(group([...pair(), group(pair(), { conjunction: 'OR', not })], { conjunction, not }));
      for (const [operator, given] of [['some', []], ['all', []], ['none', []], ['equal', [1]], ['greater_or_equal', [1]], ['between', [1, 2]]]) {
        const inside = { type: 'rule_group', id: id(), children1: [rule('orders.total', 'greater', 'number', [10])], properties: { field: 'orders', mode: 'array', operator, conjunction, not, value: given, valueSrc: given.map(() => 'value'), valueType: given.map(() => 'number') } };
        yield emitted(group([inside]));
      }
    }
  }
}
