import type { HostState } from "../src/host/state/host-state.ts";
import { hostState } from "../src/host/state/testing/host-state-builder.ts";

/** A host of so many PFs, each with all its VFs made. */
export function hostWith(pfs: number, vfs: number): HostState {
  return hostState(
    Array.from({ length: pfs }, (_, index) => ({
      bdf: `0000:${(0x10 + index * 2).toString(16)}:00.0`,
      driver: "mlx5_core",
      totalVfs: vfs,
      driverLimit: vfs,
      firstVfOffset: 1,
      vfStride: 1,
      vfs,
    })),
  );
}
