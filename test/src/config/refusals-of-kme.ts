/** Refusals that the table [kme] by itself is the reason of. */
import { durationRefusal, inStructured, KME_URL, type Refusal } from './refusal.ts';
import { PLANTED } from './toml-file.ts';

const NINE_URLS = Array.from({ length: 9 }, (_, index) => `http://localhost:${index + 1}`);

export const KME: readonly Refusal[] = [
  inStructured(
    'a URL with a query',
    [['http://localhost:12345', `http://localhost/?token=${PLANTED}`]],
    KME_URL,
  ),
  inStructured(
    'a KME URL with the path of the standard',
    [['http://localhost:12345', 'http://localhost:12345/api/v1/']],
    'kme.url: ends in the path that every call to a KME begins with. Leave out /api/v1 and what follows; see base_path.',
  ),
  inStructured(
    'a KME URL with the configured path',
    [['"http://localhost:12345"', '"http://localhost:12345/qkd/v2"\nbase_path = "/v2/"']],
    'kme.url: ends in the path that every call to a KME begins with. Leave out /api/v1 and what follows; see base_path.',
  ),
  inStructured('no KME URL in the list', [['"http://localhost:12345"', '[]']], KME_URL),
  inStructured(
    'a KME URL with a password in a list',
    [['"http://localhost:12345"', `["http://localhost:1", "http://u:${PLANTED}@localhost"]`]],
    KME_URL,
  ),
  inStructured(
    'the same KME URL twice',
    [['"http://localhost:12345"', '["http://localhost:1", "http://localhost:1/"]']],
    'kme.url: names the same URL twice. Remove one of the two.',
  ),
  inStructured(
    'more KME URLs than anybody has',
    [['"http://localhost:12345"', JSON.stringify(NINE_URLS)]],
    'kme.url: lists more than 8 URLs. Keep those that keys come from.',
  ),
  ...['"api"', '""', '"/a//b"', '"/a/../b"', '"/a?b"', '"/a b"'].map((path) =>
    inStructured(
      `the base path ${path}`,
      [['[[link]]', `base_path = ${path}\n[[link]]`]],
      'kme.base_path: is not a path that starts with "/", of letters, digits and "_.~-". Write it like base_path = "/api/v1/keys".',
    ),
  ),
  inStructured(
    'a text for a flag',
    [['[[link]]', 'send_size = "no"\n[[link]]']],
    'kme.send_size: is not true or false. Write it like send_size = true.',
  ),
  inStructured(
    'a size in nibbles, and key_IDs in title case',
    [['[[link]]', 'size_unit = "nibbles"\nkey_id_case = "title"\n[[link]]']],
    'kme.size_unit: is not "bits" or "bytes". Write it like size_unit = "bits".',
    'kme.key_id_case: is not "as-given" or "lower" or "upper". Write it like key_id_case = "as-given".',
  ),
  inStructured(
    'a KME ID for plain http',
    [['[[link]]', 'kme_id = "kme_alice"\n[[link]]']],
    'kme.kme_id: names the KME in its certificate, but a url is plain http. Write https://, or remove kme_id.',
  ),
  inStructured(
    'an empty KME ID',
    [['[[link]]', 'kme_id = ""\n[[link]]']],
    'kme.kme_id: is not a KME ID of 1 to 256 bytes without blanks. Write it like kme_id = "kme_alice".',
  ),
  inStructured(
    'half a key in stock',
    [['[[link]]', 'low_water = 0.5\n[[link]]']],
    'kme.low_water: is not a whole number from 0 to 1000000000. Write it like low_water = 10.',
  ),
  inStructured(
    'an unknown method',
    [['[[link]]', `method = "${PLANTED}"\n[[link]]`]],
    'kme.method: is not "POST" or "GET". Write it like method = "POST".',
  ),
  inStructured(
    'a KME timeout beyond what the link machine waits',
    [['[[link]]', 'timeout = "13s"\n[[link]]']],
    durationRefusal('kme.timeout', '100ms to 12s', '10s'),
  ),
  inStructured(
    'a Get status every moment',
    [['[[link]]', 'status_interval = "999ms"\n[[link]]']],
    durationRefusal('kme.status_interval', '1s to 24h', '60s'),
  ),
  inStructured(
    'a connect timeout above the timeout',
    [['[[link]]', 'timeout = "2s"\nconnect_timeout = "3s"\n[[link]]']],
    'kme.connect_timeout: is longer than timeout, which covers the whole call. Make it at most as long as timeout.',
  ),
];
