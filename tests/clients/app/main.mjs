// examples/app in a browser: a segment is built, saved, found again, changed, explained and deleted, by clicks and by keys.
//
//     DATABASE_URL=postgresql://app_server:…@…/… node main.mjs       the database has what examples/app/setup.sql makes
//     SCREENSHOT=docs/app.png                                        keeps a picture
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

const example = fileURLToPath(new URL('../../../examples/app', import.meta.url));
const server = spawn('node', ['server.mjs'], { cwd: example, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
const [address] = await once(server.stdout, 'data');
const url = String(address).trim();
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.setViewport({ width: 1280, height: 900 });
page.setDefaultTimeout(20_000);
const errors = [];
page.on('pageerror', (error) => errors.push(error.message));

let failed = 0;
async function step(what, work) {
  try {
    await work();
    console.log(`ok - app: ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - app: ${what}\n# ${error.message}`);
  }
}

const equal = (found, expected) => {
  if (found !== expected) throw new Error(`found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
};
const click = (selector) => page.locator(selector).click();
const see = (text, inside = 'body') => page.waitForFunction((text, inside) => document.querySelector(inside)?.innerText.includes(text), {}, text, inside);
const api = async (method, path, body, token = 'editor-token') => {
  const response = await fetch(`${url}v1/${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body) });
  return { status: response.status, ...(await response.json()) };
};
const countOf = async (conditions) => (await api('POST', 'segments/preview', { conditions })).count;
/** That the count that the page shows is the one of that condition. */
const seeCountOf = async (conditions) => {
  const count = await countOf(conditions);
  if (!count) throw new Error('nobody satisfies the condition of the test');
  await see(`${count.toLocaleString('en-US')} contacts`, '.count');
};
const tabTo = async (is) => {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((text) => `${document.activeElement.title} ${document.activeElement.innerText}`.includes(text), is)) return;
  }
  throw new Error(`the Tab key does not lead to ${is}`);
};

await step('the API says what went wrong, and where', async () => {
  const { status, id, object, contact_count } = await api('POST', 'segments', { name: 'By hand', conditions: { country: 'US' } });
  equal(status, 201);
  equal(object, 'segment');
  equal(contact_count, await countOf({ country: 'US' }));
  const twice = await api('POST', 'segments', { name: 'By hand', conditions: {} });
  equal(twice.status, 409);
  const wrong = await api('PATCH', `segments/${id}`, { conditions: { $and: [{ country: 'US' }, { lifetime_value: { $gte: 'a lot' } }] } });
  equal(wrong.status, 400);
  equal(wrong.pointer, '/$and/1/lifetime_value/$gte');
  equal((await api('DELETE', `segments/${id}`, undefined, 'viewer-token')).status, 403);
  equal((await api('DELETE', `segments/${id}`)).deleted, true);
  equal((await api('GET', `segments/${id}`)).status, 404);
  equal((await api('GET', 'segments', undefined, 'stolen')).status, 401);
});

await step('pages of contacts lead there and back', async () => {
  const search = (more) => api('POST', 'contacts/search', { conditions: { country: 'US' }, limit: 3, ...more });
  const first = await search();
  const second = await search({ after: first.data.at(-1).cursor });
  const back = await search({ before: second.data[0].cursor });
  equal(String(back.data.map(({ id }) => id)), String(first.data.map(({ id }) => id)));
  equal(back.has_more, false);
  equal(first.has_more && second.has_more, true);
  equal((await search({ limit: 101 })).status, 400);
});

await step('a segment is built by clicks, and counted while it is', async () => {
  await page.goto(url);
  await page.locator('label ::-p-text(Name)').wait();
  await page.type('main form > label:nth-of-type(1) input', 'German spenders');
  await click('button ::-p-text(+ Rule)');
  await page.locator('.rule-fields').fill('country');
  await see('A value is missing.', '.rule, .mistaken');
  await page.locator('.rule-value').fill('US');
  await seeCountOf({ country: 'US' });
  await click('button ::-p-text(+ Rule)');
  await page.locator('.ruleGroup-body > :nth-child(2) .rule-fields').fill('lifetime_value');
  await page.locator('.ruleGroup-body > :nth-child(2) .rule-operators').fill('>=');
  await page.locator('.ruleGroup-body > :nth-child(2) .rule-value').fill('100');
  await seeCountOf({ country: 'US', lifetime_value: { $gte: 100 } });
});

