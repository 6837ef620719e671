import type { Bdf } from "../../pci/bdf.ts";

/** A VF by the device nodes that a container needs of it. */
export interface CdiDevice {
  readonly bdf: Bdf;
  /** Paths below /dev. */
  readonly nodes: readonly string[];
}

const VERSION = "0.6.0";
const KIND = "vfleet.dev/vf";

/**
 * A file of the Container Device Interface: with it in /etc/cdi, a runtime gives a container `vfleet.dev/vf=0000:01:10.2`
 * (tags.cncf.io/container-device-interface, SPEC.md).
 */
export function cdiSpecification(devices: readonly CdiDevice[]): object {
  return {
    cdiVersion: VERSION,
    kind: KIND,
    devices: devices.map(({ bdf, nodes }) => ({
      name: bdf,
      containerEdits: { deviceNodes: nodes.map((path) => ({ path, permissions: "rw" })) },
    })),
  };
}
