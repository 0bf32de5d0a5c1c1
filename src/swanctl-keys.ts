/**
 * Which keys of a connection in swanctl.conf hold lists: swanctl knows it, and charon, which is
 * given the lists, does not tell.
 *
 * Source: swanctl.conf(5), section `connections`.
 */

/** Written with commas there; lists on the way to charon. */
export const LIST_KEYS: ReadonlySet<string> = new Set([
  'local_addrs',
  'remote_addrs',
  'proposals',
  'vips',
  'pools',
  'groups',
  'cert_policy',
  'esp_proposals',
  'ah_proposals',
  'local_ts',
  'remote_ts',
]);

/** Lists of files, of which charon is given what they hold. */
export const FILE_LIST_KEYS: ReadonlySet<string> = new Set(['certs', 'cacerts', 'pubkeys']);
