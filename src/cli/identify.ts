import type { Bdf } from "../pci/bdf.ts";
import type { DecodedFunction } from "../pci/decode.ts";
import { vfIds } from "../pci/sriov-state.ts";
import type { TopologyNode } from "../pci/topology.ts";
import type { Identity } from "./render-function.ts";

/** What to call a function: a VF by its PF's Vendor ID and VF Device ID, for its own registers read FFFFh. */
export function identify(fn: DecodedFunction, nodes: ReadonlyMap<Bdf, TopologyNode>): Identity {
  const vf = nodes.get(fn.bdf)?.vf;
  const physfn = vf && nodes.get(vf.physfn);
  if (!vf || !physfn) return { vendorId: fn.vendorId ?? undefined, deviceId: fn.deviceId ?? undefined };
  const { vendorId, deviceId } = vfIds(physfn.decoded);
  return {
    vendorId: vendorId ?? undefined,
    deviceId: deviceId ?? undefined,
    remark: `VF ${vf.index} of ${vf.physfn}`,
  };
}
