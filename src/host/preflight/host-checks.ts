import { isUnread } from "../../kernel/port.ts";
import { linkOf } from "../../pci/link.ts";
import { pfDriver } from "../drivers.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown, warn } from "./check.ts";
import { isIntegratedEndpoint, type PreflightFacts } from "./facts.ts";

/** The upper of every port of the kernel's Open vSwitch; its bridges are not stacked on it. */
const OPEN_VSWITCH = "ovs-system";

/** Does this host's default route go over the PF? */
export function checkDefaultRoute(facts: PreflightFacts): Outcome {
  const { defaultRoutes, stacked, devices, pf } = facts;
  if (isUnread(devices.net)) return unknown("the PF's interfaces could not be read", devices.net);
  if (devices.net.length === 0) return pass("the PF has no network interface");
  if (isUnread(defaultRoutes)) return unknown("the routes could not be read", defaultRoutes);
  const evidence: Evidence[] = [
    {
      fact: `default route over ${defaultRoutes.join(", ") || "nothing"}`,
      from: "/proc/net/route, /proc/net/ipv6_route",
    },
  ];
  const carrying = stacked.filter((name) => defaultRoutes.includes(name));
  if (stacked.length > 1)
    evidence.push({ fact: `${stacked.join(" < ")} on this PF`, from: "/sys/class/net/*/upper_*" });
  if (carrying.length === 0 && stacked.includes(OPEN_VSWITCH)) {
    return unknown(
      "the PF is a port of Open vSwitch, which does not show where the default route goes on",
      undefined,
      evidence,
    );
  }
  if (carrying.length === 0) return pass("the default route does not go over the PF", evidence);
  const resets = pfDriver(pf.driver)?.resetsPf === true;
  return warn(
    `the default route goes over ${carrying.join(", ")} on this PF${resets ? `, and ${pf.driver} resets the PF when VFs are made` : ""}`,
    "do it from a console, or when some seconds without network do no harm",
    evidence,
  );
}

/** Is the link trained to what both of its ends can do? */
export function checkLink(facts: PreflightFacts): Outcome {
  if (isIntegratedEndpoint(facts)) return pass("the PF is part of the root complex and has no link");
  const own = linkOf(facts.pf.decoded);
  if (!own) return unknown("the link could not be read", firstUnread(facts.pf.config));
  const port = facts.bridges[0];
  const other = port && linkOf(port.decoded);
  const evidence: Evidence[] = [
    {
      fact: `PF: ${format(own.speed, own.width)}, able to ${format(own.maxSpeed, own.maxWidth)}`,
      from: "Link Status and Capabilities",
    },
  ];
  if (port && other)
    evidence.push({
      fact: `${port.bdf}: able to ${format(other.maxSpeed, other.maxWidth)}`,
      from: `${port.bdf} Link Capabilities`,
    });
  const speed = Math.min(own.maxSpeed, other?.maxSpeed ?? own.maxSpeed);
  const width = Math.min(own.maxWidth, other?.maxWidth ?? own.maxWidth);
  if (!other && (own.speed < speed || own.width < width)) {
    return unknown(
      `the link runs at ${format(own.speed, own.width)}, below the PF's ${format(speed, width)}; what the other end can do was not read`,
      undefined,
      evidence,
    );
  }
  if (own.speed < speed || own.width < width) {
    return warn(
      `the link runs at ${format(own.speed, own.width)}, below the ${format(speed, width)} that both ends can do`,
      "reseat the card, look at risers and cables, and check the slot's speed in the BIOS",
      evidence,
    );
  }
  if (own.speed < own.maxSpeed || own.width < own.maxWidth) {
    return warn(
      `the slot holds the link at ${format(own.speed, own.width)}; the PF could do ${format(own.maxSpeed, own.maxWidth)}`,
      "use a faster or wider slot",
      evidence,
    );
  }
  return pass(`the link runs at ${format(own.speed, own.width)}`, evidence);
}

/** As `8 GT/s x4`. */
function format(speed: number, width: number): string {
  return `${speed} GT/s x${width}`;
}

