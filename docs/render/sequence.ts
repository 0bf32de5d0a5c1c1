/**
 * A Mermaid sequence diagram that grows with the trace of a symbolic world.
 *
 * A message is drawn when it arrives, or where it is lost; what an end does in between is gathered
 * into one note.
 */
import type { TraceRecord } from '../../test/support/world.ts';

type RecordOf<Type extends TraceRecord['type']> = Extract<TraceRecord, { readonly type: Type }>;
type Message = RecordOf<'message'>['message'];

const ENDS = ['alice', 'bob'] as const;
type End = (typeof ENDS)[number];

/** Beyond this a note is broken into lines. */
const NOTE_LENGTH_MAX = 44;

const KME: Readonly<Record<End, string>> = { alice: 'KA', bob: 'KB' };

const ASKED: Readonly<Record<string, string>> = {
  getKey: 'Get key',
  getKeyWithKeyIds: 'Get key with key IDs',
};

/** What happens to an end and is no timer, call or message. */
const OF_ITSELF: Readonly<Record<string, string>> = { start: 'starts', crash: 'crashes' };
const DOWN = 'down';

export class Sequence {
  readonly #lines: string[] = [];
  /** What an end has done since the last arrow. */
  readonly #doing: Record<End, string[]> = { alice: [], bob: [] };
  readonly #states: Record<End, string> = { alice: '', bob: '' };
  readonly #onTheWay = new Map<string, { readonly message: Message; readonly at: number }>();
  #begun = false;

  /** What happens before the diagram begins. */
  pass(records: readonly TraceRecord[]): void {
    for (const record of records) {
      if (record.type === 'event') this.#states[record.end] = record.to;
    }
  }

  /** A remark beside both ends. */
  note(text: string): void {
    this.#begin();
    if (text !== '') this.#say(`Note over alice,bob: ${broken(text)}`);
  }

  /** What one command has set off. */
  add(records: readonly TraceRecord[]): void {
    this.#begin();
    for (const record of records) this.#draw(record);
    this.#flush();
  }

  toString(): string {
    const participants = [
      'participant KA as KME of alice',
      ...ENDS.map((end) => `participant ${end}`),
      'participant KB as KME of bob',
    ];
    const used = participants.filter((line) =>
      this.#lines.some((drawn) => drawn.includes(line.split(' ')[1] ?? '')),
    );
    return ['sequenceDiagram', ...[...used, ...this.#lines].map((line) => `    ${line}`)].join(
      '\n',
    );
  }

  /** Where the two ends stand, if something came before. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const end of ENDS) if (this.#states[end] !== '') this.#doing[end].push(this.#states[end]);
    this.#flush();
  }

  #draw(record: TraceRecord): void {
    switch (record.type) {
      case 'event':
        this.#drawEvent(record);
        break;
      case 'region':
        if (record.to === 'expired' || record.region === 'sinks') {
          this.#doing[record.end].push(`${record.region}: ${record.to}`);
        }
        break;
      case 'call':
        this.#drawCall(record);
        break;
      case 'act':
        this.#drawAct(record);
        break;
      case 'install':
        this.#doing[record.end].push(installWords(record));
        break;
      case 'message':
        this.#leave(record.message);
        break;
      case 'fate':
        this.#arrive(record.label, record.fate);
        break;
      case 'rejected':
        this.#arrive(record.label, 'is not authentic');
        break;
    }
  }

  #drawEvent({ end, name, from, to, cause }: RecordOf<'event'>): void {
    if (cause.message !== null) this.#arrive(cause.message, '');
    if (name in ASKED) this.#say(`${KME[end]}-->>${end}: ${cause.outcome}`);
    const doing = this.#doing[end];
    const isTimer = /^[A-Z_]+$/.test(name);
    if (isTimer || name in OF_ITSELF) doing.push(OF_ITSELF[name] ?? name);
    if (from === to || to === DOWN) return;
    // Of several states in a row only the last is worth a line.
    if (doing.at(-1) === from) doing.pop();
    doing.push(to);
  }

  #drawCall({ end, call }: RecordOf<'call'>): void {
    const asked = ASKED[call.name];
    if (asked === undefined) return;
    const what = call.name === 'getKeyWithKeyIds' ? ` (${call.input.keyId})` : '';
    this.#say(`${end}->>${KME[end]}: ${asked}${what}`);
  }

  #drawAct({ end, act }: RecordOf<'act'>): void {
    const doing = this.#doing[end];
    switch (act.name) {
      case 'commit':
        doing.push(`commits chain ${act.params.chain}, epoch ${act.params.epoch}`);
        break;
      case 'layBy':
        doing.push(`lays ${act.params.keyId} by`);
        break;
      case 'wipe':
        doing.push(`wipes ${act.params.exchange}`);
        break;
      case 'forgetChain':
        doing.push('forgets the chain');
        break;
      case 'alarm':
        doing.push(`alarm: ${act.params.reason}`);
        break;
      // These are seen as what they do: an arrow, an install.
      case 'answer':
      case 'expire':
      case 'refuseEvent':
        break;
    }
  }

  #leave(message: Message): void {
    this.#onTheWay.set(message.label, { message, at: this.#sentBy(message.from) });
  }

  /** The message reaches somebody, or nobody; `fate` says which where it is not plain. */
  #arrive(label: string, fate: string): void {
    const sent = this.#onTheWay.get(label);
    if (sent === undefined) return;
    this.#onTheWay.delete(label);
    const { from, to } = sent.message;
    const late = this.#sentBy(from) > sent.at ? ', sent earlier' : '';
    const said = `${messageWords(sent.message)}${late} ${fate}`.trimEnd();
    this.#say(`${from}${fate === '' ? '->>' : '-x'}${to}: ${said}`);
  }

  /** What an end has sent so far, to the peer and to its KME. */
  #sentBy(end: End): number {
    return this.#lines.filter((line) => line.startsWith(`${end}-`)).length;
  }

  /** A line of the diagram; what was done before it comes first. */
  #say(line: string): void {
    this.#flush();
    this.#lines.push(line);
  }

  #flush(): void {
    for (const end of ENDS) {
      const doing = this.#doing[end].splice(0);
      if (doing.length > 0) this.#lines.push(`Note over ${end}: ${doing.join('<br>')}`);
    }
  }
}

function messageWords({ body }: Message): string {
  switch (body.type) {
    case 'refused':
      return `refused: ${body.code}`;
    case '/new':
      return `/new (${body.exchange})`;
    case '/rotate':
      return `/rotate (${body.exchange}, chain ${body.chain}, epoch ${body.epoch})`;
    case '/reserve':
      return `/reserve (${body.exchange}, chain ${body.chain}, epoch ${body.epoch})`;
    case '/ack':
      return `/ack (${body.exchange}, ${body.keyId}, proof)`;
    case 'offer':
      return `offer (${body.keyId})`;
    case 'confirmed':
      return 'confirmed (proof)';
  }
}

/** Without the number sign, which Mermaid reads as the beginning of an entity. */
function installWords({ psk, works }: RecordOf<'install'>): string {
  const named = psk?.replace(/^psk#/, 'PSK ').replace(/^random#\d+/, 'a random PSK');
  const what = named === undefined ? 'removes the PSK' : `installs ${named}`;
  return works ? what : `${what}: fails`;
}

/** Lines that fit beside the arrows. */
function broken(text: string): string {
  const lines: string[] = [];
  for (const word of text.replaceAll(';', ',').split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || `${line} ${word}`.length > NOTE_LENGTH_MAX) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('<br>');
}
