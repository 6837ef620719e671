import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { atOnce } from "../../host/at-once.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import {
  covers,
  type GuestAddress,
  type GuestDevice,
  type GuestObstacle,
  type GuestPlace,
  type GuestPort,
  guestName,
  type SeenGuest,
  type VfForGuest,
} from "../../host/guest-port.ts";
import { isUnread, type Kernel, known, type Observed } from "../../kernel/port.ts";
import { afterwards, failed, type Outcome, type Waiting, type Within } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";
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
const UUID_LENGTH = 36;
/** Which of a domain's documents, and virsh's flag that changes it. */
type Document = "live" | "definition";
/** The running guest comes first: only what its kernel has let go of goes from its definition, too. */
const DOCUMENTS: readonly Document[] = ["live", "definition"];
const FLAGS: Readonly<Record<Document, string>> = { live: "--live", definition: "--config" };
/** Of `qemuDomainDetachDeviceLive`: what was asked before, and the guest has not followed yet. */
const UNDER_WAY = /already in the process of unplug/;
const NOTHING_DONE: Outcome = { kind: "done", tookMs: 0 };
/** virsh(1): VIR_ERR_NO_DOMAIN */
const NO_DOMAIN = /failed to get domain|Domain not found/i;
/** So many domains are asked at once. */
const AT_ONCE = 8;

/** A domain by its two documents: what it is now, and what it starts with. */
interface SeenDomain {
  readonly name: string;
  readonly uuid: string;
  /** null where it does not run. */
  readonly live: Domain | null;
  /** null of a transient one, which is gone when it ends. */
  readonly definition: Domain | null;
}

/** Domains by their UUIDs: virsh takes a name that is a number for the ID of another domain first, and one with a dash for an option. */
interface Lists {
  /** With their names. */
  readonly all: ReadonlyMap<string, string>;
  /** They stay when they end. */
  readonly persistent: ReadonlySet<string>;
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
      domains.map(async (domain) => ({
        address: `libvirt:${domain.name}` as const,
        name: domain.name,
        uuid: domain.uuid || null,
        pid: domain.live ? await this.#pidOf(domain.name) : null,
        running: domain.live !== null,
        devices: devicesOf(domain),
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
    const lists = await this.#lists();
    if (isUnread(lists)) return lists;
    const found = await atOnce([...lists.all.keys()], AT_ONCE, (uuid) => this.#domain(uuid, lists));
    // One that was undefined meanwhile has nothing; of any other it is not known what it has.
    const unknown = found.find((domain) => isUnread(domain) && !NO_DOMAIN.test(domain.reason));
    if (unknown !== undefined && isUnread(unknown)) return unknown;
    return found.filter((domain): domain is SeenDomain => !isUnread(domain));
  }

  async #lists(): Promise<Observed<Lists>> {
    const all = await this.#virsh.read("list", "--all", "--uuid", "--name");
    if (isUnread(all)) return all;
    const persistent = await this.#virsh.read("list", "--all", "--persistent", "--uuid");
    if (isUnread(persistent)) return persistent;
    const named = linesOf(all).map((line): [string, string] => [
      line.slice(0, UUID_LENGTH),
      line.slice(UUID_LENGTH).trim(),
    ]);
    return { all: new Map(named), persistent: new Set(linesOf(persistent)) };
  }

  /** @returns undefined where libvirt knows none of that name */
  async #domainOf(guest: GuestAddress): Promise<Observed<SeenDomain> | undefined> {
    const lists = await this.#lists();
    if (isUnread(lists)) return lists;
    const [uuid] = [...lists.all].find(([, name]) => name === guestName(guest)) ?? [];
    const domain = uuid === undefined ? undefined : await this.#domain(uuid, lists);
    return domain && isUnread(domain) && NO_DOMAIN.test(domain.reason) ? undefined : domain;
  }

  async #domain(uuid: string, { persistent }: Lists): Promise<Observed<SeenDomain>> {
    const now = await this.#virsh.read("dumpxml", uuid);
    if (isUnread(now)) return now;
    const { parseDomainXml } = await loadXml();
    const document = parseDomainXml(now);
    const domain = { name: document.name, uuid: document.uuid };
    if (!document.isLive) return { ...domain, live: null, definition: document };
    if (!persistent.has(domain.uuid)) return { ...domain, live: document, definition: null };
    const next = await this.#virsh.read("dumpxml", "--inactive", uuid);
    return isUnread(next) ? next : { ...domain, live: document, definition: parseDomainXml(next) };
  }

