import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import type { Qmp } from "../../qmp/qmp.ts";

/** A device of the host in a guest. */
export interface PassedDevice {
  readonly bdf: Bdf;
  /** null of one that was given none. */
  readonly deviceId: string | null;
  /** In QEMU's object model, which names every device. */
  readonly path: string;
}

/** Where a device can be plugged in; without a bus, wherever QEMU likes. */
export interface Slot {
  readonly bus?: string;
}

const CHILDREN = z.array(z.object({ name: z.string(), type: z.string() }));
const VFIO = /^child<vfio-pci(?:-nohotplug)?>$/;
/** Devices with an id, and those without. */
const FOLDERS = ["/machine/peripheral", "/machine/peripheral-anon"] as const;
const BRIDGE_CLASS = 0x0604;
/** QEMU's i440FX, whose only bus takes devices at any slot. */
const I440FX = { vendor: 0x8086, device: 0x1237 };

interface PciDevice {
  readonly qdev_id: string;
  readonly class_info: { readonly class: number };
  readonly id: { readonly vendor: number; readonly device: number };
  readonly pci_bridge?: { readonly devices?: readonly PciDevice[] | undefined } | undefined;
}

const PCI_DEVICE: z.ZodType<PciDevice> = z.lazy(() =>
  z.object({
    qdev_id: z.string(),
    class_info: z.object({ class: z.number() }),
    id: z.object({ vendor: z.number(), device: z.number() }),
    pci_bridge: z.object({ devices: z.array(PCI_DEVICE).optional() }).optional(),
  }),
);
const PCI = z.array(z.object({ devices: z.array(PCI_DEVICE) }));
const MEMORY = z.object({ "base-memory": z.number(), "plugged-memory": z.number().optional() });

/** Functions of the host that the guest has. */
export async function passedDevices(qmp: Qmp): Promise<readonly PassedDevice[]> {
  const found: PassedDevice[] = [];
  for (const folder of FOLDERS) {
    const children = understood(CHILDREN, await qmp.execute("qom-list", { path: folder }), "qom-list");
    for (const { name, type } of children) {
      if (!VFIO.test(type)) continue;
      const path = `${folder}/${name}`;
      const bdf = await hostAddress(qmp, path);
      if (bdf !== undefined) found.push({ bdf, deviceId: folder === FOLDERS[0] ? name : null, path });
    }
  }
  return found;
}

/** By the property that it was made with: `host`, or `sysfsdev`. Undefined of a mediated device, which has no address. */
async function hostAddress(qmp: Qmp, path: string): Promise<Bdf | undefined> {
  const host = await qmp.execute("qom-get", { path, property: "host" });
  const address = typeof host === "string" ? parseBdf(host) : undefined;
  if (address !== undefined) return address;
  const folder = await qmp.execute("qom-get", { path, property: "sysfsdev" });
  return typeof folder === "string" ? parseBdf(folder.split("/").at(-1) ?? "") : undefined;
}

/** Whether the guest's QEMU has the device type. */
export async function hasVfio(qmp: Qmp): Promise<boolean> {
  try {
    await qmp.execute("device-list-properties", { typename: "vfio-pci" });
    return true;
  } catch (error) {
    if (error instanceof VfleetError) return false;
    throw error;
  }
}

/** Root ports with nothing behind them, else the bus of a machine that has no ports, at which one slot stands for all. */
export async function freeSlots(qmp: Qmp): Promise<readonly Slot[]> {
  const buses = understood(PCI, await qmp.execute("query-pci"), "query-pci");
  const devices = buses.flatMap((bus) => bus.devices);
  const ports = devices.filter(
    ({ class_info: { class: code }, pci_bridge: bridge, qdev_id: id }) =>
      code === BRIDGE_CLASS && id !== "" && bridge !== undefined && (bridge.devices ?? []).length === 0,
  );
  if (ports.length > 0) return ports.map(({ qdev_id: bus }) => ({ bus }));
  const isFlat = devices.some(({ id: { vendor, device } }) => vendor === I440FX.vendor && device === I440FX.device);
  return isFlat ? [{}] : [];
}

/** The guest's memory in bytes; undefined where this QEMU does not tell it. */
export async function memoryBytes(qmp: Qmp): Promise<number | undefined> {
  const answer = MEMORY.safeParse(await qmp.execute("query-memory-size-summary"));
  return answer.success ? answer.data["base-memory"] + (answer.data["plugged-memory"] ?? 0) : undefined;
}

function understood<T>(schema: z.ZodType<T>, answer: unknown, command: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new VfleetError("VFL-0406", { message: `${command}: QEMU answered something else than it is known to` });
}
