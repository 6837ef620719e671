import { setTimeout as sleep } from "node:timers/promises";
import { atOnce } from "../../host/at-once.ts";
import {
  type GuestAddress,
  type GuestObstacle,
  type GuestPort,
  guestName,
  type SeenGuest,
  type VfForGuest,
} from "../../host/guest-port.ts";
import { systemPrograms } from "../../kernel/linux/program.ts";
import { runProgram } from "../../kernel/linux/run-program.ts";
import { isUnread, type Kernel, known, type Observed, unread } from "../../kernel/port.ts";
import { afterwards, failed, isPending, type Outcome, type Within } from "../../kernel/port-outcome.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import { obstacle } from "../obstacle.ts";
import { moveRdmaDevice, rdmaDevicesIn, rdmaDevicesToMove, takeRdmaDevice } from "./rdma-devices.ts";

/** Where `ip netns add` binds namespaces to names. */
const FOLDER = "/run/netns";
const READ_MS = 10_000;
const CHANGE_MS = 20_000;
const RETURN_MS = 10_000;
const POLL_MS = 50;
/** So many namespaces are looked into at once: a network node has hundreds. */
const AT_ONCE = 16;
/** Names are those of files; a dot or slash would lead elsewhere. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

interface Link {
  readonly ifname: string;
  readonly parentdev?: string;
}

/**
 * Network namespaces that have a name: a VF's interface is moved into one, as it is called, and back. Containers of a runtime
 * get theirs by the CNI plugin, which gives addresses, too.
 */
export function netnsGuests(kernel: Kernel): GuestPort {
  return new NetnsGuests(kernel);
}

class NetnsGuests implements GuestPort {
  readonly kind = "netns";
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async guests(): Promise<Observed<readonly SeenGuest[]>> {
    const names = await this.#kernel.list(FOLDER);
    if (isUnread(names)) return names.errno === "ENOENT" ? [] : names;
    return atOnce(names, AT_ONCE, async (name): Promise<SeenGuest> => {
      const links = await linksIn(name);
      const seen = { address: `netns:${name}` as const, name, uuid: null, pid: null, running: true };
      if (isUnread(links)) return { ...seen, devices: [], unreachable: links.reason };
      const devices = links.flatMap(({ ifname, parentdev }) => {
        const bdf = parseBdf(parentdev ?? "");
        // Who moved it there the kernel does not keep.
        return bdf === undefined ? [] : [{ bdf, deviceId: ifname, byVfleet: false }];
      });
      return { ...seen, devices, unreachable: null };
    });
  }

  async obstacles(guest: GuestAddress, { bdf, netdev }: VfForGuest): Promise<readonly GuestObstacle[]> {
    if (netdev === null) {
      return [
        obstacle("VFL-0461", `${bdf} has no interface to move`, `give it its own driver: vfleet bind ${bdf} default`),
      ];
    }
    const links = await linksIn(guestName(guest));
    if (isUnread(links)) return [obstacle("VFL-0462", `${guest}: ${links.reason}`, "list namespaces with: ip netns")];
    if (!links.some(({ ifname }) => ifname === netdev)) return [];
    const summary = `${guest} has an interface ${netdev} already`;
    return [obstacle("VFL-0463", summary, `rename one of them: ip link set ${netdev} name NEW`)];
  }

  async attach(guest: GuestAddress, { bdf, netdev }: VfForGuest): Promise<Within<Outcome>> {
    if (netdev === null) return failed(guest, bdf, "ENODEV", "it has no interface");
    const name = guestName(guest);
    const run = (command: readonly [string, ...string[]]) => change(guest, bdf, command);
    const devices = await rdmaDevicesToMove(this.#kernel, bdf);
    const moves = [
      ...devices.map((device) => () => moveRdmaDevice(run, device, name)),
      () => run(["ip", "link", "set", "dev", netdev, "netns", name]),
    ];
    return afterwards(await inTurn(moves), async (moved) =>
      moved.kind === "failed" ? this.#tookBack(guest, bdf, moved) : moved,
    );
  }

  /** What went along before the failure comes back; where it does not, that is told, too. */
  async #tookBack(guest: GuestAddress, vf: Bdf, why: Outcome & { readonly kind: "failed" }): Promise<Outcome> {
    const taken = await this.#takeRdmaDevices(guest, vf);
    const end = isPending(taken) ? await taken.finished() : taken;
    return end.kind === "failed" ? { ...why, reason: `${why.reason}; and ${end.reason}` } : why;
  }

