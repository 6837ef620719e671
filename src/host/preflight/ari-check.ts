import { isUnread } from "../../kernel/port.ts";
import { busOf, compareBdf, domainOf, routingIdOf } from "../../pci/bdf.ts";
import { capabilityById } from "../../pci/capability-by-id.ts";
import { PCI_CAP_ID_EXP, PCI_EXT_CAP_ID_ARI } from "../../pci/capability-ids.ts";
import { vfRoutingId } from "../../pci/vf-address.ts";
import type { HostFunction } from "../inventory.ts";
import { register } from "./capability-checks.ts";
import { type Evidence, firstUnread, type Outcome, pass, unknown, warn } from "./check.ts";
import { isIntegratedEndpoint, type PreflightFacts } from "./facts.ts";

/**
 * Can VFs use function numbers 8 to 255 on the PF's bus? It takes ARI in the device, ARI forwarding in the port above it
 * (`pci_configure_ari`), and ARI Capable Hierarchy in the lowest PF of the bus (`sriov_init`). Without it, many devices
 * put their VFs further away, on another bus.
 */
export function checkAri(facts: PreflightFacts, count: number): Outcome {
  const { pf } = facts;
  const registers = pf.sriov?.registers;
  if (!registers) return unknown("the SR-IOV capability could not be read", firstUnread(pf.config));
  const lowest = lowestPfOnBus(facts);
  const hierarchy = lowest.sriov?.registers?.ariCapableHierarchy;
  const deviceHasAri = pf.decoded.extendedCapabilities.some(({ id }) => id === PCI_EXT_CAP_ID_ARI);
  const port = facts.bridges[0];
  const express = capabilityById(port?.decoded, PCI_CAP_ID_EXP)?.values;
  const forwarding = express?.ariForwardingEnable;
  const evidence: Evidence[] = [
    {
      fact: deviceHasAri ? "the device has ARI" : "the device has no ARI capability",
      from: `${pf.bdf} extended capabilities`,
    },
    register(facts, 0x08, `ARI Capable Hierarchy ${onOff(hierarchy)} in ${lowest.bdf}`),
  ];
  if (port) {
    evidence.push({
      fact: `ARI Forwarding of ${port.bdf}: supported ${yesNo(express?.ariForwardingSupported)}, enabled ${yesNo(forwarding)}`,
      from: `${port.bdf} Device Capabilities 2 and Control 2`,
    });
  }
  if (!isUnread(facts.commandLine) && /(?:^|[ ,=])noari(?:[ ,]|$)/.test(facts.commandLine)) {
    evidence.push({ fact: "pci=noari turns ARI off", from: "/proc/cmdline" });
  }
  if (hierarchy === null || hierarchy === undefined) {
    return unknown("ARI Capable Hierarchy could not be read", firstUnread(lowest.config), evidence);
  }
  const needed = needsAri(facts, count);
  if (hierarchy && (forwarding !== false || !needed)) return pass("VFs use ARI", evidence);
  if (!needed) return pass("ARI is off; these VFs need none", evidence);
  const why = !deviceHasAri
    ? "the device has no ARI"
    : port && express?.ariForwardingSupported === false
      ? `the port ${port.bdf} does not forward ARI`
      : hierarchy && port
        ? `ARI Forwarding of ${port.bdf} is off`
        : "ARI is not enabled";
  // Nothing between a root bus and its functions looks at device numbers.
  if (forwarding === true || isIntegratedEndpoint(facts)) return pass(`${why}; VFs are reached all the same`, evidence);
  if (forwarding !== false) {
    return unknown(
      `${why}, and whether VFs are reached without it depends on a port that was not read`,
      undefined,
      evidence,
    );
  }
  return warn(
    `${why}, and VFs on the PF's bus have device numbers above 0: a port forwards none to them, so they may not answer`,
    "use a slot whose port forwards ARI, enable ARI in the BIOS, and boot without pci=noari",
    evidence,
  );
}

/** Linux sets ARI Capable Hierarchy in one PF of a bus only, the lowest, and there it is valid for all. */
function lowestPfOnBus({ pf, bridges, inventory }: PreflightFacts): HostFunction {
  const siblings = bridges[0]?.children ?? [...inventory.functions.values()];
  const pfs = siblings.flatMap(({ bdf }) => {
    const beside = busOf(bdf) === busOf(pf.bdf) && domainOf(bdf) === domainOf(pf.bdf);
    const fn = beside ? inventory.functions.get(bdf) : undefined;
    return fn?.sriov ? [fn] : [];
  });
  return pfs.sort((a, b) => compareBdf(a.bdf, b.bdf))[0] ?? pf;
}

/** True where a VF would be on the PF's bus with a device number other than 0. */
function needsAri(facts: PreflightFacts, count: number): boolean {
  const { bdf, sriov } = facts.pf;
  if (!sriov || isUnread(sriov.firstVfOffset) || isUnread(sriov.vfStride)) return false;
  for (let index = 0; index < count; index++) {
    const rid = vfRoutingId(routingIdOf(bdf), sriov.firstVfOffset, sriov.vfStride, index);
    if (rid !== undefined && rid >>> 8 === busOf(bdf) && (rid & 0xf8) !== 0) return true;
  }
  return false;
}

function onOff(value: boolean | null | undefined): string {
  return value === undefined || value === null ? "unknown" : value ? "on" : "off";
}

function yesNo(value: unknown): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : "unknown";
}
