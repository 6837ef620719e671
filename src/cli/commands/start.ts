import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ApiClient } from "../../client/api-client.ts";
import { physicalFunctions, readInventory } from "../../host/inventory.ts";
import { runningMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { modelsFolder } from "../../kernel/model/remote/state-folder.ts";
import { openSource } from "../../kernel/open-source.ts";
import type { RunningServer } from "../../server/serve.ts";
import { type DemoMachine, setUpMachine } from "../demo/set-up-machine.ts";
import { packageFile } from "../names.ts";
import { note, print } from "../output.ts";
import { paint } from "../terminal.ts";
import { up } from "./up.ts";

export interface StartOptions {
  readonly listen: string;
  readonly state?: string;
}

const INTERVAL_S = 5;
/** Between two looks at machines that cost nothing to look at: their traffic is seen as it goes. */
const MODEL_INTERVAL_S = 1;
const DOCUMENT = "examples/demo/tenants.yaml";

interface Demo extends Omit<DemoMachine, "document"> {
  readonly file: string;
}

/** The machines that are brought up where this one has no SR-IOV device. */
const MACHINES: readonly Demo[] = [
  {
    host: "host-a",
    file: "examples/demo/host-a.yaml",
    attachments: [
      { vf: "0000:01:00.0-vf0", guest: "model:web" },
      { vf: "0000:01:00.0-vf1", guest: "model:db" },
    ],
    flows: [
      { netdev: "eth0", from: 0, to: 1, framesPerSecond: 4000, bytes: 1514 },
      { netdev: "eth0", from: 1, to: 0, framesPerSecond: 1500, bytes: 256 },
    ],
  },
  {
    host: "host-b",
    file: "examples/demo/host-b.yaml",
    attachments: [
      { vf: "0000:03:00.0-vf0", guest: "model:cache" },
      { vf: "0000:03:00.0-vf1", guest: "model:queue" },
    ],
    flows: [{ netdev: "eth0", from: 0, to: 1, framesPerSecond: 800, bytes: 1024 }],
  },
];

/** `npm start`: vfleet and its page, over this machine's SR-IOV devices, or over two modelled machines where it has none. */
export async function start({ listen, state }: StartOptions): Promise<number> {
  const why = await whyNotHere();
  if (why === undefined) {
    return up({ source: ["linux"], listen, interval: INTERVAL_S, logLevel: "warn", ...(state && { state }) });
  }
  const off: Demo[] = [];
  for (const machine of MACHINES) {
    const running = await runningMachine(packagePath(machine.file));
    if (running === undefined) off.push(machine);
    else running.close();
  }
  print(
    `${why}\nSo here are two modelled servers, register by register, with Linux on them; nothing of this machine is touched.\n`,
  );
  print(
    `They stay as you leave them, until: ${MACHINES.map(({ file }) => command(`model off ${shownPath(file)}`)).join("; ")}\n\n`,
  );
  return up({
    source: MACHINES.map(({ file }) => `model:${packagePath(file)}`),
    listen,
    state: state ?? join(dirname(modelsFolder()), "demo"),
    interval: MODEL_INTERVAL_S,
    logLevel: "warn",
    afterStart: (server, signal) => setUp(server, off, signal),
  });
}

/** Of machines that were just powered on; others are somebody's by now. */
async function setUp({ url, tokenFile }: RunningServer, machines: readonly Demo[], signal: AbortSignal): Promise<void> {
  const token = readFileSync(tokenFile, "utf8").trim();
  const client = new ApiClient({ url, token: () => token });
  const document = { name: "tenants", text: readFileSync(packagePath(DOCUMENT), "utf8") };
  for (const machine of machines) {
    try {
      await setUpMachine(client, { ...machine, document }, signal);
      print(`${paint("good", "✔")} ${machine.host}: VFs, guests that have some, traffic between them\n`);
    } catch (error) {
      if (signal.aborted) return;
      // There is a machine all the same, to be set up by hand.
      note(`${machine.host} was not set up whole: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
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

/** As it can be typed here: in a checkout, npx finds the program. */
function command(words: string): string {
  return existsSync(packageFile("src/cli/main.ts")) ? `npx vfleet ${words}` : `vfleet ${words}`;
}

function packagePath(path: string): string {
  return fileURLToPath(packageFile(path));
}

/** A file of the package, from where the user is; in quotes where its name has a blank. */
function shownPath(path: string): string {
  const found = relative("", packagePath(path));
  return /\s/.test(found) ? `'${found}'` : found;
}
