// One segment: its name, its rules, how many contacts it has while one types, and who they are.
import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import { prepareRuleGroup, QueryBuilder, Rule } from 'react-querybuilder';
import 'react-querybuilder/dist/query-builder-layout.css';
import { fromCondition, LISTS, ruleAt, toCondition } from './condition.js';
import { Contacts } from './contacts.jsx';
import { Problem } from './problem.jsx';

/** What there is to say of which rule: errors and notices by the rule's id. */
const Mistakes = createContext({});

function RuleWithMistake(props) {
  const mistake = useContext(Mistakes)[props.rule.id];
  return (
    <div className={mistake && `mistaken ${mistake.severity}`}>
      <Rule {...props} />
      {mistake && <p role={mistake.severity === 'error' ? 'alert' : 'note'}>{mistake.message} <small>{mistake.hint}</small></p>}
    </div>
  );
}

/** A field whose values are known takes several of them in a list. */
const editorType = (field, operator, { fieldData }) => (fieldData.values && LISTS.includes(operator) ? 'multiselect' : fieldData.valueEditorType);

/** The rules of a segment, or the reason why a form cannot show them. */
function read(conditions) {
  try {
    return { query: prepareRuleGroup(fromCondition(conditions)) };
  } catch (error) {
    return { text: JSON.stringify(conditions, null, 2), reason: error.message };
  }
}

export function Editor({ api, fields, segment, onSaved }) {
  const [name, setName] = useState(segment?.name ?? '');
  const [description, setDescription] = useState(segment?.description ?? '');
  const [form, setForm] = useState(() => read(segment?.conditions ?? {}));
  const [preview, setPreview] = useState();
  const [problem, setProblem] = useState();

  const written = useMemo(() => (form.query ? toCondition(form.query, fields) : { ...parsed(form.text), incomplete: [], places: [] }), [form, fields]);
  const text = JSON.stringify(written.condition);
  useEffect(() => {
    if (!written.condition) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      api('POST', 'segments/preview', { conditions: written.condition, time_zone: segment?.time_zone }, controller.signal)
        .then((found) => (setPreview(found), setProblem()), (error) => error.name !== 'AbortError' && setProblem(error));
    }, 300);
    return () => (clearTimeout(timer), controller.abort());
  }, [api, text]);

  const findings = preview?.findings ?? [];
  const mistakes = Object.fromEntries(written.incomplete.map((id) => [id, { severity: 'error', message: 'A value is missing.' }]));
  const elsewhere = findings.filter((finding) => {
    const rule = ruleAt(written.places, finding.path);
    if (rule && mistakes[rule]?.severity !== 'error') mistakes[rule] = finding;
    return !rule;
  });

  const run = (work) => async (event) => {
    event.preventDefault();
    await work().catch(setProblem);
  };
  const save = run(async () => {
    const body = { name, description: description || null, conditions: written.condition };
    onSaved(segment ? await api('PATCH', `segments/${segment.id}`, body) : await api('POST', 'segments', body));
  });
  const remove = run(async () => {
    if (confirm(`Delete "${segment.name}"?`)) onSaved((await api('DELETE', `segments/${segment.id}`), null));
  });

  return (
    <>
      <form onSubmit={save}>
        <label>Name <input value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} /></label>
        <label>Description <input value={description} onChange={(event) => setDescription(event.target.value)} maxLength={500} /></label>
        {form.query ? (
          <Mistakes.Provider value={mistakes}>
            <QueryBuilder fields={fields} query={form.query} onQueryChange={(query) => setForm({ query })} getValueEditorType={editorType}
              controlElements={{ rule: RuleWithMistake }} listsAsArrays showNotToggle addRuleToNewGroups autoSelectField={false} accessibleDescriptionGenerator={() => 'Rules'} />
          </Mistakes.Provider>
        ) : (
          <label>Condition <small>{form.reason}</small><textarea rows={12} spellCheck={false} value={form.text} onChange={(event) => setForm({ ...form, text: event.target.value })} /></label>
        )}
        {written.problem && <p className="problem" role="alert">{written.problem}</p>}
        {elsewhere.map((finding) => <p key={finding.path + finding.message} className={finding.severity}>{finding.message}. <small>{finding.hint}</small></p>)}
        {problem && <Problem problem={problem} />}
        <p className="count" aria-live="polite">
          {preview?.count == null ? '–' : <><b>{preview.count.toLocaleString()}</b> contacts <small>counted in {preview.milliseconds.toFixed(0)} ms</small></>}
        </p>
        <button className="primary" disabled={!written.condition || written.incomplete.length > 0}>Save</button>
        {segment && <button type="button" className="danger" onClick={remove}>Delete</button>}
      </form>
      {preview?.count != null && <Contacts key={text} api={api} conditions={written.condition} segment={segment} />}
    </>
  );
}

function parsed(text) {
  try {
    return { condition: JSON.parse(text) };
  } catch (error) {
    return { problem: error.message };
  }
}
