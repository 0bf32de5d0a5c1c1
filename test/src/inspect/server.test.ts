/** Who is served, and what. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Hub } from '../../../src/inspect/hub.ts';
import { serveInspector } from '../../../src/inspect/server.ts';
import { atEnd, endAll } from '../../support/ending.ts';

afterEach(endAll);

const LINK = {
  type: '@xstate.actor',
  name: 'sae_alice · link bob',
  sessionId: 'x:0',
  rootId: 'x:0',
  parentId: undefined,
  definition: '{}',
  createdAt: '0',
  id: '',
  _version: '0',
  snapshot: { status: 'active' },
} as const;

async function served(hub = new Hub()): Promise<string> {
  const server = await serveInspector(hub, 0);
  atEnd(() => server.close());
  return server.url;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(url: string, method = 'GET', host?: string): Promise<Answer> {
  const asking = request(url, { method, headers: host === undefined ? {} : { host } }).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const { statusCode: status, headers } = response;
  return { status, headers, body: Buffer.concat(chunks).toString() };
}

describe('inspector server', () => {
  test('the page comes from here and loads nothing from elsewhere', async () => {
    const { status, headers, body } = await ask(await served());
    expect(status).toBe(200);
    expect(body).toContain("new EventSource('/events')");
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'.*connect-src 'self'$/);
    expect(body).not.toMatch(/https?:\/\//);
  });

  test('a viewer that comes late gets what there was', async () => {
    const hub = new Hub();
    hub.send(LINK);
    const asking = request(`${await served(hub)}events`).end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    const [chunk] = (await once(response, 'data')) as [Buffer];
    asking.destroy();
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(JSON.parse(chunk.toString().replace('data: ', ''))).toMatchObject({ name: LINK.name });
  });

  test.each<[string, string, number, string | undefined]>([
    ['another path', 'secrets', 404, undefined],
    ['a name that some web page has given this address', 'events', 403, 'evil.example'],
    ['that name with our port', 'events', 403, 'evil.example:8014'],
  ])('%s is refused', async (_what, path, status, host) => {
    expect((await ask(`${await served()}${path}`, 'GET', host)).status).toBe(status);
  });

  test('only GET is served', async () => {
    const { status, headers } = await ask(await served(), 'POST');
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });

  test('this machine alone is served', async () => {
    expect(new URL(await served()).hostname).toBe('127.0.0.1');
  });

  test('a port in use is named, with the way out', async () => {
    const port = Number(new URL(await served()).port);
    await expect(serveInspector(new Hub(), port)).rejects.toMatchObject({
      code: 'ERR_CONFIG_ENVIRONMENT',
      message: expect.stringContaining(`port ${port}`),
      remedy: expect.stringContaining('--port'),
    });
  });
});
