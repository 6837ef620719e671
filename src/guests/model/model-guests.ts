import { isVfioDriver } from "../../host/drivers.ts";
import type { GuestAddress, GuestObstacle, GuestPort, VfForGuest } from "../../host/guest-port.ts";
import type { MachineGuests } from "../../kernel/model/remote/modelled-machine.ts";
import { failed, type Outcome } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";

/** Why the modelled machine refuses, by its errno. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such guest",
  ENODEV: "the VF is not on vfio-pci",
  EBUSY: "another guest has its group open",
  ENOSPC: "the guest has no free slot",
};

/** Virtual machines of a modelled host. */
export function modelGuests(guests: () => Promise<MachineGuests>): GuestPort {
  return {
    kind: "model",

    async guests() {
      const all = await (await guests()).list();
      return all.map(({ name, uuid, pid, devices }) => ({
        address: `model:${name}` as const,
        name,
        uuid,
        pid,
        running: true,
        devices: devices.map((bdf) => ({ bdf, deviceId: null, byVfleet: true })),
        unreachable: null,
      }));
    },

    async obstacles(guest: GuestAddress, { bdf, driver }: VfForGuest): Promise<readonly GuestObstacle[]> {
      const all = await (await guests()).list();
      const found: GuestObstacle[] = [];
      if (!all.some(({ name }) => name === nameOf(guest))) {
        const summary = `there is no guest ${nameOf(guest)}`;
        found.push({ code: "VFL-0224", summary, evidence: [], remedy: "list the guests with: vfleet guests" });
      }
      if (!isVfioDriver(driver)) {
        const summary = `${bdf} is not on vfio-pci`;
        found.push({ code: "VFL-0401", summary, evidence: [], remedy: `bind it first: vfleet bind ${bdf} vfio` });
      }
      return found;
    },

    attach: (guest, { bdf }) => change(guest, bdf, async () => (await guests()).plug(nameOf(guest), bdf)),
    detach: (guest, vf) => change(guest, vf, async () => (await guests()).unplug(nameOf(guest), vf)),
  };
}

async function change(guest: GuestAddress, vf: Bdf, ask: () => Promise<string | null>): Promise<Outcome> {
  const began = performance.now();
  const errno = await ask();
  if (errno !== null) return failed(guest, vf, errno, REASONS[errno]);
  return { kind: "done", tookMs: Math.round(performance.now() - began) };
}

function nameOf(guest: GuestAddress): string {
  return guest.slice("model:".length);
}
