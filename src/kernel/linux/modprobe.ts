import { failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import { errnoOfMessage } from "./errno-text.ts";
import type { Programs } from "./program.ts";

const MODULE_NAME = /^[A-Za-z0-9_-]+$/;

/** Loads a module with what it needs, by kmod's or BusyBox's modprobe. */
export async function loadModule(programs: Programs, name: string, waiting?: Waiting): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const target = "module";
  if (!MODULE_NAME.test(name)) return failed(target, name, "EINVAL", `${JSON.stringify(name)} is no name of a module`);
  return programs.change(target, ["modprobe", "--", name], "", waiting, (end): Outcome => {
    if ("notStarted" in end) return failed(target, name, null, end.reason);
    if (end.exitCode === 0) return { kind: "done", tookMs: end.tookMs };
    const text = end.stderr.trim();
    const missing = /Module \S+ not found|module \S+ not found/.test(text);
    return failed(target, name, missing ? "ENOENT" : (errnoOfMessage(text) ?? null), text);
  });
}
