/** For calls that nobody cancels. */
export const NEVER = new AbortController().signal;
