import sift from "sift";

export { translate } from "../translate.mjs";

export function matches(document, condition) {
  return sift(condition)(document);
}

export const lacks = ["$expr", "$year", "$month", "$dayOfMonth", "$isoDayOfWeek", "$hour", "$anniversary"];

// Rules by the numbers that tests/cases has.
export const allowed = [
  {
    repair: "paths",
    because:
      "rule 4: sift finds absence in elements that are not objects, says that a path exists and that it does not when " +
      "elements differ, reads numbers as indexes only, and fans out through arrays in arrays",
  },
  { repair: "$all", because: "$all: in sift [] is matched by an empty array" },
  { repair: "$elemMatch", because: "$elemMatch: sift fans out into the element, and matches scalars with conditions on fields" },
  { repair: "nested arrays", because: "rule 3: sift puts tests to the elements of an array inside an array, too" },
  { repair: "UTF-8", because: "rule 6: sift sees strings as UTF-16 units; we order them by UTF-8 bytes, and match patterns by characters" },
  { repair: "$type", because: "$type: sift has no type \"object\", and does not find null by a list of types, and has no codes" },
  { repair: "$size", because: "$size: sift takes the length of an array inside the array" },
  { repair: "objects", because: "rule 7: in sift an object without a key equals one that has null there" },
  { repair: "$mod", because: "$mod: sift takes the remainder of the whole number, we of its integral part" },
];
