/**
 * Runs a program with a folder that is a file system of its own, in a mount namespace that ends with it:
 *
 *     unshare --mount node with-state-on.ts FOLDER "size=8k" PROGRAM ARGS...
 *
 * `FOLDER/operations` is made before options such as `ro` take effect.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const [folder = "", options = "", program = "", ...args] = process.argv.slice(2);
execFileSync("mount", ["-t", "tmpfs", "-o", "mode=700", "tmpfs", folder]);
mkdirSync(join(folder, "operations"), { mode: 0o700 });
execFileSync("mount", ["-o", `remount,${options}`, folder]);
const { status } = spawnSync(program, args, { stdio: "inherit" });
process.exitCode = status ?? 1;
