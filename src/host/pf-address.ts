import type { Bdf } from "../pci/bdf.ts";

declare const simulated: unique symbol;

/** A device of netdevsim, by its name: a network device with VFs and no PCI function, neither of itself nor of its VFs. */
export type SimulatedPf = string & { readonly [simulated]: "SimulatedPf" };

/** How a PF is called: by the address of its function, or `netdevsim10`. */
export type PfAddress = Bdf | SimulatedPf;

const SIMULATED = /^netdevsim\d+$/;

/** Whether it is a device of netdevsim. */
export function isSimulated(pf: PfAddress): pf is SimulatedPf {
  return SIMULATED.test(pf);
}

/** `netdevsim10`; undefined where the text is no such name. */
export function parseSimulatedPf(text: string): SimulatedPf | undefined {
  return SIMULATED.test(text) ? (text as SimulatedPf) : undefined;
}

/** How devlink calls it. */
export function devlinkHandle(pf: PfAddress): string {
  return `${isSimulated(pf) ? "netdevsim" : "pci"}/${pf}`;
}
