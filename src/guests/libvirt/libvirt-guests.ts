import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type GuestAddress,
  type GuestObstacle,
  type GuestPort,
  guestName,
  type SeenGuest,
  type VfForGuest,
} from "../../host/guest-port.ts";
import { isUnread, type Kernel, known, type Observed } from "../../kernel/port.ts";
import { failed, type Outcome, type Waiting } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { atOnce } from "../at-once.ts";
import { obstacle } from "../obstacle.ts";
import type { Domain } from "./device-xml.ts";
import { Virsh } from "./virsh.ts";

export interface LibvirtOptions {
  /** As qemu:///system; what virsh takes of itself where left out. */
  readonly uri?: string;
}

/** Any of libvirt's daemons listens at one of these. */
const SOCKETS = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];
const ATTACH_MS = 120_000;
const DETACH_MS = 30_000;
const POLL_MS = 200;
/** So many domains are asked at once. */
const AT_ONCE = 8;

interface SeenDomain extends Domain {
  readonly running: boolean;
}

/** A DOM comes with it, which takes longer to load than all else here: hosts without libvirt never do. */
const loadXml = () => import("./device-xml.ts");

/** Domains of libvirt, by virsh. A host on which no libvirt listens has none. */
export function libvirtGuests(kernel: Kernel, options: LibvirtOptions = {}): GuestPort {
  return new LibvirtGuests(kernel, options);
}

class LibvirtGuests implements GuestPort {
  readonly kind = "libvirt";
  readonly #kernel: Kernel;
  readonly #uri: string | undefined;
  readonly #virsh: Virsh;

  constructor(kernel: Kernel, { uri }: LibvirtOptions) {
    this.#kernel = kernel;
    this.#uri = uri;
    this.#virsh = new Virsh(uri);
  }

  async guests(): Promise<Observed<readonly SeenGuest[]>> {
    const domains = await this.#domains();
    if (isUnread(domains)) return domains;
    return Promise.all(
      domains.map(async ({ name, uuid, running, devices }) => ({
        address: `libvirt:${name}` as const,
        name,
        uuid: uuid || null,
        pid: running ? await this.#pidOf(name) : null,
        running,
        devices: devices.map(({ bdf, alias, byVfleet }) => ({ bdf, deviceId: alias, byVfleet })),
        unreachable: null,
      })),
    );
  }

  /** libvirt's QEMU driver writes it down. */
  async #pidOf(name: string): Promise<number | null> {
    const bytes = known(await this.#kernel.read(`/run/libvirt/qemu/${name}.pid`));
    const pid = bytes === undefined ? Number.NaN : Number(new TextDecoder().decode(bytes).trim());
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  }

  async #domains(): Promise<Observed<readonly SeenDomain[]>> {
    if (this.#uri === undefined && !SOCKETS.some((path) => existsSync(path))) return [];
    const all = await this.#virsh.read("list", "--all", "--uuid");
    if (isUnread(all)) return all;
    const active = await this.#virsh.read("list", "--uuid");
    if (isUnread(active)) return active;
    const running = new Set(linesOf(active));
    const { parseDomainXml } = await loadXml();
    const found = await atOnce(linesOf(all), AT_ONCE, async (uuid): Promise<SeenDomain | undefined> => {
      const text = await this.#virsh.read("dumpxml", uuid);
      // It was undefined meanwhile.
      return isUnread(text) ? undefined : { ...parseDomainXml(text), running: running.has(uuid) };
    });
    return found.filter((domain) => domain !== undefined);
  }

  async obstacles(guest: GuestAddress, vf: VfForGuest): Promise<readonly GuestObstacle[]> {
    const domains = await this.#domains();
    if (isUnread(domains))
      return [obstacle("VFL-0421", `libvirt does not answer: ${domains.reason}`, "see virsh list")];
    const name = guestName(guest);
    const domain = domains.find((each) => each.name === name);
    if (domain === undefined) return [obstacle("VFL-0421", `libvirt knows no domain ${name}`, "see virsh list --all")];
    const found: GuestObstacle[] = [];
    if (!domain.running) found.push(obstacle("VFL-0422", `the domain ${name} does not run`, `virsh start ${name}`));
    const other = domains.find((each) => each !== domain && each.devices.some(({ bdf }) => bdf === vf.bdf));
    if (other) {
      const remedy = `take it out of ${other.name}'s definition: virsh edit ${other.name}`;
      found.push(obstacle("VFL-0423", `${vf.bdf} is in the definition of the domain ${other.name}`, remedy));
    }
    if (vf.mac !== null && domain.macs.includes(vf.mac)) {
      const remedy = `give the VF another address: vfleet set ${vf.bdf} mac=...`;
      found.push(obstacle("VFL-0424", `${name} has an interface with ${vf.mac} already`, remedy));
    }
    return found;
  }

  async attach(guest: GuestAddress, vf: VfForGuest, waiting?: Waiting): Promise<Outcome> {
    const { bdf, driver, isNetwork, mac, vlan } = vf;
    const { deviceXml } = await loadXml();
    // vfleet has bound it.
    const xml = deviceXml({ bdf, driver, managed: false, network: isNetwork ? { mac, vlan } : null });
    return this.#change(guest, bdf, xml, waiting?.deadlineMs ?? ATTACH_MS, "attach-device");
  }

  async detach(guest: GuestAddress, vf: Bdf, waiting?: Waiting): Promise<Outcome> {
    const device = await this.#deviceOf(guest, vf);
    if (isUnread(device)) return failed(guest, vf, device.errno, device.reason);
    if (device === undefined) return { kind: "done", tookMs: 0 };
    const began = performance.now();
    const limitMs = Math.min(waiting?.deadlineMs ?? DETACH_MS, DETACH_MS);
    const asked = await this.#change(guest, vf, device, limitMs, "detach-device");
    if (asked.kind === "failed") return asked;
    // What was asked of the guest is done when its definition shows it (`VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED`).
    for (;;) {
      const now = await this.#deviceOf(guest, vf);
      if (isUnread(now)) return failed(guest, vf, now.errno, now.reason);
      if (now === undefined) return { kind: "done", tookMs: Math.round(performance.now() - began) };
      if (performance.now() - began > limitMs) {
        return failed(guest, vf, "ETIMEDOUT", `its kernel has not let go of the device in ${limitMs / 1000} s`);
      }
      await sleep(POLL_MS);
    }
  }

  #change(guest: GuestAddress, vf: Bdf, xml: string, limitMs: number, command: string): Promise<Outcome> {
    return this.#virsh.change(`${guest} ${vf}`, xml, limitMs, command, guestName(guest), "/dev/stdin", "--live");
  }

  /** The element of the domain's own document; undefined where it has none of the VF. */
  async #deviceOf(guest: GuestAddress, vf: Bdf): Promise<Observed<string | undefined>> {
    const text = await this.#virsh.read("dumpxml", guestName(guest));
    if (isUnread(text)) return text;
    const { parseDomainXml } = await loadXml();
    return parseDomainXml(text).devices.find(({ bdf }) => bdf === vf)?.xml;
  }
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => line.trim() || []);
}
