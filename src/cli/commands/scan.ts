import { type HostFunction, type Inventory, physicalFunctions, readInventory } from "../../host/inventory.ts";
import type { FunctionDevices } from "../../host/net-devices.ts";
import { type HostFacts, readHostFacts, readPreflightFacts } from "../../host/preflight/facts.ts";
import { judge, type Preflight } from "../../host/preflight/preflight.ts";
import { type Readiness, readinessOf } from "../../host/readiness.ts";
import { isUnread, known, type Observed } from "../../kernel/port.ts";
import { hostToJson, pfToJson } from "../host-json.ts";
import { hostLine } from "../host-line.ts";
import { linkText } from "../link-text.ts";
import { shortDeviceName } from "../names.ts";
import { print, toJson } from "../output.ts";
import type { ServerOptions } from "../provision/access-options.ts";
import { openKernels } from "../provision/open-access.ts";
import { renderTree } from "../render-tree.ts";
import { type Cell, paint, shorten, type Tone, table } from "../terminal.ts";

export interface ScanOptions extends ServerOptions {
  readonly source?: readonly string[];
  readonly tree?: boolean;
  readonly json?: boolean;
}

/** One PF with all that a scan says of it. */
interface ScannedPf {
  readonly pf: HostFunction;
  readonly devices: FunctionDevices;
  readonly readiness: Readiness;
  readonly preflight: Preflight;
}

const TONES: Readonly<Record<Readiness["word"], Tone>> = {
  yes: "good",
  full: "good",
  limited: "warn",
  no: "bad",
  unknown: "unsure",
};

/** `vfleet scan`: the PFs of one host or several. */
export async function scan(options: ScanOptions): Promise<number> {
  const hosts: unknown[] = [];
  for (const [index, kernel] of (await openKernels(options)).entries()) {
    const inventory = await readInventory(kernel);
    const facts = await readHostFacts(inventory.kernel);
    if (options.tree && !options.json) {
      print(`${index > 0 ? "\n" : ""}${await hostLine(inventory, facts)}\n\n${renderTree(inventory).join("\n")}\n`);
      continue;
    }
    const pfs: ScannedPf[] = [];
    for (const pf of physicalFunctions(inventory)) {
      const pfFacts = await readPreflightFacts(inventory, facts, pf, undefined);
      const result = judge(pfFacts, undefined);
      pfs.push({ pf, devices: pfFacts.devices, readiness: readinessOf(pf, result), preflight: result });
    }
    if (options.json) {
      hosts.push({
        ...(await hostToJson(inventory, facts)),
        physicalFunctions: pfs.map(({ pf, devices, readiness, preflight: { largest } }) =>
          pfToJson(pf, devices, readiness, largest),
        ),
      });
    } else {
      print(`${index > 0 ? "\n" : ""}${await renderHost(inventory, facts, pfs)}`);
    }
  }
  if (options.json) print(`${toJson({ hosts })}\n`);
  return 0;
}

async function renderHost(inventory: Inventory, facts: HostFacts, pfs: readonly ScannedPf[]): Promise<string> {
  const lines = [await hostLine(inventory, facts), ""];
  if (pfs.length === 0) {
    lines.push(`No function here has SR-IOV (${inventory.functions.size} PCI functions looked at).`);
    const unread = [...inventory.functions.values()].filter(
      ({ config, decoded }) => isUnread(config) || decoded.space.end <= 64,
    );
    const remedy =
      inventory.kernel.source.kind === "linux" ? "run as root to see them" : "the source does not hold them";
    if (unread.length > 0) lines.push(`Of ${unread.length} of them the capabilities were not readable: ${remedy}.`);
  } else {
    const head = ["PF", "DEVICE", "DRIVER", "NAME", "NUMA", "LINK", "VFS", "GROUP", "READY"];
    lines.push(...table(head, pfs.map(pfRow)));
    lines.push(
      "",
      paint(
        "faint",
        "VFS: now / possible (what the driver allows, of what the hardware has). More: vfleet preflight BDF",
      ),
    );
    if (pfs.some(({ pf }) => pf.sriov?.registers === undefined)) {
      lines.push("The registers of some PFs were not readable; a source that root made or reads tells more.");
    }
  }
  return `${lines.join("\n")}\n`;
}

function pfRow({ pf, devices, readiness }: ScannedPf): Cell[] {
  const names = [devices.net, devices.nvme, devices.rdma, devices.drm].flatMap((list) => known(list) ?? []);
  const name = shortDeviceName(known(pf.vendorId), known(pf.deviceId));
  return [
    pf.bdf,
    shorten(name, 38),
    text(pf.driver, "none"),
    names.join(",") || (isUnread(devices.net) ? "?" : "-"),
    text(pf.numaNode, "-"),
    linkText(pf.decoded),
    vfsText(pf),
    text(pf.iommuGroup, "-"),
    { text: readinessText(readiness), tone: TONES[readiness.word] },
  ];
}

function vfsText({ sriov }: HostFunction): string {
  if (!sriov) return "-";
  const limit = known(sriov.driverLimit);
  const total = known(sriov.totalVfs);
  const of =
    limit !== undefined && total !== undefined && limit !== total
      ? `${limit} of ${total}`
      : String(limit ?? total ?? "?");
  return `${known(sriov.numVfs) ?? "?"}/${of}`;
}

function readinessText({ word, reason, code }: Readiness): string {
  return reason === "" ? word : `${word}: ${reason}${code ? ` (${code})` : ""}`;
}

function text(value: Observed<string | number | null>, none: string): string {
  return isUnread(value) ? "?" : value === null ? none : String(value);
}
