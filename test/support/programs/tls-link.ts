/** A link between two sites that speak mutual TLS, with nothing in between. */
import type { Site } from './site.ts';

/** Paths of the files of one end. */
export type TlsFiles = { readonly cacert: string; readonly cert: string; readonly key: string };

/** Adds one end of a link without a psk. @param files - what it shows the peer, and whom it trusts */
export function addTlsLink(site: Site, peer: Site, files: TlsFiles): void {
  site.addLink({
    name: 'link',
    remote_SAE_ID: peer.saeId,
    url: `https://127.0.0.1:${peer.port}`,
    interval: '1s',
    max_key_age: '60s',
    ...files,
  });
}
