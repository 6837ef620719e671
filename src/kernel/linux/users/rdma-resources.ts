import type { Bdf } from "../../../pci/bdf.ts";
import { isUnread } from "../../port.ts";
import type { ProcessFact, RdmaResource, UseGap } from "../../port-use-facts.ts";
import { runProgram } from "../run-program.ts";
import type { SysfsOwners } from "./sysfs-owners.ts";

const DEADLINE_MS = 5000;
const CLASS = "/sys/class/infiniband";

/**
 * Queue pairs on the functions' RDMA devices. Those of the kernel (NFS, SMC, NVMe over fabrics) have no file open, so only
 * `rdma resource` tells of them.
 */
export async function readRdmaResources(
  owners: SysfsOwners,
  asked: ReadonlySet<Bdf>,
  identify: (pid: number) => ProcessFact,
): Promise<{ readonly rdma: readonly RdmaResource[]; readonly gaps: readonly UseGap[] }> {
  const devices = new Map<string, readonly Bdf[]>();
  for (const name of owners.names(CLASS)) {
    const functions = owners.ownersOf(owners.deviceOf(`${CLASS}/${name}`) ?? "").filter((owner) => asked.has(owner));
    if (functions.length > 0) devices.set(name, functions);
  }
  if (devices.size === 0) return { rdma: [], gaps: [] };
  const answer = await runProgram("rdma", ["-json", "resource", "show", "qp"], DEADLINE_MS);
  const pairs = isUnread(answer) ? undefined : parseQueuePairs(answer);
  if (pairs === undefined) {
    const { errno, reason } = isUnread(answer) ? answer : { errno: "EPROTO", reason: "rdma printed no JSON" };
    return { rdma: [], gaps: [{ way: "rdma", errno, reason, functions: [...devices.values()].flat() }] };
  }
  const rdma = pairs.flatMap(({ device, pid, command, what }) => {
    const functions = devices.get(device);
    const process = pid === undefined ? undefined : identify(pid);
    return functions ? [{ device, functions, process, command, what }] : [];
  });
  return { rdma, gaps: [] };
}

interface QueuePair {
  readonly device: string;
  readonly pid: number | undefined;
  readonly command: string;
  readonly what: string;
}

/** Without those that each device has for its own management, whose type is SMI or GSI. Undefined for other text. */
export function parseQueuePairs(json: string): QueuePair[] | undefined {
  if (json.trim() === "") return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  return parsed.flatMap((entry: Record<string, unknown> | null) => {
    const { ifname, lqpn, type, pid, comm } = entry ?? {};
    if (typeof ifname !== "string" || type === "SMI" || type === "GSI") return [];
    return [
      {
        device: ifname,
        pid: typeof pid === "number" ? pid : undefined,
        command: String(comm ?? "unknown").replace(/^\[|\]$/g, ""),
        what: `queue pair ${lqpn} (${type})`,
      },
    ];
  });
}
