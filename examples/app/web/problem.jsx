/** What went wrong, and the way out. */
export function Problem({ problem }) {
  return <p className="problem" role="alert">{problem.message} {problem.hint && <small>{problem.hint}</small>}</p>;
}
