/**
 * Who calls: the SAE ID of a request's sender.
 *
 * With mutual TLS it is what the client certificate names and nothing else: its common name, or,
 * without one, its one subject alternative name. Without TLS the standard puts no identity on the
 * wire (the path names the other SAE), so that a caller may name itself in a header of our own, or
 * stay anonymous.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5.1
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { namesOf } from '../../certificate-names.ts';
import type { CallerSaeId } from './store.ts';
import { Refusal } from './wire.ts';

/** Not of the standard. */
export const SAE_ID_HEADER = 'X-SAE-ID';

/**
 * Finds the caller's SAE ID.
 *
 * @param mutualTls - whether clients must show a certificate
 * @throws Refusal 401 for no, or no trusted, client certificate, and for one that names no SAE
 */
export function callerOf(request: IncomingMessage, mutualTls: boolean): CallerSaeId {
  if (mutualTls) return certifiedCaller(request.socket);
  const claimed = request.headers[SAE_ID_HEADER.toLowerCase()];
  return typeof claimed === 'string' && claimed !== '' ? claimed : null;
}

function certifiedCaller(socket: unknown): string {
  if (!(socket instanceof TLSSocket)) throw unauthorized('is missing');
  if (!socket.authorized) {
    // In truth a text: the name of OpenSSL's verification error.
    throw unauthorized(`is missing or not trusted (${String(socket.authorizationError)})`);
  }
  const { subject, subjectaltname = '' } = socket.getPeerCertificate();
  const commonNames = namesOf({ subject });
  const [name, ...others] = commonNames.length > 0 ? commonNames : namesOf({ subjectaltname });
  if (name === undefined || others.length > 0) throw unauthorized('does not name one SAE');
  return name;
}

function unauthorized(problem: string): Refusal {
  return new Refusal(401, 'Unauthorized', [{ client_certificate: problem }]);
}
