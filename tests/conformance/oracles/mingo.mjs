import { Query } from "mingo";

export { translate } from "../translate.mjs";

export function matches(document, condition) {
  return new Query(condition).test(document);
}

/** Whether it takes the condition at all. */
export function accepts(condition) {
  try {
    return DOCUMENTS.map((document) => matches(document, condition)).length > 0;
  } catch {
    return false;
  }
}

const DOCUMENTS = [{}, ...[1, "x", [1], ["x"], { b: 1 }].map((a) => ({ a }))];

/** Operators of which mingo takes operands that MongoDB refuses. What ends in a blank is no operator for it. */
export const lenient = ["$all", "$and", "$gte ", "$in", "$mod", "$not", "$or", "$regex", "$size", "$type"];

/** Dates are strings in JSON, which mingo does not read as dates. */
export const lacks = ["$year", "$month", "$dayOfMonth", "$isoDayOfWeek", "$hour", "$anniversary"];

// Rules by the numbers that tests/cases has.
export const allowed = [
  {
    repair: "paths",
    because:
      "rule 4: mingo gathers what a path finds into one array. So it matches [] where an array's elements have no such " +
      "key, sees no absence in elements that lack it, reads numbers as indexes only, and fans out through arrays in arrays",
  },
  { repair: "$all", because: "$all: mingo takes no scalar as an array of one, and never matches missing with null" },
  { repair: "$in", because: "$in: mingo compares its entries with an array's elements, but not with the array itself as $eq does" },
  {
    repair: "$elemMatch",
    because: "$elemMatch: mingo fans out into the element, and matches scalars with conditions on their fields",
  },
  { repair: "nested arrays", because: "rule 3: mingo puts $regex and $mod to the elements of an array inside an array, too" },
  { repair: "UTF-8", because: "rule 6: mingo sees strings as UTF-16 units; we order them by UTF-8 bytes, and match patterns by characters" },
  { repair: "$type", because: "$type: mingo does not look at the elements of an array, and tells kinds of numbers" },
  { repair: "$mod", because: "$mod: mingo takes the remainder of the whole number, we of its integral part" },
  {
    repair: "$expr",
    because: "$expr: mingo orders what is missing and what is of different types, and its paths lead through arrays",
  },
];
