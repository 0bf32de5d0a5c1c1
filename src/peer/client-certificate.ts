/**
 * Whether the client certificate of a TLS connection names a SAE.
 *
 * The TLS layer has verified the chain before; here the certificate of one peer is kept from speaking
 * for another. The SAE ID must be the common name or a DNS or URI entry of the subject alternative
 * name, compared as exact text.
 */
import { type PeerCertificate, TLSSocket } from 'node:tls';

const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

/**
 * True when the verified certificate of the connection's client names this SAE.
 *
 * @param socket - connection of a request; one without TLS names nobody
 */
export function certificateNames(socket: unknown, saeId: string): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
  return namesOf(socket.getPeerCertificate()).includes(saeId);
}

/** The names that a certificate gives its subject. */
export function namesOf({ subject, subjectaltname }: Partial<PeerCertificate>): readonly string[] {
  // Several common names come as a list, which the type does not say.
  const commonNames: unknown = subject?.CN;
  const names = [commonNames].flat().filter((name) => typeof name === 'string');
  return [...names, ...altNamesOf(subjectaltname ?? '')];
}

/**
 * Reads node's text form of a subject alternative name, in which a value that could be taken for
 * another entry is in quotes. Whatever does not read ends the list: better a name too few.
 */
function altNamesOf(text: string): readonly string[] {
  const names: string[] = [];
  for (const [, type, value = ''] of text.matchAll(ALT_NAME)) {
    if (type === 'DNS' || type === 'URI') names.push(value);
  }
  return names;
}
