/**
 * An HTTP proxy between two programs that commits faults on request: it holds, drops or replaces the
 * requests and answers that a test chooses, and passes all others on.
 *
 * A request that was held is passed on even when its sender has died meanwhile, as a network would.
 * Everything that came by is kept, for those who look for what should not be in it.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Message {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What the target answered; null before it has, and when it is not there. */
  answer: Answer | null;
}

/** Where on its way a message meets a rule: before the target, or on the way back. */
export type Leg = 'request' | 'answer';

/** Drop: the sender's connection breaks and nothing is passed on. */
type Fate = 'pass' | 'drop' | { readonly status: number; readonly body: Buffer };

interface Rule {
  readonly leg: Leg;
  readonly matches: (message: Message) => boolean;
  readonly decide: (message: Message) => Fate | Promise<Fate>;
}

/** What a rule has stopped, until all faults are cleared. */
export interface Hold {
  /** Oldest first. */
  readonly held: readonly Message[];
}

export class FaultProxy {
  readonly url: string;
  /** Every message so far, oldest first. */
  readonly messages: Message[] = [];
  readonly #server: Server;
  readonly #targetPort: number;
  #rules: readonly Rule[] = [];
  #releases: (() => void)[] = [];

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      // A sender that dies half way breaks its own request only.
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  /** @param targetPort - where requests go, on 127.0.0.1; nothing needs to listen there yet */
  static async start(targetPort: number): Promise<FaultProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, targetPort);
  }

  /** Stops every message that matches, until `clear`. */
  hold(leg: Leg, matches: Rule['matches']): Hold {
    const held: Message[] = [];
    const released = new Promise<void>((resolve) => {
      this.#releases.push(resolve);
    });
    this.#add({
      leg,
      matches,
      decide: async (message): Promise<Fate> => {
        held.push(message);
        await released;
        return 'pass';
      },
    });
    return { held };
  }

  /**
   * Drops messages that match.
   *
   * @param countMax - so many, and then no more
   * @returns what has been dropped so far, oldest first
   */
  drop(leg: Leg, matches: Rule['matches'], countMax = Number.POSITIVE_INFINITY): Message[] {
    const dropped: Message[] = [];
    this.#add({
      leg,
      matches: (message) => dropped.length < countMax && matches(message),
      decide: (message) => {
        dropped.push(message);
        return 'drop';
      },
    });
    return dropped;
  }

  /** Answers requests that match in the place of the target. */
  answerWith(status: number, body: string, matches: Rule['matches'] = () => true): void {
    this.#add({ leg: 'request', matches, decide: () => ({ status, body: Buffer.from(body) }) });
  }

  /** Ends all faults; what is held goes on its way. */
  clear(): void {
    this.#rules = [];
    for (const release of this.#releases) release();
    this.#releases = [];
  }

  async close(): Promise<void> {
    this.clear();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #add(rule: Rule): void {
    this.#rules = [...this.#rules, rule];
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const message: Message = { method, path, headers, body: await buffer(request), answer: null };
    this.messages.push(message);

    const fate = await this.#fate('request', message);
    if (fate === 'pass') message.answer = await this.#forward(message);
    else if (fate !== 'drop') message.answer = { ...fate, headers: {} };

    if (message.answer === null || (await this.#fate('answer', message)) === 'drop') {
      response.destroy();
      return;
    }
    const { status, body } = message.answer;
    response.writeHead(status, endToEnd(message.answer.headers)).end(body);
  }

  async #fate(leg: Leg, message: Message): Promise<Fate> {
    const rule = this.#rules.find(
      (candidate) => candidate.leg === leg && candidate.matches(message),
    );
    return rule === undefined ? 'pass' : await rule.decide(message);
  }

  async #forward({ method, path, headers, body }: Message): Promise<Answer | null> {
    const request = openRequest({
      host: '127.0.0.1',
      port: this.#targetPort,
      method,
      path,
      headers: { ...endToEnd(headers), connection: 'close' },
      agent: false,
    });
    request.end(body);
    try {
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      const { statusCode: status = 0, headers: answerHeaders } = answer;
      return { status, headers: answerHeaders, body: await buffer(answer) };
    } catch {
      return null;
    }
  }
}

/** Headers without those that concern one connection alone. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = headers;
  return rest;
}
