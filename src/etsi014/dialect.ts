/**
 * The requests of clauses 5.2 to 5.4 as one KME wants them: GET or POST, with or without number and
 * size, in bits or bytes, key_IDs in lower or upper case, below its own path. Pure.
 *
 * What a KME answers needs no dialect: format.ts reads every spelling that is known.
 *
 * @see ETSI GS QKD 014 V1.1.1, clause 5
 */
import type { KmeConfig } from '../config/types.ts';
import type { HttpRequest } from '../http-call.ts';
import {
  type KeyRequest,
  keyIdsBody,
  keyIdsQuery,
  keyRequestBody,
  keyRequestQuery,
} from './format.ts';

/** The part of a configuration that says how requests look. */
export type KmeApi = Pick<KmeConfig, 'basePath' | 'dialect'>;

const BITS_PER_BYTE = 8;

const ACCEPT = { Accept: 'application/json' };

/** Get status (clause 5.2). */
export function statusRequest(api: KmeApi, slaveSaeId: string): HttpRequest {
  return getForm(api, slaveSaeId, 'status');
}

/** Get key (clause 5.3) for one key. */
export function keyRequest(api: KmeApi, slaveSaeId: string, sizeBits: number): HttpRequest {
  const { method, sendNumber, sendSize, sizeUnit } = api.dialect;
  const request: KeyRequest = {
    number: sendNumber ? 1 : undefined,
    size: sendSize ? sizeBits / (sizeUnit === 'bits' ? 1 : BITS_PER_BYTE) : undefined,
  };
  return method === 'POST'
    ? postForm(api, slaveSaeId, 'enc_keys', keyRequestBody(request))
    : getForm(api, slaveSaeId, 'enc_keys', keyRequestQuery(request));
}

/** Get key with key IDs (clause 5.4) for one key. */
export function keyIdsRequest(api: KmeApi, masterSaeId: string, keyId: string): HttpRequest {
  const spelled = spell(keyId, api.dialect.keyIdCase);
  return api.dialect.method === 'POST'
    ? postForm(api, masterSaeId, 'dec_keys', keyIdsBody(spelled))
    : getForm(api, masterSaeId, 'dec_keys', keyIdsQuery(spelled));
}

function spell(keyId: string, keyIdCase: KmeApi['dialect']['keyIdCase']): string {
  switch (keyIdCase) {
    case 'as-given':
      return keyId;
    case 'lower':
      return keyId.toLowerCase();
    case 'upper':
      return keyId.toUpperCase();
  }
}

/** @param name - of the method, as it ends the path */
function getForm({ basePath }: KmeApi, saeId: string, name: string, query = ''): HttpRequest {
  const path = `${basePath}/${encodeURIComponent(saeId)}/${name}${query && `?${query}`}`;
  return { method: 'GET', path, headers: ACCEPT };
}

function postForm(api: KmeApi, saeId: string, name: string, body: string): HttpRequest {
  const headers = { ...ACCEPT, 'Content-Type': 'application/json' };
  return { ...getForm(api, saeId, name), method: 'POST', headers, body: Buffer.from(body) };
}
