import { bdf } from "../../pci/bdf.ts";
import { decodeFunction } from "../../pci/decode.ts";
import { sriovOf } from "../../pci/sriov-state.ts";
import { isUnread } from "../port.ts";
import { configSpaceOf } from "../port-config.ts";
import type { Step } from "./script.ts";

/** What the SR-IOV registers of the PF tell of its VFs. */
export function sriovRegisters(expect: string, source: string): Step {
  return {
    call: "NumVFs, VF Enable and VF MSE of $pf",
    expect,
    source,
    async run(kernel, place) {
      const pf = bdf(await place.resolve("$pf"));
      const space = await configSpaceOf(kernel, pf);
      if (isUnread(space)) return space.errno;
      const sriov = sriovOf(decodeFunction(pf, space));
      return `${sriov?.numVfs} ${sriov?.vfEnable} ${sriov?.vfMse}`;
    },
  };
}

/** Bytes of a function's configuration space. */
export function configBytes(name: string, offset: number, count: number, expect: string, source: string): Step {
  return {
    call: `bytes ${offset} to ${offset + count - 1} of the configuration space of ${name}`,
    expect,
    source,
    async run(kernel, place) {
      const space = await configSpaceOf(kernel, bdf(await place.resolve(name)), 64);
      return isUnread(space) ? space.errno : space.hexDump(offset, count);
    },
  };
}
