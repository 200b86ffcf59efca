/**
 * An oracle that is a program of its own, and asked many questions at once: one that comes up for the first time is noted
 * and answered provisionally, until `learn` has asked all of them.
 * @param answers of questions `{document, condition}` as JSON texts, for each true, false, or why it has no answer
 */
export function batched(answers) {
  const known = new Map();
  let open = new Set();

  function matches(document, condition) {
    const question = JSON.stringify({ document, condition });
    const answer = known.get(question);
    if (answer === undefined) open.add(question);
    if (typeof answer === "string") throw new Error(answer);
    return answer ?? false;
  }

  /** Asks what has come up; whether there was anything. */
  function learn() {
    if (open.size === 0) return false;
    const questions = [...open];
    answers(questions).forEach((answer, index) => known.set(questions[index], answer));
    open = new Set();
    return true;
  }

  return { matches, learn, forget: () => known.clear() };
}
