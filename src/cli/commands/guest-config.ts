import { VfleetError } from "../../errors/vfleet-error.ts";
import { cdiSpecification } from "../../guests/container/cdi.ts";
import { deviceXml, networkXml } from "../../guests/libvirt/device-xml.ts";
import { qemuArguments } from "../../guests/qemu/command-line.ts";
import { ZERO_MAC } from "../../host/desired/mac-addresses.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import type { PfState, VfState } from "../../host/state/host-state.ts";
import { isUnread, type Kernel, known } from "../../kernel/port.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { GUEST_CONFIGS } from "../guest-configs.ts";
import { note, print } from "../output.ts";
import type { AccessOptions } from "../provision/access-options.ts";
import { openAccess } from "../provision/open-access.ts";
import { namedVf } from "../provision/vf-address.ts";

export interface GuestConfigOptions extends AccessOptions {
  readonly for: (typeof GUEST_CONFIGS)[number];
  readonly managed?: boolean;
}

/** A namespace of a controller with several paths is `nvme1c2n3`, and its device nvme1n3 (`nvme_ns_head_ops`). */
const NAMESPACE = /^nvme(\d+)(?:c\d+)?n(\d+)$/;

interface Vf {
  readonly pf: PfState;
  readonly vf: VfState & { readonly bdf: Bdf };
}

/** `vfleet guest-config VF... --for qemu`: what gives VFs to a guest that another program starts. Changes nothing. */
export async function guestConfig(words: readonly string[], options: GuestConfigOptions): Promise<number> {
  const host = await openAccess(options);
  const state = await host.look();
  const vfs: Vf[] = [];
  for (let rest = words; rest.length > 0; ) {
    const { pf, vf, rest: more } = namedVf(state, rest);
    if (vf.bdf === null)
      throw new VfleetError("VFL-0233", { message: `VF ${vf.vfIndex} of ${pf.bdf} is no PCI function` });
    vfs.push({ pf, vf: { ...vf, bdf: vf.bdf } });
    rest = more;
  }
  print(await textFor(vfs, options, () => host.kernel()));
  return 0;
}

async function textFor(
  vfs: readonly Vf[],
  { for: kind, managed = false }: GuestConfigOptions,
  open: () => Promise<Kernel>,
): Promise<string> {
  switch (kind) {
    case "qemu":
      for (const each of vfs) requireVfio(each);
      return qemuText(vfs);
    case "libvirt":
      for (const each of vfs) requireNoToken(each);
      // libvirt binds what is managed itself.
      if (!managed) for (const each of vfs) requireVfio(each);
      return vfs.map((each) => libvirtXml(each, managed)).join("");
    case "libvirt-network":
      for (const each of vfs) requireNoToken(each);
      return networkXml({ name: "vfs", from: { vfs: vfs.map(({ vf }) => vf.bdf) } });
    case "cdi": {
      const kernel = await open();
      const devices = await Promise.all(vfs.map(async ({ vf }) => ({ bdf: vf.bdf, nodes: await nodesOf(vf, kernel) })));
      return `${JSON.stringify(cdiSpecification(devices), null, 2)}\n`;
    }
  }
}

function qemuText(vfs: readonly Vf[]): string {
  const withToken = new Set(vfs.flatMap(({ pf, vf }) => (isVfioDriver(pf.driver) ? [vf.bdf] : [])));
  if (withToken.size > 0) {
    // All users of the host can read the arguments of a process.
    note(
      "vf-token wants the UUID that the PF's user has set; it is a secret, so keep these devices in a file of QEMU's -readconfig",
    );
  }
  return `${qemuArguments(
    vfs.map(({ vf }) => vf.bdf),
    withToken,
  ).join(" ")}\n`;
}

function requireNoToken({ pf, vf: { bdf } }: Vf): void {
  if (!isVfioDriver(pf.driver)) return;
  throw new VfleetError("VFL-0427", {
    message: `${pf.bdf} is on vfio-pci, and libvirt passes no VF token`,
    details: { vf: bdf },
  });
}

function requireVfio({ vf: { bdf, driver } }: Vf): void {
  if (isVfioDriver(driver)) return;
  throw new VfleetError("VFL-0401", {
    message: `${bdf} ${driver === null ? "has no driver" : `is with ${isUnread(driver) ? "an unknown driver" : driver}`}`,
    remedy: `bind it first: vfleet bind ${bdf} vfio`,
    details: { vf: bdf },
  });
}

function libvirtXml({ vf }: Vf, managed: boolean): string {
  const settings = known(vf.settings);
  return deviceXml({
    bdf: vf.bdf,
    driver: known(vf.driver),
    managed,
    // Only the PF of a NIC tells settings of its VFs.
    network:
      settings === null || settings === undefined
        ? null
        : { mac: settings.mac === ZERO_MAC ? null : settings.mac, vlan: settings.vlan },
  });
}

async function nodesOf({ bdf, driver, iommuGroup }: Vf["vf"], kernel: Kernel): Promise<readonly string[]> {
  const group = known(iommuGroup);
  if (isVfioDriver(driver) && group !== undefined && group !== null) return ["/dev/vfio/vfio", `/dev/vfio/${group}`];
  const controllers = known(await kernel.list(`/sys/bus/pci/devices/${bdf}/nvme`)) ?? [];
  const nodes: string[] = [];
  for (const controller of controllers) {
    nodes.push(`/dev/${controller}`);
    const names = known(await kernel.list(`/sys/bus/pci/devices/${bdf}/nvme/${controller}`)) ?? [];
    for (const name of names) {
      const [, number, namespace] = NAMESPACE.exec(name) ?? [];
      if (number !== undefined) nodes.push(`/dev/nvme${number}n${namespace}`);
    }
  }
  if (nodes.length > 0) return nodes;
  throw new VfleetError("VFL-0225", {
    message: `${bdf} has no device node that a container could be given`,
    remedy: `bind it to vfio-pci (vfleet bind ${bdf} vfio), or give its interface by the CNI plugin`,
    details: { vf: bdf },
  });
}
