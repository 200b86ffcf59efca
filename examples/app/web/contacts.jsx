// Who the contacts of a condition are, and why one of them is in a segment, or is not.
import { useEffect, useState } from 'react';
import { Problem } from './problem.jsx';

const nameOf = (contact) => contact.email ?? contact.id;

export function Contacts({ api, conditions, segment }) {
  const [turn, setTurn] = useState({});
  const [page, setPage] = useState();
  const [asked, setAsked] = useState('');
  const [why, setWhy] = useState();
  const [problem, setProblem] = useState();

  useEffect(() => {
    api('POST', 'contacts/search', { conditions, time_zone: segment?.time_zone, limit: 10, ...turn }).then(setPage, setProblem);
  }, [api, turn]);

  const explain = (contact) => api('GET', `segments/${segment.id}/contacts/${contact.id}`)
    .then((parts) => (setWhy({ contact, parts }), setProblem()), setProblem);
  const find = (event) => {
    event.preventDefault();
    api('POST', 'contacts/search', { conditions: { email: asked.trim() }, limit: 1 }).then(({ data: [contact] }) => {
      if (contact) return explain(contact);
      setProblem({ message: `There is no contact ${asked}.` });
    }, setProblem);
  };
  if (!page) return null;

  const hasOlder = turn.before ? true : page.has_more;
  const hasNewer = turn.before ? page.has_more : Boolean(turn.after);
  const { data } = page;
  return (
    <section aria-label="Contacts">
      <h2>Contacts</h2>
      <ul className="contacts">
        {data.map((contact) => (
          <li key={contact.id}>
            <span>{nameOf(contact)}</span> <small>{[contact.first_name, contact.last_name, contact.country].filter(Boolean).join(' ')}</small>
            {segment && <button onClick={() => explain(contact)} aria-label={`Why is ${nameOf(contact)} in?`}>Why?</button>}
          </li>
        ))}
      </ul>
      <p className="pages">
        <button disabled={!hasNewer} onClick={() => setTurn({ before: data[0].cursor })}>Newer</button>
        <button disabled={!hasOlder || !data.length} onClick={() => setTurn({ after: data.at(-1).cursor })}>Older</button>
      </p>
      {segment && (
        <form onSubmit={find} className="why">
          <label>Why is this contact in or out? <input type="email" placeholder="email" value={asked} onChange={(event) => setAsked(event.target.value)} required /></label>
          <button>Explain</button>
        </form>
      )}
      {problem && <Problem problem={problem} />}
      {why && (
        <table>
          <caption>{nameOf(why.contact)} is {why.parts[0].matches ? 'in' : 'not in'} “{segment.name}”</caption>
          <thead><tr><th>holds</th><th>condition</th><th>value</th></tr></thead>
          <tbody>
            {why.parts.map(({ path, condition, value, matches, note }) => (
              <tr key={path}>
                <td>{matches ? '✓ yes' : '✗ no'}</td><td><code>{JSON.stringify(condition)}</code></td>
                <td>{value !== null && <code>{JSON.stringify(value)}</code>} <small>{note}</small></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
