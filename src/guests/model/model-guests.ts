import { isVfioDriver } from "../../host/drivers.ts";
import {
  type GuestAddress,
  type GuestObstacle,
  type GuestPort,
  type Guests,
  guestName,
  type VfForGuest,
} from "../../host/guest-port.ts";
import { type MachineGuests, openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { failed, type Outcome } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { allGuests } from "../all-guests.ts";
import { obstacle } from "../obstacle.ts";

/** Why the modelled machine refuses, by its errno. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such guest",
  ENODEV: "the VF is not on vfio-pci",
  EBUSY: "another guest has its group open",
  ENOSPC: "the guest has no free slot",
};

/** All that VFs can be given to on a modelled host. @param path of its file @throws what {@link openMachine} throws */
export async function modelledGuests(path: string): Promise<Guests> {
  const { guests } = await openMachine(path);
  return allGuests([modelGuests(guests)]);
}

/** Virtual machines of a modelled host. */
function modelGuests(guests: MachineGuests): GuestPort {
  return {
    kind: "model",

    async guests() {
      const all = await guests.list();
      return all.map(({ name, uuid, pid, devices, counters }) => ({
        address: `model:${name}` as const,
        name,
        uuid,
        pid,
        running: true,
        devices: devices.map((bdf) => {
          const { [bdf]: counted } = counters;
          return { bdf, deviceId: null, byVfleet: true, ...(counted && { counters: counted }) };
        }),
        unreachable: null,
      }));
    },

    async obstacles(guest: GuestAddress, { bdf, driver }: VfForGuest): Promise<readonly GuestObstacle[]> {
      const all = await guests.list();
      const found: GuestObstacle[] = [];
      if (!all.some(({ name }) => name === guestName(guest))) {
        found.push(
          obstacle("VFL-0224", `there is no guest ${guestName(guest)}`, "list the guests with: vfleet guests"),
        );
      }
      if (!isVfioDriver(driver)) {
        found.push(obstacle("VFL-0401", `${bdf} is not on vfio-pci`, `bind it first: vfleet bind ${bdf} vfio`));
      }
      return found;
    },

    attach: (guest, { bdf }) => change(guest, bdf, () => guests.plug(guestName(guest), bdf)),
    detach: (guest, vf) => change(guest, vf, () => guests.unplug(guestName(guest), vf)),
  };
}

async function change(guest: GuestAddress, vf: Bdf, ask: () => Promise<string | null>): Promise<Outcome> {
  const began = performance.now();
  const errno = await ask();
  if (errno !== null) return failed(guest, vf, errno, REASONS[errno]);
  return { kind: "done", tookMs: Math.round(performance.now() - began) };
}
