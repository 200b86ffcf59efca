// The page: segments on the left, the one that is being built on the right.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { apiOf } from './api.js';
import { Editor } from './editor.jsx';
import { Problem } from './problem.jsx';
import './style.css';

const TOKENS = { 'editor-token': 'Editor', 'viewer-token': 'Viewer' };

function App() {
  const [token, setToken] = useState(localStorage.token ?? 'editor-token');
  const api = useMemo(() => apiOf(token), [token]);
  const [fields, setFields] = useState();
  const [segments, setSegments] = useState([]);
  const [selected, setSelected] = useState(null);
  const [problem, setProblem] = useState();

  const reload = useCallback(() => {
    const loaded = Promise.all([api('GET', 'fields'), api('GET', 'segments?limit=100')]);
    return loaded.then(([known, { data }]) => (setFields(known), setSegments(data), setProblem()), setProblem);
  }, [api]);
  useEffect(() => void reload(), [reload]);

  const become = (event) => {
    localStorage.token = event.target.value;
    setToken(event.target.value);
  };
  const saved = (segment) => reload().then(() => setSelected(segment?.id ?? null));
  const segment = segments.find(({ id }) => id === selected);

  return (
    <>
      <header>
        <h1>Segments</h1>
        <label>Signed in as <select value={token} onChange={become}>{Object.entries(TOKENS).map(([key, name]) => <option key={key} value={key}>{name}</option>)}</select></label>
      </header>
      <nav aria-label="Segments">
        <button className="primary" onClick={() => setSelected(null)}>New segment</button>
        <ul>
          {segments.map((one) => (
            <li key={one.id}>
              <button aria-current={one.id === selected} onClick={() => setSelected(one.id)}>
                <span>{one.name}</span>
                <Growth api={api} segment={one} />
                <b>{one.contact_count?.toLocaleString() ?? '–'}</b>
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <main>
        {problem && <Problem problem={problem} />}
        {fields && <Editor key={segment ? segment.id + segment.updated_at : 'new'} api={api} fields={fields} segment={segment} onSaved={saved} />}
      </main>
    </>
  );
}

/** The counts that a segment had, as a line. */
function Growth({ api, segment }) {
  const [history, setHistory] = useState([]);
  useEffect(() => void api('GET', `segments/${segment.id}/history`).then(setHistory, () => {}), [api, segment.id, segment.counted_at]);
  const counts = history.map((row) => row.contact_count);
  if (counts.length < 2) return null;
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const points = counts.map((count, n) => `${(n / (counts.length - 1)) * 60},${18 - ((count - least) / (most - least || 1)) * 16}`);
  return <svg viewBox="0 0 60 20" role="img" aria-label={`from ${counts[0]} to ${counts.at(-1)}`}><polyline points={points.join(' ')} /></svg>;
}

createRoot(document.getElementById('root')).render(<App />);
