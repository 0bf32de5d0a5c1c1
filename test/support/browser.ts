/** Chromium, driven over its DevTools protocol, where it is installed; without it tests are skipped. */
import { existsSync } from 'node:fs';
import { test } from '@jest/globals';
import { type Browser, launch } from 'puppeteer-core';

const CHROMIUM = '/usr/bin/chromium';
const IS_THERE = existsSync(CHROMIUM);

if (!IS_THERE) {
  console.warn(`The dashboard is not tested in a browser: ${CHROMIUM} is not installed.`);
}

/** A test that needs Chromium. */
export const browserTest = IS_THERE ? test : test.skip;

/** @returns null where there is none */
export async function openBrowser(): Promise<Browser | null> {
  if (!IS_THERE) return null;
  // As root it has no sandbox; the page that it opens is our own.
  return await launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: 60_000 });
}
