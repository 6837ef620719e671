import { failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import { errnoOfMessage } from "./errno-text.ts";
import type { Programs } from "./program.ts";

const MODULE_NAME = /^[A-Za-z0-9_-]+$/;

/** Loads a module with what it needs, by kmod's or BusyBox's modprobe. */
export function loadModule(programs: Programs, name: string, waiting?: Waiting): Promise<Within<Outcome>> {
  return modprobe(programs, [], name, waiting);
}

/** Unloads a module, with what it needed where nothing else does. */
export function unloadModule(programs: Programs, name: string, waiting?: Waiting): Promise<Within<Outcome>> {
  return modprobe(programs, ["-r"], name, waiting);
}

async function modprobe(
  programs: Programs,
  options: readonly string[],
  name: string,
  waiting?: Waiting,
): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const target = "module";
  if (!MODULE_NAME.test(name)) return failed(target, name, "EINVAL", `${JSON.stringify(name)} is no name of a module`);
  return programs.change(target, ["modprobe", ...options, "--", name], "", waiting, (end): Outcome => {
    if ("notStarted" in end) return failed(target, name, null, end.reason);
    if (end.exitCode === 0) return { kind: "done", tookMs: end.tookMs };
    const text = end.stderr.trim();
    const missing = /Module \S+ not found|module \S+ not found/.test(text);
    // kmod looks at the reference count itself before it asks the kernel, which would say EAGAIN.
    const inUse = /Module \S+ is in use/.test(text);
    return failed(target, name, missing ? "ENOENT" : inUse ? "EBUSY" : (errnoOfMessage(text) ?? null), text);
  });
}
