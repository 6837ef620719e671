import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { physicalFunctions, readInventory } from "../../host/inventory.ts";
import { openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { openSource } from "../../kernel/open-source.ts";
import { packageFile } from "../names.ts";
import { print } from "../output.ts";
import { paint } from "../terminal.ts";
import { preflight } from "./preflight.ts";
import { scan } from "./scan.ts";

/** The machine that is brought up where this one has no SR-IOV device. */
const MODEL = "examples/models/server.yaml";
const POLICY = "examples/policies/igb-two-pools.yaml";

/** `npm start`: what is here, and what to do next; on a modelled server where this machine has no SR-IOV device. */
export async function start(): Promise<number> {
  const why = await whyNotHere();
  if (why === undefined) return startHere();
  const file = shownPath(MODEL);
  const { info } = await openMachine(fileURLToPath(packageFile(MODEL)));
  const source = `model:${file}`;
  print(
    `${why}\nSo here is a modelled server, register by register, with Linux on it (process ${info.pid}; nothing of this\n`,
  );
  print(`machine is touched). It stays as you leave it, until: ${command(`model off ${file}`)}\n\n`);
  await scan({ source: [`model:${fileURLToPath(packageFile(MODEL))}`] });
  next([
    [`plan  -f ${shownPath(POLICY)} --source ${source}`, "seven VFs in two pools: what would be done?"],
    [`apply -f ${shownPath(POLICY)} --source ${source}`, "do it"],
    [`attach 01:10.0 web --source ${source}`, "give a VF to the virtual machine web"],
    [`status --source ${source}`, "what is there, and who uses it"],
    [`model shell ${file}`, "look around in it: ls, ip link, lspci, dmesg, traffic"],
    [`scan --tree --source ${source}`, "its PCI Express topology"],
  ]);
  return 0;
}

async function startHere(): Promise<number> {
  await scan({ source: ["linux"] });
  print("\n");
  await preflight(undefined, { source: "linux" });
  next([
    ["scan --tree", "the PCI Express topology"],
    ["explain VfPolicy", "what can be wanted, in YAML"],
    ["plan -f FILE", "what would be done to have it; writes nothing"],
    [`model shell ${shownPath(MODEL)}`, "a modelled server, to try things on"],
  ]);
  return 0;
}

/** Why this machine is not shown; undefined where it has a PF. */
async function whyNotHere(): Promise<string | undefined> {
  try {
    const inventory = await readInventory(await openSource("linux"));
    if (physicalFunctions(inventory).length > 0) return undefined;
    return `This machine has ${inventory.functions.size} PCI functions, and none with SR-IOV.`;
  } catch (error) {
    return `This machine cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

function next(commands: readonly (readonly [string, string])[]): void {
  const lines = commands.map(([words, what]) => `  ${command(words)}\n      ${paint("faint", what)}`);
  print(`\n${paint("strong", "Next")}\n${lines.join("\n")}\n`);
}

/** As it can be typed here: in a checkout, npx finds the program. */
function command(words: string): string {
  return existsSync(packageFile("src/cli/main.ts")) ? `npx vfleet ${words}` : `vfleet ${words}`;
}

/** A file of the package, from where the user is; in quotes where its name has a blank. */
function shownPath(path: string): string {
  const found = relative("", fileURLToPath(packageFile(path)));
  return /\s/.test(found) ? `'${found}'` : found;
}