  async detach(guest: GuestAddress, vf: Bdf): Promise<Within<Outcome>> {
    const name = guestName(guest);
    const links = await linksIn(name);
    if (isUnread(links)) return failed(guest, vf, links.errno, links.reason);
    const link = links.find(({ parentdev }) => parseBdf(parentdev ?? "") === vf);
    if (link === undefined) return { kind: "done", tookMs: 0 };
    const home = homeNamespace();
    const moved = await inTurn([
      () => this.#takeRdmaDevices(guest, vf),
      () => change(guest, vf, ["ip", "-n", name, "link", "set", "dev", link.ifname, "netns", home]),
    ]);
    return afterwards(moved, (answer) =>
      answer.kind === "failed" ? Promise.resolve(answer) : this.#returned(guest, vf),
    );
  }

  /** The interface is the host's again. */
  async #returned(guest: GuestAddress, vf: Bdf): Promise<Outcome> {
    const began = performance.now();
    while (performance.now() - began < RETURN_MS) {
      const names = known(await this.#kernel.list(`/sys/bus/pci/devices/${vf}/net`)) ?? [];
      if (names.length > 0) return { kind: "done", tookMs: Math.round(performance.now() - began) };
      await sleep(POLL_MS);
    }
    return failed(guest, vf, "ETIMEDOUT", "its interface has not come back");
  }

  async #takeRdmaDevices(guest: GuestAddress, vf: Bdf): Promise<Within<Outcome>> {
    const name = guestName(guest);
    const run = (command: readonly [string, ...string[]]) => change(guest, vf, command);
    const devices = await rdmaDevicesIn(this.#kernel, name, vf);
    return inTurn(devices.map((device) => () => takeRdmaDevice(run, device, name, homeNamespace())));
  }
}

/** This process stays in the host's namespace while ip(8) goes elsewhere. */
function homeNamespace(): string {
  return `/proc/${process.pid}/ns/net`;
}

/** Interfaces of a namespace; `parentdev` is the PCI function below one (IFLA_PARENT_DEV_NAME, Linux 5.14). */
async function linksIn(name: string): Promise<Observed<readonly Link[]>> {
  if (!NAME.test(name)) return unread(`${FOLDER}/${name}`, "EINVAL", `${name} is no name of a namespace`);
  const text = await runProgram("ip", ["-n", name, "-json", "-details", "link", "show"], READ_MS);
  return isUnread(text) ? text : (JSON.parse(text || "[]") as readonly Link[]);
}

/** One change after the other, up to the first that fails. */
async function inTurn([first, ...others]: readonly (() => Promise<Within<Outcome>>)[]): Promise<Within<Outcome>> {
  if (first === undefined) return { kind: "done", tookMs: 0 };
  const answer = await first();
  if (others.length === 0) return answer;
  return afterwards(answer, async (end) => (end.kind === "failed" ? end : inTurn(others)));
}

function change(guest: GuestAddress, vf: Bdf, command: readonly [string, ...string[]]): Promise<Within<Outcome>> {
  return systemPrograms().change(guest, command, "", { deadlineMs: CHANGE_MS }, (end): Outcome => {
    if ("notStarted" in end) return failed(guest, vf, end.notStarted, end.reason);
    if (end.exitCode === 0) return { kind: "done", tookMs: Math.round(end.tookMs) };
    return failed(guest, vf, null, end.stderr.trim().split("\n").at(-1) ?? "ip failed");
  });
}
