import type { Step } from "./script.ts";

/** The commonest steps, in a line each. */
type More = Pick<Step, "source" | "log" | "events" | "withinMs" | "since" | "before">;

export function write(path: string, value: string, expect: string, more: More = {}): Step {
  return { write: path, value, expect, ...more };
}

export function read(path: string, expect: string | RegExp, more: More = {}): Step {
  return { read: path, expect, ...more };
}

/** A read that fails. */
export function unreadable(path: string, errno: string, more: More = {}): Step {
  return { read: path, expect: { errno }, ...more };
}

export function link(path: string, expect: string | null, more: More = {}): Step {
  return { link: path, expect, ...more };
}

export function list(path: string, matching: RegExp, expect: readonly string[], more: More = {}): Step {
  return { list: path, matching, expect, ...more };
}
