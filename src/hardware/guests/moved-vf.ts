import type { DeviceState } from "../device-model.ts";
import type { PfSide } from "../vfio/vfio-device.ts";
import type { IgbVfControl } from "./igb-vf-control.ts";

/** What igb has of a VF that moves with its guest. @param control of the PF's driver, as it is at the time; undefined without VFs */
export function pfSideOf(control: () => IgbVfControl | undefined, vf: number): PfSide {
  return {
    save: () => (control()?.requests.of(vf) ?? []) as DeviceState,
    restore: (messages) => {
      const requests = control()?.requests;
      return requests === undefined ? "the PF has no driver" : requests.assume(vf, messages);
    },
  };
}

/** A guest has left with its address: the PF's filters are not to know it any more; nor, where it has moved, one that an administrator had set. */
export function forgetAddress(control: IgbVfControl | undefined, vf: number, moved: boolean): void {
  control?.requests.release(vf);
  if (moved) control?.setMac(vf, new Uint8Array(6));
}
