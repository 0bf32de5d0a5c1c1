/**
 * End to end: the web page of a real daemon in a real browser, through a login, rotations and the death
 * of a KME; and everything that it answers is searched for secrets.
 */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'puppeteer-core';
import { browserTest, openBrowser } from '../support/browser.ts';
import { freePort } from '../support/programs/ports.ts';
import { waitFor } from '../support/programs/wait.ts';
import { agreement, psksOf, type WiredPair, wirePair } from '../support/programs/wired-link.ts';
import { Programs } from '../support/programs.ts';
import { FakeKme } from '../support/secrets/fake-kme.ts';
import { SecretSearch } from '../support/secrets/search.ts';

const PSK = 'PLANTED-psk-of-two-daemons-with-a-page';
const SOON_MS_MAX = 30_000;

let programs: Programs;
let kme: FakeKme;
let pair: WiredPair;
let base: string;
let token: string;
let browser: Browser | null;
let page: Page;
/** Everything that the browser was answered, and what a script was. */
const answers: string[] = [];

beforeAll(async () => {
  programs = await Programs.build();
  kme = await FakeKme.start();
  const settings = () => ({ psk: PSK, interval: '1s', max_key_age: '60s' });
  pair = await wirePair(programs, { protocol: 2, kmePort: kme.port, settings });
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  // Alice leads, so that it is Bob's KME that is asked first.
  pair.bob.set({ dashboard: { port } });
  await Promise.all([pair.alice.start(), pair.bob.start()]);
  await agreement(pair.link, [], SOON_MS_MAX);
  token = readFileSync(tokenFile(), 'utf8').trim();
  browser = await openBrowser();
  if (browser !== null) page = await openPage(browser);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await programs.close();
  await kme.close();
});

function tokenFile(): string {
  const line = pair.bob.logs.find(({ message }) => message.startsWith('the dashboard is served'));
  return String(line?.['file']);
}

/** A page that keeps what it is answered, and fails the test with its own errors. */
async function openPage(chromium: Browser): Promise<Page> {
  const opened = await chromium.newPage();
  opened.setDefaultTimeout(SOON_MS_MAX);
  opened.on('response', (response) => {
    answers.push(JSON.stringify(response.headers()));
    if (!response.url().endsWith('/api/events')) {
      void response.text().then(
        (text) => answers.push(text),
        () => {},
      );
    }
  });
  return opened;
}

const textOf = (selector: string): Promise<string> =>
  page.$eval(selector, ({ textContent }) => textContent ?? '');

/** Waits until the page shows something. */
async function shows(what: string, expression: string): Promise<void> {
  await waitFor(what, () => page.evaluate(expression) as Promise<boolean>, SOON_MS_MAX);
}

test('the token is for its owner alone, and in no log', () => {
  expect(statSync(tokenFile()).mode & 0o777).toBe(0o600);
  expect(pair.bob.process.stdout).not.toContain(token);
});

test('a script shows the token as a bearer, and gets the report', async () => {
  expect((await fetch(`${base}/api/report`)).status).toBe(401);
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${base}/api/report`, { headers });
  const text = await answer.text();
  answers.push(text);
  expect(JSON.parse(text)).toMatchObject({ format: 1, links: [{ name: 'link' }] });
});

browserTest('without the token there is a form, and with a wrong one a word about it', async () => {
  await page.goto(base);
  expect(page.url()).toBe(`${base}/login`);
  await page.type('#token', 'a wrong token of the same length or so');
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  expect(await textOf('#mistake:not([hidden])')).toContain('not the token');
});

browserTest('by keyboard alone: the token, the links, and a link', async () => {
  await page.goto(`${base}/login`);
  await page.focus('#token');
  await page.keyboard.type(token);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  expect(page.url()).toBe(`${base}/`);
  await shows('the link', "document.querySelector('#link-rows button')?.textContent === 'link'");
  const reached: string[] = [];
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press('Tab');
    reached.push(
      (await page.evaluate('document.activeElement.textContent.trim().slice(0, 20)')) as string,
    );
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).not.toBe('none');
  }
  expect(reached[0]).toBe('Skip to the links');
  expect(reached).toEqual(expect.arrayContaining(['Log out', 'link', 'All states of the ag']));
});

browserTest('the present state is lit in the drawing, and named', async () => {
  await shows(
    'the state',
    "document.querySelector('#state-now').textContent.startsWith('committed')",
  );
  const lit =
    "[...document.querySelectorAll('svg.drawing .node.lit > title')].map((t) => t.textContent)";
  await shows('its light', `${lit}.includes('committed') && ${lit}.includes('psk.agreed.fresh')`);
  await shows('a transition', "document.querySelector('svg.drawing .edge.taken') !== null");
});

browserTest('the plot of rotations grows, and its table says the same', async () => {
  const marks = "document.querySelectorAll('#rotations-plot .mark').length";
  const before = (await page.evaluate(marks)) as number;
  await agreement(pair.link, psksOf(pair.link), SOON_MS_MAX);
  await shows('more marks', `${marks} > ${before}`);
  await page.click('#rotations-details > summary');
  await shows(
    'the table',
    `document.querySelectorAll('#rotations-details tbody tr').length >= ${before}`,
  );
  expect(await page.$eval('#rotations-plot svg', (svg) => svg.getAttribute('aria-label'))).toMatch(
    /^\d+ committed \(dots\), half of them within .*; \d+ failed/,
  );
});

browserTest('light and dark, each as the system wants it', async () => {
  const colour = async (scheme: string): Promise<string> => {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    return (await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string;
  };
  expect([await colour('light'), await colour('dark')]).toEqual([
    'rgb(245, 246, 248)',
    'rgb(19, 22, 27)',
  ]);
});

browserTest('a dead KME turns red, with its code and what to do', async () => {
  for (const end of pair.link.ends) end.kme.answerWith(503, '{"message":"out of keys"}');
  const row = "document.querySelector('#link-rows td.bad')?.textContent ?? ''";
  await shows('the KME', `(${row}).startsWith('ERR_KME_')`);
  const red = await page.evaluate(
    "getComputedStyle(document.querySelector('#link-rows td.bad')).color",
  );
  expect(['rgb(179, 32, 26)', 'rgb(255, 141, 132)']).toContain(red);
  await shows('the error', "document.querySelector('#errors').textContent.includes('ERR_KME_')");
  await shows('the verdict', "document.querySelector('#overall').textContent === 'degraded'");
  await shows('the event', "document.querySelector('#log .bad') !== null");
});

browserTest('a logout ends the session', async () => {
  await Promise.all([page.waitForNavigation(), page.click('form[action="/logout"] button')]);
  expect(page.url()).toBe(`${base}/login`);
  await page.goto(base);
  expect(page.url()).toBe(`${base}/login`);
});

test('no secret is in anything that was answered', async () => {
  const stream = await fetch(`${base}/api/events`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const reader = stream.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  answers.push(Buffer.from(first?.value ?? []).toString());
  const search = new SecretSearch();
  search.add('the psk', Buffer.from(PSK));
  search.add('the token', Buffer.from(token));
  for (const key of kme.keys.values()) search.add('a key of the KME', key);
  for (const psk of psksOf(pair.link)) search.add('a PSK', Buffer.from(psk ?? '', 'base64'));
  const all = answers.join('\n');
  expect(all).toContain('"lastCommit":{');
  expect(search.find(all)).toEqual([]);
});

test('the token goes with the daemon', async () => {
  const file = tokenFile();
  pair.bob.process.kill('SIGTERM');
  await pair.bob.process.ended();
  expect(() => statSync(file)).toThrow('ENOENT');
});