await step('it is saved, and there after a reload', async () => {
  await click('button ::-p-text(Save)');
  await see('German spenders', 'nav');
  await page.reload();
  await click('nav ::-p-text(German spenders)');
  await page.waitForFunction(() => document.querySelectorAll('.rule-value')[1]?.value === '100');
  await seeCountOf({ country: 'US', lifetime_value: { $gte: 100 } });
  const { data: [{ conditions }] } = await api('GET', 'segments?limit=1');
  equal(JSON.stringify(conditions), JSON.stringify({ $and: [{ country: 'US' }, { lifetime_value: { $gte: 100 } }] }));
});

await step('it says why a contact is in', async () => {
  await click('.contacts button');
  await see('is in “German spenders”', 'caption');
  await see('✓ yes', 'table');
});

await step('it is changed, and a mistake is shown where it is', async () => {
  await page.locator('.rule-value').fill('DE');
  await seeCountOf({ country: 'DE', lifetime_value: { $gte: 100 } });
  await page.locator('.rule-operators').fill('!=');
  await see('also holds for contacts without a value', '.mistaken');
  await page.locator('.rule-operators').fill('=');
  await click('button ::-p-text(Save)');
  const count = await countOf({ country: 'DE', lifetime_value: { $gte: 100 } });
  await see(count.toLocaleString('en-US'), 'nav [aria-current=true]');
  const { data: [{ conditions }] } = await api('GET', 'segments?limit=1');
  equal(conditions.$and[0].country, 'DE');
  await page.locator('nav polyline').wait();
  if (process.env.SCREENSHOT) {
    await page.setViewport({ width: 1180, height: 600 });
    await seeCountOf({ country: 'DE', lifetime_value: { $gte: 100 } });
    await page.screenshot({ path: process.env.SCREENSHOT });
    await page.setViewport({ width: 1280, height: 900 });
  }
});

await step('what a form cannot show is shown as it is, and not lost', async () => {
  const { id } = await api('POST', 'segments', { name: 'Written', conditions: { email: { $regex: '^a', $options: 'i' } } });
  await page.reload();
  await click('nav ::-p-text(Written)');
  await page.waitForFunction(() => document.querySelector('textarea')?.value.includes('$regex'));
  await seeCountOf({ email: { $regex: '^a', $options: 'i' } });
  await api('DELETE', `segments/${id}`);
});

await step('a viewer may look, and not save', async () => {
  await page.locator('header select').fill('viewer-token');
  await page.reload();
  await click('nav ::-p-text(German spenders)');
  await seeCountOf({ country: 'DE', lifetime_value: { $gte: 100 } });
  await click('button ::-p-text(Save)');
  await see('permission denied', '[role=alert]');
  await page.locator('header select').fill('editor-token');
});

await step('it is deleted', async () => {
  await page.reload();
  await click('nav ::-p-text(German spenders)');
  page.once('dialog', (dialog) => dialog.accept());
  await click('button ::-p-text(Delete)');
  await page.waitForFunction(() => !document.querySelector('nav').innerText.includes('German spenders'));
});

await step('a segment is built by keys alone', async () => {
  await page.reload();
  await page.locator('label ::-p-text(Name)').wait();
  await page.focus('main form > label:nth-of-type(1) input');
  await page.keyboard.type('Typed');
  await tabTo('+ Rule');
  await page.keyboard.press('Enter');
  await page.locator('.rule-fields').wait();
  await tabTo('Field');
  await page.keyboard.type('Country');
  await tabTo('Value');
  await page.keyboard.type('US');
  await seeCountOf({ country: 'US' });
  await page.keyboard.press('Enter');
  await see('Typed', 'nav');
  await api('DELETE', `segments/${(await api('GET', 'segments?limit=1')).data[0].id}`);
});

await step('nothing was thrown in the page', async () => equal(errors.join('; '), ''));

await browser.close();
server.kill();
process.exitCode = failed ? 1 : 0;
