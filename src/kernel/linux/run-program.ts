import { execFile } from "node:child_process";
import { type Observed, unread } from "../port.ts";
import { ENVIRONMENT } from "./program.ts";

const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * What a program of the system writes to its standard output. It is killed after `deadlineMs` (ETIMEDOUT); ENOENT where
 * it is not installed, EIO with its message where it fails, EOVERFLOW where it writes more than 64 MiB.
 */
export function runProgram(program: string, args: readonly string[], deadlineMs: number): Promise<Observed<string>> {
  const path = [program, ...args].join(" ");
  const options = {
    timeout: deadlineMs,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_LIMIT_BYTES,
    env: ENVIRONMENT,
  } as const;
  return new Promise((settle) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) settle(stdout);
      else if (error.code === "ENOENT") settle(unread(path, "ENOENT", `${program} is not installed`));
      else if ((error.code as unknown) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
        settle(unread(path, "EOVERFLOW", `${program} answered more than ${OUTPUT_LIMIT_BYTES >>> 20} MiB`));
      } else if (error.killed) settle(unread(path, "ETIMEDOUT", `${program} did not answer in time`));
      else settle(unread(path, "EIO", stderr.trim().split("\n")[0] || `${program} failed`));
    });
  });
}
