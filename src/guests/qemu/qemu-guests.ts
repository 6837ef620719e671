import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import type {
  GuestAddress,
  GuestDevice,
  GuestObstacle,
  GuestPort,
  SeenGuest,
  VfForGuest,
} from "../../host/guest-port.ts";
import { isUnread, type Kernel, type Observed } from "../../kernel/port.ts";
import { failed, type Outcome, type Waiting, type Within } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { Qmp } from "../../qmp/qmp.ts";
import { obstacle } from "../obstacle.ts";
import { deviceIdOf, isByVfleet } from "./device-id.ts";
import { findQemus, openedFunctions, type RunningQemu } from "./find-qemus.ts";
import { lockableMemory, mib } from "./locked-memory.ts";
import { atMonitor } from "./monitor.ts";
import { freeSlots, hasVfio, memoryBytes, passedDevices } from "./query-guest.ts";
import { readVfToken } from "./vf-token.ts";

/** VFIO pins the guest's memory as it is plugged in, a page at a time. */
const ATTACH_MS = 120_000;
/** A guest's kernel lets go in a second; one that boots may take longer. */
const DETACH_MS = 30_000;
const POLL_MS = 500;
/** A device_del that came before, and that the guest has not followed yet. */
const UNDER_WAY = /already in the process of unplug/;
/** Of a monitor that libvirt made, or that another program brought along. */
const LIBVIRT = /^\/(?:var\/lib|run|var\/run)\/libvirt\//;

/** Virtual machines of QEMU that listen on a socket of theirs; libvirt's own are only seen. */
export function qemuGuests(kernel: Kernel): GuestPort {
  return new QemuGuests(kernel);
}

