/**
 * The names that a certificate gives its subject, for the comparison with an identity.
 *
 * Nothing is verified here: the TLS layer must have checked the chain before. Names are exact text;
 * one that needs quotes in Node's text form equals no identity.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5.1
 */
import type { PeerCertificate } from 'node:tls';

const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

/**
 * The common names, and the DNS, URI and other names of the subject alternative name.
 *
 * @param certificate - a peer's; untrusted, and without fields where there was none
 */
export function namesOf({ subject, subjectaltname }: Partial<PeerCertificate>): readonly string[] {
  // Several common names come as a list, which the type does not say.
  const commonNames: unknown = subject?.CN;
  const names = [commonNames].flat().filter((name) => typeof name === 'string');
  return [...names, ...altNamesOf(subjectaltname ?? '')];
}

/**
 * Reads Node's text form of a subject alternative name, in which a value that could be taken for
 * another entry is in quotes. Whatever does not read ends the list: better a name too few.
 */
function altNamesOf(text: string): readonly string[] {
  const names: string[] = [];
  for (const [, type, value = ''] of text.matchAll(ALT_NAME)) {
    if (type === 'DNS' || type === 'URI') names.push(value);
    // An other name comes with its kind: `othername:UPN:kme_1`.
    if (type === 'othername') names.push(value.slice(value.indexOf(':') + 1));
  }
  return names;
}