const PARAMETERS: ReadonlyArray<{
  readonly pattern: RegExp;
  readonly effect: string;
  readonly remedy: string;
  readonly bad: boolean;
}> = [
  { pattern: /^pci=(?:.*,)?noari(?:,|$)/, effect: "turns ARI off", remedy: "boot without it", bad: true },
  {
    pattern: /^pci=(?:.*,)?nomsi(?:,|$)/,
    effect: "turns MSI and MSI-X off, which VFs need",
    remedy: "boot without it",
    bad: true,
  },
  {
    pattern: /^pci=(?:.*,)?nommconf(?:,|$)/,
    effect: "takes extended configuration space away, and SR-IOV with it",
    remedy: "boot without it",
    bad: true,
  },
  {
    pattern: /^pci=(?:.*,)?realloc=off/,
    effect: "keeps the kernel from making windows larger",
    remedy: "boot without it where VF BARs lack space",
    bad: true,
  },
  {
    pattern: /^pci=(?:.*,)?disable_acs_redir=/,
    effect: "turns ACS redirection off for some devices",
    remedy: "boot without it",
    bad: true,
  },
  {
    pattern: /^pcie_acs_override=/,
    effect: "pretends isolation that the hardware does not give",
    remedy: "boot without it; use a slot with ACS",
    bad: true,
  },
  { pattern: /^iommu=(?:.*,)?off(?:,|$)/, effect: "turns the IOMMU off", remedy: "boot without it", bad: true },
  {
    pattern: /^intel_iommu=(?:.*,)?off(?:,|$)/,
    effect: "turns VT-d off",
    remedy: "boot with intel_iommu=on",
    bad: true,
  },
  { pattern: /^amd_iommu=(?:.*,)?off(?:,|$)/, effect: "turns AMD-Vi off", remedy: "boot without it", bad: true },
  {
    pattern: /^intremap=(?:.*,)?off(?:,|$)/,
    effect: "turns interrupt remapping off",
    remedy: "boot without it",
    bad: true,
  },
  { pattern: /^nointremap$/, effect: "turns interrupt remapping off", remedy: "boot without it", bad: true },
  {
    pattern: /^pci=(?:.*,)?(?:realloc(?:=on)?|assign-busses|hpbussize=|hpmemsize=|resource_alignment=)/,
    effect: "shapes buses and windows",
    remedy: "",
    bad: false,
  },
  {
    pattern: /^(?:intel_iommu|amd_iommu|iommu|iommu\.passthrough|iommu\.strict)=/,
    effect: "shapes the IOMMU",
    remedy: "",
    bad: false,
  },
  { pattern: /^pci=(?:.*,)?config_acs=/, effect: "sets ACS controls of some devices by hand", remedy: "", bad: false },
  { pattern: /^vfio/, effect: "shapes VFIO", remedy: "", bad: false },
];

/** Kernel parameters that matter to VFs. */
export function checkParameters(facts: PreflightFacts): Outcome {
  if (isUnread(facts.commandLine)) return unknown("the kernel's parameters could not be read", facts.commandLine);
  const words = facts.commandLine.trim().split(/\s+/);
  const found = words.flatMap((word) =>
    PARAMETERS.filter(({ pattern }) => pattern.test(word))
      .slice(0, 1)
      .map((parameter) => ({ word, ...parameter })),
  );
  const evidence = found.map(({ word, effect }) => ({ fact: `${word} ${effect}`, from: "/proc/cmdline" }));
  const bad = found.filter((parameter) => parameter.bad);
  if (bad.length === 0)
    return pass(
      found.length === 0 ? "no parameter stands in the way" : `${found.map(({ word }) => word).join(" ")} in effect`,
      evidence,
    );
  return warn(
    bad.map(({ word, effect }) => `${word} ${effect}`).join("; "),
    bad.map(({ word, remedy }) => `${word}: ${remedy}`).join("; "),
    evidence,
  );
}

/** Is the IOMMU on, where the VFs are for guests? */
export function checkIommu(facts: PreflightFacts): Outcome {
  const { groupCount, units } = facts.iommu;
  if (isUnread(groupCount)) return unknown("whether an IOMMU is on could not be read", groupCount);
  const evidence: Evidence[] = [{ fact: `${groupCount} IOMMU groups`, from: "/sys/kernel/iommu_groups" }];
  if (!isUnread(units)) evidence.push({ fact: units.join(", ") || "no unit", from: "/sys/class/iommu" });
  if (groupCount > 0 && facts.use === "vfio" && facts.pf.iommuGroup === null) {
    return refuse(
      "the IOMMU does not cover the PF, and so not its VFs: VFIO cannot pass them to guests",
      "look for the PF's domain in the firmware's tables (DMAR, IVRS, IORT), and for parameters that leave devices out",
      [...evidence, { fact: "the PF is in no IOMMU group", from: "iommu_group" }],
      0,
    );
  }
  if (groupCount > 0)
    return pass(`an IOMMU is on${isUnread(units) || units.length === 0 ? "" : ` (${units.join(", ")})`}`, evidence);
  const remedy = "turn VT-d or AMD-Vi on in the BIOS and boot with intel_iommu=on (Intel)";
  return facts.use === "vfio"
    ? refuse("no IOMMU is on: VFIO cannot pass VFs to guests", remedy, evidence, 0)
    : warn("no IOMMU is on: VFs cannot be passed to guests", remedy, evidence);
}

/** Are interrupts remapped? Without it `vfio_iommu_type1_attach_group` gives EPERM. */
export function checkInterruptRemapping(facts: PreflightFacts): Outcome {
  const { interruptRemapping, groupCount } = facts.iommu;
  if (groupCount === 0) return pass("no IOMMU is on, so there is nothing to remap interrupts");
  if (isUnread(interruptRemapping))
    return unknown("whether interrupts are remapped could not be read", interruptRemapping);
  const evidence: Evidence[] = [{ fact: interruptRemapping.shownBy }];
  if (interruptRemapping.on) return pass("interrupts are remapped", evidence);
  const unsafe = !isUnread(facts.allowUnsafeInterrupts) && facts.allowUnsafeInterrupts;
  if (unsafe)
    evidence.push({
      fact: "allow_unsafe_interrupts is Y",
      from: "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
    });
  const remedy = "turn interrupt remapping on (BIOS: VT-d, x2APIC; no intremap=off)";
  if (facts.use === "vfio" && !unsafe)
    return refuse("interrupts are not remapped: VFIO refuses such devices (EPERM)", remedy, evidence, 0);
  return warn(
    `interrupts are not remapped: a guest's device could raise any interrupt of the host${unsafe ? ", and VFIO is told to allow it" : ""}`,
    remedy,
    evidence,
  );
}
