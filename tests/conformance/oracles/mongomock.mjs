import { spawnSync } from "node:child_process";
import { batched } from "./batch.mjs";

export { translate } from "../translate.mjs";

export const { matches, learn, forget } = batched((questions) => {
  const program = new URL("ask_mongomock.py", import.meta.url).pathname;
  const { status, stdout, stderr, error } = spawnSync(process.env.CONFORMANCE_PYTHON ?? "python3", [program], {
    input: questions.map((question) => question + "\n").join(""),
    encoding: "utf8",
    maxBuffer: 2 ** 31,
  });
  if (error || status !== 0) throw error ?? new Error(stderr);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
});

/** Its $expr takes documents alone, not the numbers of ask_mongomock.py. */
export const lacks = ["$mod", "$expr", "$year", "$month", "$dayOfMonth", "$isoDayOfWeek", "$hour", "$anniversary"];

// Rules by the numbers that tests/cases has.
export const allowed = [
  {
    repair: "paths",
    because:
      "rule 4: mongomock finds no absence below a null or a scalar, nor in elements that are objects when the key is a number, " +
      "reads numbers as indexes only, and fans out into an element reached by number",
  },
  { repair: "$all", because: "$all: in mongomock [] is matched by everything, [null] not by missing, and an array is opened twice" },
  { repair: "$in", because: "$in: mongomock compares its entries with an array's elements, but not with the array itself as $eq does" },
  { repair: "$elemMatch", because: "$elemMatch: mongomock fans out into the element, and matches scalars with conditions on their fields" },
  { repair: "nested arrays", because: "rule 3: mongomock compares no array operand with elements under $eq and $ne" },
  { repair: "$type", because: "$type: mongomock has no null and no lists of types, and tells kinds of numbers" },
  { repair: "$size", because: "$size: mongomock takes it of objects too, and a scalar as an array of one" },
  {
    repair: "UTF-8",
    because: "rule 8: mongomock's patterns are Python's, where $ holds before a last newline too, and what looks behind has one width",
  },
];
