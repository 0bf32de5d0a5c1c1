// A node:http server and nothing else. It stands for a peer that answers /rotate and /ack with fixed
// bodies, given as JSON on the command line, and for a KME that makes keys and hands each out once.
// Its first line of output is its port.
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const fixed = JSON.parse(process.argv[2] ?? '{}');
const keys = new Map();

const answerTo = (url, body) => {
  if (url in fixed) return fixed[url];
  if (url.endsWith('/enc_keys')) {
    const entry = { key_ID: randomUUID(), key: randomBytes(32).toString('base64') };
    keys.set(entry.key_ID, entry);
    return JSON.stringify({ keys: [entry] });
  }
  const { key_ID } = JSON.parse(body).key_IDs[0];
  const entry = keys.get(key_ID);
  keys.delete(key_ID);
  return JSON.stringify({ keys: [entry] });
};

const server = createServer((request, response) => {
  if (request.url.endsWith('/status')) {
    // A KME without Get status: it is asked once.
    response.writeHead(404).end();
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(answerTo(request.url, Buffer.concat(chunks).toString()));
  });
});
// As the daemon's: the client gives an idle connection up first.
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
