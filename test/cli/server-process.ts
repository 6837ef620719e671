/** A server as a process of its own, and what it answers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT } from "../dumps.ts";

export const VFLEET = join(ROOT, "bin/vfleet.js");
export const API = "api/v1alpha1";
const READY_WITHIN_MS = 120_000;

export interface Up {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: string;
}

/** Those that run; who starts some ends them, whatever fails. */
export const servers = new Set<ChildProcess>();

/** @returns when it listens */
export async function startServer(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Up> {
  const all = [VFLEET, "up", ...args, "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, all, { env, stdio: ["ignore", "pipe", "inherit"] });
  servers.add(child);
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    output += text;
    const url = /listens at (\S+)\n.*\n/.exec(output)?.[1];
    if (url !== undefined) return { child, url, output };
  }
  throw new Error(`it ended before it listened: ${output}`);
}

/** @returns its exit code */
export async function endServer({ child }: Up, signal: NodeJS.Signals): Promise<unknown> {
  const closed = once(child, "close");
  child.kill(signal);
  const [code] = await closed;
  servers.delete(child);
  return code;
}

/** When it has ended what another was cut off in. @throws where it does not come to that */
export async function untilReady({ url }: Up): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while ((await fetch(new URL("readyz", url))).status !== 200) {
    if (performance.now() > deadline) throw new Error(`it was not ready in ${READY_WITHIN_MS} ms`);
    await delay(50);
  }
}

/** @param state where it keeps its first token */
export async function askServer(url: string, state: string, path: string, body?: unknown) {
  const token = readFileSync(join(state, "token"), "utf8").trim();
  const response = await fetch(new URL(path, url), {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each caller knows what it asked for
  return { status: response.status, body: (await response.json()) as any };
}
