// The core, as a program that is put many questions at once.

import { spawnSync } from "node:child_process";

const PROGRAM = process.env.CONFORMANCE_PROGRAM;

function run(args, input) {
  const { status, stdout, stderr, error } = spawnSync(PROGRAM, args, { input, encoding: "utf8", maxBuffer: 2 ** 31 });
  if (error || status !== 0) throw error ?? new Error(stderr);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Random pairs `{document, condition, matches}`. */
export function generate(pairs, seed) {
  return run(["generate", pairs, seed]);
}

/** For each pair whether the document matches; null where the core refuses the condition. */
export function evaluate(pairs) {
  return run(["evaluate"], pairs.map((pair) => JSON.stringify(pair) + "\n").join(""));
}
