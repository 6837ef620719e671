/**
 * Captures the lab's machines again, each before any VF and with as many as work, as fixtures/hosts/NAME.tar.gz and
 * NAME-vfs.tar.gz, with what lspci says beside them:
 *     node scripts/capture-lab-hosts.ts            all of them: some minutes
 *     node scripts/capture-lab-hosts.ts igb switch
 */
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findImage } from "../src/lab/image.ts";
import type { Machine } from "../src/lab/machine.ts";
import { MACHINES } from "../src/lab/machines.ts";
import { runScript } from "../src/lab/run-script.ts";

const HOSTS = join(import.meta.dirname, "../fixtures/hosts");
const TIMEOUT_MS = 600_000;
const MACHINES_AT_ONCE = 2;

const image = findImage();
if (image === undefined) throw new Error("the lab's image is not built: npm run lab -- build");

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !MACHINES.some((machine) => machine.name === name));
if (unknown.length > 0) throw new Error(`no lab machine ${unknown.join(", ")}`);
// The devices of `guests` are those of igb-nvme.
const queue = MACHINES.filter(({ name }) => (wanted.length > 0 ? wanted.includes(name) : name !== "guests"));

const ended = new AbortController();
process.once("SIGINT", () => ended.abort()).once("SIGTERM", () => ended.abort());
await Promise.all(
  Array.from({ length: MACHINES_AT_ONCE }, async () => {
    for (let machine = queue.shift(); machine !== undefined; machine = queue.shift()) await capture(machine);
  }),
);

/** Files come into place when all of a machine's are there. */
async function capture(machine: Machine): Promise<void> {
  if (image === undefined) return;
  const out = mkdtempSync(join(HOSTS, ".new-"));
  try {
    const { exitCode, wallMs } = await runScript({
      image,
      machine,
      script: join(import.meta.dirname, "guest/capture-host.sh"),
      outFolder: out,
      timeoutMs: TIMEOUT_MS,
      signal: ended.signal,
      onOutput: (text) => process.stderr.write(text),
    });
    if (exitCode !== 0) throw new Error(`${machine.name}: the script ended with ${exitCode}`);
    const names = readdirSync(out).sort();
    for (const name of names) renameSync(join(out, name), join(HOSTS, name));
    console.log(`${machine.name}: ${names.join(" ")} (${(wallMs / 1000).toFixed(0)} s)`);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
