// DevExtreme's grids, whose filters devextreme-query-mongodb makes into the first stage of a pipeline.
// Without the polyfill that its compiled files want.
import query from 'devextreme-query-mongodb/src/index.js';

export const name = 'devextreme-query-mongodb';

const VALUES = { name: ['Ada', 'a', 'a.b', 'a+b', '', null], age: [18, 42.5, null], vip: [true, false], tags: ['vip'], scores: [2], born: [new Date('1985-05-15T00:00:00Z'), '1985-05-15'], seen: [new Date('2024-05-15T12:00:00Z')], 'address.city': ['Rome'] };

function* given() {
  for (const [field, values] of Object.entries(VALUES)) {
    for (const operator of ['=', '<>', '>', '>=', '<', '<=', 'startswith', 'endswith', 'contains', 'notcontains']) {
      for (const value of values) {
        yield [field, operator, value];
        yield ['!', [field, operator, value]];
      }
    }
  }
  yield ['name', 'equalsobjectid', '5f2b1c5e8e4b0a0012345678'];
  yield 'vip';
  yield ['!', 'vip'];
  const [one, two, three] = [['age', '>', 18], ['name', 'contains', 'a'], ['tags', '=', 'vip']];
  yield [one, 'and', two];
  yield [one, 'or', two, 'or', three];
  yield [one, two, three];
  yield ['!', [[one, 'and', two], 'or', ['!', three]]];
  yield [[one]];
}

/** The filters of the pipelines that a query runs, also those of its search box. */
async function matches(loadOptions, options) {
  const found = [];
  const aggregate = (pipeline) => {
    found.push(...pipeline.flatMap((stage) => (stage.$match ? [stage.$match] : [])));
    return { toArray: async () => [] };
  };
  await query({ aggregate }, loadOptions, options);
  return found;
}

export async function* filters() {
  for (const caseInsensitiveRegex of [true, false]) {
    for (const filter of given()) yield* await matches({ filter }, { caseInsensitiveRegex });
  }
  for (const searchOperation of ['contains', 'startswith', '=']) {
    yield* await matches({ searchExpr: ['name', 'address.city'], searchOperation, searchValue: 'a' });
    yield* await matches({ searchExpr: 'name', searchOperation, searchValue: 'a', filter: ['age', '>', 18] });
  }
}