  async obstacles(guest: GuestAddress, vf: VfForGuest): Promise<readonly GuestObstacle[]> {
    const domains = await this.#domains();
    if (isUnread(domains))
      return [obstacle("VFL-0421", `libvirt does not answer: ${domains.reason}`, "see virsh list")];
    const name = guestName(guest);
    const domain = domains.find((each) => each.name === name);
    if (domain === undefined) return [obstacle("VFL-0421", `libvirt knows no domain ${name}`, "see virsh list --all")];
    const found: GuestObstacle[] = [];
    const { place = "live", managed } = vf.attachment;
    if (domain.live === null && place !== "definition") {
      const remedy = `virsh start ${name}; or into its definition, with --persistent`;
      found.push(obstacle("VFL-0422", `the domain ${name} does not run`, remedy));
    }
    if (domain.definition === null && place !== "live") {
      const remedy = `give it to the domain as it runs, without --persistent; or define it: virsh dumpxml ${name} >FILE, virsh define FILE`;
      found.push(obstacle("VFL-0425", `the domain ${name} is transient: it has no definition`, remedy));
    }
    if (vf.pfOnVfio) {
      const remedy =
        "give it to a QEMU that libvirt does not run, with --vf-token-file; or bind the PF to its own driver";
      found.push(obstacle("VFL-0427", `the PF of ${vf.bdf} is on vfio-pci, and libvirt passes no VF token`, remedy));
    }
    if (!managed && !isVfioDriver(vf.driver)) {
      const has = vf.driver === null ? "has no driver" : `is with ${vf.driver}`;
      const remedy = `bind it first: vfleet bind ${vf.bdf} vfio; or let libvirt do it, with --managed`;
      found.push(obstacle("VFL-0401", `${vf.bdf} ${has}, and an unmanaged device is to be on vfio-pci`, remedy));
    }
    const other = domains.find((each) => each !== domain && devicesOf(each).some(({ bdf }) => bdf === vf.bdf));
    if (other) {
      const remedy = `take it out of ${other.name}'s definition: virsh edit ${other.name}`;
      found.push(obstacle("VFL-0423", `${vf.bdf} is in the definition of the domain ${other.name}`, remedy));
    }
    if (vf.mac !== null && documentsOf(domain).some((each) => hasAddress(each, vf))) {
      const remedy = `give the VF another address: vfleet set ${vf.bdf} mac=...`;
      found.push(obstacle("VFL-0424", `${name} has an interface with ${vf.mac} already`, remedy));
    }
    return found;
  }

  async attach(guest: GuestAddress, vf: VfForGuest, waiting?: Waiting): Promise<Within<Outcome>> {
    const { bdf, driver, attachment } = vf;
    const domain = await this.#domainOf(guest);
    if (domain === undefined) return failed(guest, bdf, "ENOENT", `libvirt knows no domain ${guestName(guest)}`);
    if (isUnread(domain)) return failed(guest, bdf, domain.errno, domain.reason);
    const { place } = devicesOf(domain).find((device) => device.bdf === bdf) ?? {};
    const missing = missingPlaces(place, attachment.place ?? "live");
    if (missing.length === 0) return NOTHING_DONE;
    const { deviceXml, networkFor } = await loadXml();
    const { managed = false } = attachment;
    const xml = deviceXml({ bdf, driver, managed, network: networkFor(vf) });
    // In one call libvirt does both, or neither.
    const command = ["attach-device", domain.uuid, ...missing] as const;
    return this.#virsh.change(`${guest} ${bdf}`, xml, waiting?.deadlineMs ?? ATTACH_MS, command);
  }

