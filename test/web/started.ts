import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../dumps.ts";

const FILES = { "host-a": join(ROOT, "examples/demo/host-a.yaml"), "host-b": join(ROOT, "examples/demo/host-b.yaml") };
/** As `--source` has them. */
export const HOST_A = `model:${FILES["host-a"]}`;
export const HOST_B = `model:${FILES["host-b"]}`;

/** `npm start` as a process, with a state of its own. */
export interface Started {
  /** With the token. */
  readonly url: string;
  /** Runs a command over the same machines. */
  vfleet(...args: readonly string[]): string;
  /** Ends it, and its machines. */
  close(): Promise<void>;
}

/** @param args of `npm start` */
export async function startVfleet(...args: readonly string[]): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-start-"));
  const env = { ...process.env, XDG_STATE_HOME: folder, NO_COLOR: "1" };
  const child = spawn(process.execPath, [join(ROOT, "scripts/start.ts"), "--listen", "127.0.0.1:0", ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const vfleet = (...words: readonly string[]) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(ROOT, "bin/vfleet.js"), ...words], {
      env,
      encoding: "utf8",
    });
    assert.equal(status, 0, `vfleet ${words.join(" ")}: ${stderr}`);
    return stdout;
  };
  const close = async () => {
    await ended(child);
    for (const file of Object.values(FILES)) vfleet("model", "off", file);
    rmSync(folder, { recursive: true, force: true });
  };
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    output += text;
    const url = /^open (\S+)$/m.exec(output)?.[1];
    if (url !== undefined) return { url, vfleet, close };
  }
  await close();
  throw new Error(`it ended before it listened: ${output}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}
