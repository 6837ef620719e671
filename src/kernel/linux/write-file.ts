import { statSync } from "node:fs";
import { failed, type Outcome, type Waiting, type Within } from "../port-outcome.ts";
import { errnoOfMessage } from "./errno-text.ts";
import type { Programs } from "./program.ts";

/** No attribute takes more than a page (`kernfs_fop_write_iter`: E2BIG), and the largest page is this. */
const LIMIT_BYTES = 64 * 1024;

/**
 * Writes an attribute by `dd`, in a process of its own, since the kernel may keep the writer for as long as it likes: one
 * block of the whole text, so one write(2). Only where an attribute takes but a part does `dd` write the rest, too, as
 * every program does. What GNU, BusyBox and uutils all know is used; so whether the file is there is looked up first,
 * instead of conv=nocreat. Opening never waits.
 * @param path on this host; `target` names it in answers.
 */
export async function writeFileByProgram(
  programs: Programs,
  target: string,
  path: string,
  text: string,
  waiting?: Waiting,
): Promise<Within<Outcome>> {
  waiting?.signal?.throwIfAborted();
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMIT_BYTES) return failed(target, text, "E2BIG", `${bytes} bytes are more than any attribute takes`);
  try {
    if (statSync(path).isDirectory()) return failed(target, text, "EISDIR", "it is a folder");
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code.startsWith("ERR_")) return failed(target, text, "ENOENT", "there is no such file");
    return failed(target, text, code);
  }
  const block = bytes === 0 ? ["bs=1", "count=0"] : [`bs=${bytes}`, "count=1", "iflag=fullblock"];
  const command = ["dd", `of=${path}`, ...block, "conv=notrunc", "status=none"] as const;
  return programs.change(target, command, text, waiting, (end): Outcome => {
    if ("notStarted" in end) return failed(target, text, null, end.reason);
    const { exitCode, stderr, tookMs } = end;
    if (exitCode === 0) return { kind: "done", tookMs };
    if (exitCode === null) return failed(target, text, null, "dd was killed; whether the value was taken is not known");
    const errno = errnoOfMessage(stderr);
    return errno === undefined ? failed(target, text, null, `dd: ${stderr.trim()}`) : failed(target, text, errno);
  });
}
