import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import type { FileHolder } from "../../../src/kernel/conformance/place.ts";

/** Files held open by `sleep`, a process for each, which has the file as its standard input. */
export function holdFiles(): FileHolder {
  const holders: ChildProcess[] = [];
  return {
    async hold(path) {
      let fd: number;
      try {
        fd = openSync(path, constants.O_RDWR);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
      const child = spawn("sleep", ["infinity"], { stdio: [fd, "ignore", "ignore"] });
      holders.push(child);
      closeSync(fd);
      return "ok";
    },
    async letGo() {
      const ends = holders.splice(0).map((child) => {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        return ended;
      });
      await Promise.all(ends);
    },
  };
}