class QemuGuests implements GuestPort {
  readonly kind = "qemu";
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async guests(): Promise<Observed<readonly SeenGuest[]>> {
    const qemus = await findQemus(this.#kernel);
    if (isUnread(qemus)) return qemus;
    return Promise.all(qemus.map(async (qemu) => this.#see(qemu, addressOf(qemu, qemus))));
  }

  async #see(qemu: RunningQemu, address: GuestAddress): Promise<SeenGuest> {
    const { pid, name, uuid } = qemu;
    const seen = { address, name: name ?? String(pid), uuid, pid, running: true };
    const monitor = monitorOf(qemu);
    if (typeof monitor !== "string") return { ...seen, devices: await this.#opened(pid), unreachable: monitor.why };
    try {
      const passed = await atMonitor(monitor, passedDevices);
      const devices = passed.map(({ bdf, deviceId }) => ({ bdf, deviceId, byVfleet: isByVfleet(deviceId) }));
      return { ...seen, devices, unreachable: null };
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      return { ...seen, devices: await this.#opened(pid), unreachable: error.message };
    }
  }

  /** What a QEMU has that does not tell. */
  async #opened(pid: number): Promise<readonly GuestDevice[]> {
    const functions = await openedFunctions(this.#kernel, pid);
    return isUnread(functions) ? [] : functions.map((bdf) => ({ bdf, deviceId: null, byVfleet: false }));
  }

  async obstacles(guest: GuestAddress, vf: VfForGuest, plugged = 0): Promise<readonly GuestObstacle[]> {
    const { bdf, driver, iommuGroup } = vf;
    const found: GuestObstacle[] = [];
    if (!isVfioDriver(driver)) {
      const has = driver === null ? "has no driver" : `is with ${driver}`;
      const summary = `${bdf} ${has}, and QEMU takes devices on vfio-pci`;
      found.push(obstacle("VFL-0401", summary, `bind it first: vfleet bind ${bdf} vfio`));
    }
    if (iommuGroup === null) {
      const remedy = "turn the IOMMU on in the BIOS and the kernel (intel_iommu=on)";
      found.push(obstacle("VFL-0402", `${bdf} is in no IOMMU group`, remedy));
    }
    const token = await readVfToken(vf);
    if ("why" in token) {
      const remedy = "write it into a file that only root can read, and name that: --vf-token-file FILE";
      found.push(obstacle(token.code, token.why, remedy));
    }
    const qemu = await findQemu(this.#kernel, guest);
    if ("why" in qemu) return [...found, unreachable(guest, qemu.why)];
    try {
      return [...found, ...(await atMonitor(qemu.monitor, (qmp) => this.#ask(qmp, qemu.pid, plugged)))];
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      return [...found, unreachable(guest, error.message)];
    }
  }

  /** What stands in the way at the guest's side. */
  async #ask(qmp: Qmp, pid: number, plugged: number): Promise<readonly GuestObstacle[]> {
    const found: GuestObstacle[] = [];
    if (!(await hasVfio(qmp))) {
      const remedy = "install a QEMU that was built with VFIO";
      found.push(obstacle("VFL-0405", "this QEMU knows no device vfio-pci", remedy));
    }
    const slots = await freeSlots(qmp);
    const isFlat = slots.some(({ bus }) => bus === undefined);
    if (slots.length === 0 || (!isFlat && slots.length <= plugged)) {
      const summary = "the guest has no free root port to plug a VF into";
      const remedy = "start the guest with more ports: -device pcie-root-port,id=port5,chassis=5";
      const fact =
        plugged > 0 && slots.length > 0
          ? `it has ${slots.length} free, and gets ${plugged} other VFs`
          : "every port of the guest has a device, or none has an id";
      found.push(obstacle("VFL-0403", summary, remedy, [{ fact, from: "query-pci" }]));
    }
    const ramBytes = await memoryBytes(qmp);
    const lockable = await lockableMemory(this.#kernel, pid);
    if (ramBytes !== undefined && lockable !== undefined && lockable < ramBytes) {
      const summary = `QEMU may lock ${mib(lockable)}, and the guest has ${mib(ramBytes)}`;
      const remedy = `prlimit --pid ${pid} --memlock=unlimited, or LimitMEMLOCK=infinity in its service`;
      const evidence = [{ fact: `Max locked memory ${lockable}`, from: `/proc/${pid}/limits` }];
      found.push(obstacle("VFL-0404", summary, remedy, evidence));
    }
    return found;
  }

  async attach(guest: GuestAddress, vf: VfForGuest, waiting?: Waiting): Promise<Within<Outcome>> {
    const { bdf } = vf;
    let isAsked = false;
    const answer = await this.#change(guest, bdf, async (qmp) => {
      const token = await readVfToken(vf);
      if ("why" in token) throw new VfleetError(token.code, { message: token.why });
      const [slot] = await freeSlots(qmp);
      const device = {
        driver: "vfio-pci",
        id: deviceIdOf(bdf),
        host: bdf,
        ...(slot?.bus === undefined ? {} : { bus: slot.bus }),
        ...(token.uuid === null ? {} : { "vf-token": token.uuid }),
      };
      isAsked = true;
      try {
        await qmp.execute("device_add", device, waiting?.deadlineMs ?? ATTACH_MS);
      } catch (error) {
        if (!(token.uuid !== null && error instanceof VfleetError && /permission denied/i.test(error.message)))
          throw error;
        const message = `${error.message}; the token in ${vf.attachment.vfTokenFile} is not the one that the PF's user has set`;
        throw new VfleetError("VFL-0408", { message, details: { errno: "EACCES" }, cause: error });
      }
    });
    if (!isAsked || answer.kind === "done" || answer.errno !== "ETIMEDOUT") return answer;
    return { kind: "pending", target: `${guest} ${bdf}`, finished: () => this.#plugged(guest, bdf, answer) };
  }

  /** QEMU pins the guest's memory, and speaks to nobody meanwhile: what has become of it is seen when it does again. */
  async #plugged(guest: GuestAddress, bdf: Bdf, late: Outcome): Promise<Outcome> {
    for (;;) {
      const qemu = await findQemu(this.#kernel, guest);
      if ("why" in qemu) return failed(guest, bdf, "ENOENT", qemu.why);
      try {
        const passed = await atMonitor(qemu.monitor, passedDevices);
        return passed.some((device) => device.bdf === bdf) ? { kind: "done", tookMs: 0 } : late;
      } catch (error) {
        if (!(error instanceof VfleetError)) throw error;
      }
      await sleep(POLL_MS);
    }
  }

  detach(guest: GuestAddress, vf: Bdf, waiting?: Waiting): Promise<Outcome> {
    return this.#change(guest, vf, async (qmp) => {
      const device = (await passedDevices(qmp)).find(({ bdf }) => bdf === vf);
      if (device === undefined) return;
      const limitMs = Math.min(waiting?.deadlineMs ?? DETACH_MS, DETACH_MS);
      const answer = qmp.event(({ event, data }) => {
        const isOurs = data.device === device.deviceId || data.path === device.path;
        return isOurs && (event === "DEVICE_DELETED" || event === "DEVICE_UNPLUG_GUEST_ERROR");
      }, limitMs);
      // Where device_del itself is refused nobody waits for the event.
      answer.catch(() => {});
      try {
        await qmp.execute("device_del", { id: device.deviceId ?? device.path }, limitMs);
      } catch (error) {
        if (!(error instanceof VfleetError && UNDER_WAY.test(error.message))) throw error;
      }
      let event: string;
      try {
        ({ event } = await answer);
      } catch (cause) {
        const message = `its kernel has not let go of the device in ${limitMs / 1000} s`;
        throw new VfleetError("VFL-0343", { message, cause });
      }
      if (event === "DEVICE_UNPLUG_GUEST_ERROR") {
        throw new VfleetError("VFL-0343", { message: "its kernel refuses to let go of the device" });
      }
    });
  }

  async #change(guest: GuestAddress, bdf: Bdf, change: (qmp: Qmp) => Promise<void>): Promise<Outcome> {
    const began = performance.now();
    const qemu = await findQemu(this.#kernel, guest);
    if ("why" in qemu) return failed(guest, bdf, "ENOENT", qemu.why);
    try {
      await atMonitor(qemu.monitor, change);
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      const { errno = null } = error.details;
      return failed(guest, bdf, typeof errno === "string" ? errno : null, error.message);
    }
    return { kind: "done", tookMs: Math.round(performance.now() - began) };
  }
}

/** A QEMU by a guest's address, or why there is none to speak to. */
export async function findQemu(
  kernel: Kernel,
  guest: string,
): Promise<{ readonly monitor: string; readonly pid: number } | { readonly why: string }> {
  const qemus = await findQemus(kernel);
  if (isUnread(qemus)) return { why: qemus.reason };
  const qemu = qemus.find((each) => addressOf(each, qemus) === guest);
  if (qemu === undefined) return { why: `there is no ${guest}` };
  const monitor = monitorOf(qemu);
  return typeof monitor === "string" ? { monitor, pid: qemu.pid } : monitor;
}

/** The same by its process: two guests may have come to one name meanwhile. Null where it does not run any more. */
export async function findQemuByPid(kernel: Kernel, pid: number): Promise<string | { readonly why: string } | null> {
  const qemus = await findQemus(kernel);
  if (isUnread(qemus)) return { why: qemus.reason };
  const qemu = qemus.find((each) => each.pid === pid);
  return qemu === undefined ? null : monitorOf(qemu);
}

/** By its name, where no other has it; else by its process. */
function addressOf({ name, pid }: RunningQemu, all: readonly RunningQemu[]): GuestAddress {
  const isUnique = name !== null && name !== "" && all.filter((each) => each.name === name).length === 1;
  return `qemu:${isUnique ? name : pid}`;
}

/** The socket as this process reaches it, or why there is none to speak at. */
function monitorOf({ pid, monitors, otherMonitors }: RunningQemu): string | { readonly why: string } {
  const own = monitors.find((path) => !LIBVIRT.test(path));
  if (own === undefined) {
    if (monitors.length > 0) return { why: "its monitor is libvirt's" };
    const [other] = otherMonitors;
    if (other === undefined) return { why: "it has no monitor: start it with -qmp unix:PATH,server=on,wait=off" };
    return {
      why: `its monitor is another program's (${other}): start it with one more, -qmp unix:PATH,server=on,wait=off`,
    };
  }
  // Relative to where it was started; in a container, to the container's own files.
  if (!isAbsolute(own)) return join(`/proc/${pid}/cwd`, own);
  return existsSync(own) ? own : join(`/proc/${pid}/root`, own);
}

function unreachable(guest: GuestAddress, why: string): GuestObstacle {
  return obstacle("VFL-0406", `${guest} cannot be spoken to: ${why}`, "see vfleet guests");
}
