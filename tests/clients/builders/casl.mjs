// CASL: what a user may read, as a filter, with @casl/mongoose.
import { accessibleBy } from '@casl/mongoose';
import { createMongoAbility } from '@casl/ability';

export const name = '@casl/ability with @casl/mongoose';

const CONDITIONS = [
  {}, { vip: true }, { name: null }, { age: { $eq: 18 } }, { age: { $ne: 18 } }, { age: { $gt: 18 } }, { age: { $gte: 18 } }, { age: { $lt: 18 } }, { age: { $lte: 18 } },
  { age: { $in: [5, 18] } }, { age: { $nin: [5, 18] } }, { age: { $in: [] } }, { age: { $exists: true } }, { age: { $exists: false } }, { tags: 'vip' }, { tags: { $all: ['vip', 'new'] } },
  { tags: { $size: 2 } }, { tags: { $in: ['old'] } }, { scores: { $elemMatch: { $gt: 1, $lt: 4 } } }, { orders: { $elemMatch: { total: { $gt: 20 }, paid: true } } },
  { name: { $regex: '^Ad' } }, { name: { $regex: 'ada', $options: 'i' } }, { 'address.city': 'Rome' }, { age: { $gt: 10, $lt: 40 } }, { age: { $not: { $gt: 18 } } },
  { $and: [{ vip: true }, { age: { $gt: 18 } }] }, { $or: [{ vip: true }, { age: { $gt: 18 } }] }, { $nor: [{ vip: true }] },
];

function* rules() {
  yield [];
  yield [{ action: 'read', subject: 'Person' }];
  yield [{ action: 'write', subject: 'Person' }];
  for (const conditions of CONDITIONS) {
    yield [{ action: 'read', subject: 'Person', conditions }];
    yield [{ action: 'read', subject: 'Person' }, { action: 'read', subject: 'Person', inverted: true, conditions }];
    yield [{ action: 'read', subject: 'Person', conditions }, { action: 'read', subject: 'Person', conditions: { 'address.city': 'Oslo' } }, { action: 'read', subject: 'Person', inverted: true, conditions: { name: 'Bo' } }];
  }
}

export function* filters() {
  for (const given of rules()) yield accessibleBy(createMongoAbility(given), 'read').ofType('Person');
}