  async detach(guest: GuestAddress, vf: Bdf, waiting?: Waiting): Promise<Within<Outcome>> {
    const began = performance.now();
    const limitMs = Math.min(waiting?.deadlineMs ?? DETACH_MS, DETACH_MS);
    const domain = await this.#domainOf(guest);
    // A transient one that has ended has nothing any more.
    if (domain === undefined) return NOTHING_DONE;
    if (isUnread(domain)) return failed(guest, vf, domain.errno, domain.reason);
    const places = DOCUMENTS.filter((from) => elementOf(domain, vf, from) !== undefined);
    if (places.length === 0) return NOTHING_DONE;
    const taken = await this.#take(guest, domain, vf, places, limitMs, began + limitMs);
    return afterwards(taken, async (left) => left ?? { kind: "done", tookMs: Math.round(performance.now() - began) });
  }

  /** Out of one document after the other. @returns undefined where it is gone */
  async #take(
    guest: GuestAddress,
    domain: SeenDomain,
    vf: Bdf,
    [from, ...others]: readonly Document[],
    limitMs: number,
    untilMs: number,
  ): Promise<Within<Outcome | undefined>> {
    if (from === undefined) return undefined;
    const xml = elementOf(domain, vf, from)?.xml ?? "";
    const asked = await this.#virsh.change(`${guest} ${vf}`, xml, limitMs, ["detach-device", domain.uuid, FLAGS[from]]);
    return afterwards(asked, async (answer) => {
      if (answer.kind === "failed" && !UNDER_WAY.test(answer.reason)) return answer;
      const left = await this.#awaitGone(guest, domain.uuid, vf, from, untilMs);
      return left ?? this.#take(guest, domain, vf, others, limitMs, untilMs);
    });
  }

  /** What was asked of the guest is done when the document shows it (`VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED`). */
  async #awaitGone(
    guest: GuestAddress,
    uuid: string,
    vf: Bdf,
    from: Document,
    untilMs: number,
  ): Promise<Outcome | undefined> {
    for (;;) {
      const text = await this.#virsh.read("dumpxml", uuid, ...(from === "live" ? [] : ["--inactive"]));
      if (isUnread(text)) return NO_DOMAIN.test(text.reason) ? undefined : failed(guest, vf, text.errno, text.reason);
      const { parseDomainXml } = await loadXml();
      const { isLive, devices } = parseDomainXml(text);
      // One that has ended meanwhile has nothing plugged in, whatever it starts with.
      if ((from === "live" && !isLive) || !devices.some(({ bdf }) => bdf === vf)) return undefined;
      if (performance.now() > untilMs) {
        const who = from === "live" ? "its kernel has not let go of the device" : "it is in its definition still";
        return failed(guest, vf, "ETIMEDOUT", `${who} after ${DETACH_MS / 1000} s`);
      }
      await sleep(POLL_MS);
    }
  }
}

/** The device as a domain's own document has it. */
function elementOf(domain: SeenDomain, vf: Bdf, from: Document): Domain["devices"][number] | undefined {
  return domain[from]?.devices.find(({ bdf }) => bdf === vf);
}

function documentsOf({ live, definition }: SeenDomain): readonly Domain[] {
  return [live, definition].filter((each) => each !== null);
}

/** All that it has in either document, each once. */
function devicesOf(domain: SeenDomain): readonly GuestDevice[] {
  const devices = new Map(documentsOf(domain).flatMap((each) => each.devices.map((device) => [device.bdf, device])));
  const isIn = (document: Domain | null, vf: Bdf) => document?.devices.some(({ bdf }) => bdf === vf) ?? false;
  return [...devices.values()].map(({ bdf, alias, byVfleet, managed }) => {
    const [live, defined] = [isIn(domain.live, bdf), isIn(domain.definition, bdf)];
    const place = defined ? (live ? "both" : "definition") : "live";
    return { bdf, deviceId: alias, byVfleet, place, ...(managed ? { managed } : {}) };
  });
}

/** The flags of virsh that bring what is missing. */
function missingPlaces(has: GuestPlace | undefined, wanted: GuestPlace): readonly string[] {
  return DOCUMENTS.filter(
    (place) => covers({ place: wanted }, { place }) && !(has && covers({ place: has }, { place })),
  ).map((place) => FLAGS[place]);
}

/** Whether an interface other than the VF's own has its address. */
function hasAddress({ macs, devices }: Domain, { bdf, mac }: VfForGuest): boolean {
  const own = devices.find((device) => device.bdf === bdf)?.mac === mac ? 1 : 0;
  return macs.filter((each) => each === mac).length > own;
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => line.trim() || []);
}
