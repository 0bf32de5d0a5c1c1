/** The search for one planted key; see secrets/search.ts for its forms. */
import { SecretSearch } from './secrets/search.ts';

/** The forms in which a key, or half of it, occurs in a text. */
export function plantedIn(text: string, key: Buffer): readonly string[] {
  const search = new SecretSearch();
  search.add('the key', key);
  return search.find(text);
}
