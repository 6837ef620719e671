import { isUnread, type Kernel, type Observed, unread } from "../port.ts";
import type { Nvme, NvmeManagement, NvmeOutcome, NvmeRefused } from "../port-nvme.ts";
import { type Failed, failed, type Waiting, type Within } from "../port-outcome.ts";
import { errnoOfMessage } from "./errno-text.ts";
import {
  LIST_ENTRIES,
  NAMESPACE_ENTRIES,
  parseNamespaces,
  parsePrimaryCapabilities,
  parseSecondaryControllers,
} from "./nvme-identify.ts";
import type { Programs } from "./program.ts";

const CONTROLLER = /^nvme\d+$/;
const IDENTIFY_BYTES = 4096;
/** Values of CNS (NVM Express Base 2.0, figure 273). */
const CNS = { active: 0x02, allocated: 0x10, primary: 0x14, secondary: 0x15 } as const;
/** Values of ACT and RT (figure 320). */
const ACTION = { "primary-flexible": 1, offline: 7, assign: 8, online: 9 } as const;
const RESOURCE = { vq: 0, vi: 1 } as const;

/**
 * By nvme-cli, of which all versions have what is used. Identify is sent as it is and read as the specification has it:
 * with its JSON, nvme-cli 2.13 tells no status code of a refusal.
 */
/** @param read reads /sys, which has the controllers' ids. */
export function nvmeBy(programs: Programs, read: Kernel["read"]): Nvme {
  const host = { programs, read };
  return {
    async primaryCapabilities(controller) {
      const own = await ownId(host, controller);
      if (isUnread(own)) return own;
      const bytes = await identify(host, controller, CNS.primary, own, 0);
      return bytes instanceof Uint8Array ? parsePrimaryCapabilities(bytes) : bytes;
    },

    secondaryControllers(controller) {
      return inParts(
        (from) => identify(host, controller, CNS.secondary, from, 0),
        parseSecondaryControllers,
        LIST_ENTRIES,
        ({ controllerId }) => controllerId + 1,
      );
    },

    namespaces(controller, which) {
      // The list holds ids above the one that is given.
      return inParts(
        (from) => identify(host, controller, CNS[which], 0, from),
        parseNamespaces,
        NAMESPACE_ENTRIES,
        (id) => id,
      );
    },

    manage: (controller, change, waiting) => manage(host, controller, change, waiting),
  };
}

interface NvmeHost {
  readonly programs: Programs;
  readonly read: Kernel["read"];
}

/** Gathers a list that comes in parts of `most` entries. */
async function inParts<T>(
  ask: (from: number) => Promise<Observed<Uint8Array> | NvmeRefused>,
  parse: (bytes: Uint8Array) => readonly T[],
  most: number,
  next: (last: T) => number,
): Promise<Observed<readonly T[]> | NvmeRefused> {
  const all: T[] = [];
  for (let from = 0; ; ) {
    const bytes = await ask(from);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const part = parse(bytes);
    all.push(...part);
    const last = part.at(-1);
    // A list that does not advance would be asked for ever.
    if (part.length < most || last === undefined || next(last) <= from) return all;
    from = next(last);
  }
}

async function identify(
  host: NvmeHost,
  controller: string,
  cns: number,
  controllerId: number,
  namespaceId: number,
): Promise<Observed<Uint8Array> | NvmeRefused> {
  const own = await ownId(host, controller);
  if (isUnread(own)) return own;
  const command = [
    "nvme",
    "admin-passthru",
    `/dev/${controller}`,
    "--opcode=0x06",
    `--namespace-id=${namespaceId}`,
    `--cdw10=${(cns + controllerId * 0x10000) >>> 0}`,
    `--data-len=${IDENTIFY_BYTES}`,
    "--read",
    "--raw-binary",
  ] as const;
  const path = command.join(" ");
  const end = await host.programs.read(command);
  if ("notStarted" in end) return unread(path, end.notStarted, end.reason);
  if (end.exitCode === 0 && end.stdout.length === IDENTIFY_BYTES) return new Uint8Array(end.stdout);
  const refused = refusal(end.stderr);
  if (refused !== undefined) return refused;
  return unread(path, errnoOfMessage(firstLine(end.stderr)) ?? "EIO", firstLine(end.stderr) || "nvme told no reason");
}

async function manage(
  host: NvmeHost,
  controller: string,
  change: NvmeManagement,
  waiting: Waiting = {},
): Promise<Within<NvmeOutcome>> {
  waiting?.signal?.throwIfAborted();
  const target = `${controller} virt-mgmt`;
  const { action } = change;
  const own = await ownId(host, controller);
  if (isUnread(own)) return failed(target, action, own.errno, own.reason);
  const id = "controllerId" in change ? change.controllerId : own;
  const resource = "resource" in change ? change.resource : "vq";
  const count = "count" in change ? change.count : 0;
  const value = "resource" in change ? `${action} of ${id}: ${count} ${resource}` : `${action} of ${id}`;
  const problem = problemOf(target, value, [id, count]);
  if (problem !== undefined) return problem;
  const args = [`--cntlid=${id}`, `--rt=${RESOURCE[resource]}`, `--act=${ACTION[action]}`, `--nr=${count}`];
  const command = ["nvme", "virt-mgmt", `/dev/${controller}`, ...args] as const;
  return host.programs.change(target, command, "", waiting, (end): NvmeOutcome => {
    if ("notStarted" in end) return failed(target, value, null, end.reason);
    if (end.exitCode === 0) {
      const [, modified] = /\(NRM\):\s*(0x[0-9a-f]+|\d+)/.exec(end.stdout.toString()) ?? [];
      return { kind: "done", tookMs: end.tookMs, modified: modified === undefined ? null : Number(modified) };
    }
    const refused = refusal(end.stderr);
    if (refused !== undefined) return refused;
    const text = firstLine(end.stderr);
    const errno = errnoOfMessage(text);
    return errno === undefined ? failed(target, value, null, text || "nvme was killed") : failed(target, value, errno);
  });
}

/** The controller's own identifier, which also tells whether there is such a controller. */
async function ownId({ read }: NvmeHost, controller: string): Promise<Observed<number>> {
  const path = `/sys/class/nvme/${controller}/cntlid`;
  if (!CONTROLLER.test(controller))
    return unread(path, "ENODEV", `${JSON.stringify(controller)} is no NVMe controller`);
  const text = await read(path);
  if (!isUnread(text)) return Number(new TextDecoder().decode(text));
  return text.errno === "ENOENT" ? unread(path, "ENODEV", `there is no NVMe controller ${controller}`) : text;
}

function problemOf(target: string, value: string, fields: readonly number[]): Failed | undefined {
  const wrong = fields.find((field) => !Number.isInteger(field) || field < 0 || field > 0xffff);
  return wrong === undefined ? undefined : failed(target, value, "EINVAL", `${wrong} does not fit into 16 bits`);
}

/** `NVMe status: Invalid Secondary Controller State: TEXT(0x4120)`. */
function refusal(stderr: string): NvmeRefused | undefined {
  const [, reason = "", status] = /^NVMe status: (.*?)\s*\(?(0x[0-9a-f]+)\)?$/m.exec(stderr) ?? [];
  return status === undefined ? undefined : { kind: "nvme-refused", status: Number(status), reason };
}

/** Behind a name that it cannot open, `nvme` prints its usage. */
function firstLine(stderr: string): string {
  return stderr.trimStart().split("\n", 1)[0] ?? "";
}
