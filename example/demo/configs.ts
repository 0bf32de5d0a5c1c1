/**
 * The shipped example configurations, made fit for the demo: a short interval, and logs that a
 * program can read and that tell every step. Nothing else is changed.
 *
 * It reads single settings out of the text, because the demo has no TOML parser of its own.
 */
import { basename, join } from 'node:path';

/**
 * A copy of a flat configuration with another interval and detailed JSON logs.
 *
 * @param toml - a flat configuration that sets neither of the two
 * @param interval - as the configuration spells it, `"3s"`
 */
export function withDemoSettings(toml: string, interval: string): string {
  // Top-level keys end where the first table begins: hence one in front and one at the end.
  return `interval = "${interval}"\n${toml}\n[log]\nformat = "json"\nlevel = "debug"\n`;
}

/**
 * A top-level setting, as text.
 *
 * @throws Error when the configuration does not set it
 */
export function settingOf(toml: string, key: string): string {
  const value = new RegExp(`^${key}\\s*=\\s*("?)([^"#\\n]+?)\\1\\s*(?:#.*)?$`, 'm').exec(toml)?.[2];
  if (value === undefined) throw new Error(`the configuration does not set ${key}`);
  return value;
}

/**
 * Where the daemon writes its PSK.
 *
 * @param folder - where the daemon is started
 */
export function keyFileOf(toml: string, folder: string): string {
  const name = basename(`${settingOf(toml, 'alias')}.key`);
  return join(folder, settingOf(toml, 'key_folder'), name);
}
