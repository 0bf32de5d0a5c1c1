/**
 * Whether the client certificate of a TLS connection names a SAE.
 *
 * The TLS layer has verified the chain before; here the certificate of one peer is kept from speaking
 * for another. The SAE ID must be the common name or a DNS, URI or other name of the subject
 * alternative name, compared as exact text.
 */
import { TLSSocket } from 'node:tls';
import { namesOf } from '../certificate-names.ts';

/**
 * True when the verified certificate of the connection's client names this SAE.
 *
 * @param socket - connection of a request; one without TLS names nobody
 */
export function certificateNames(socket: unknown, saeId: string): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
  return namesOf(socket.getPeerCertificate()).includes(saeId);
}
