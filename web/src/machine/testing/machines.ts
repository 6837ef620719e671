import type { VirtualFunctionObject } from "../../api/objects.ts";
import { type MachinePlan, type PlacedFunction, planMachine } from "../machine-plan.ts";
import { guestObject, pfObject, vfObject } from "./objects.ts";

/** Two PFs below a switch's ports and one in the root complex: 7 VFs, 3 of 7, none of 4. */
export function threePfs(): MachinePlan {
  const vfs = [
    ...Array.from({ length: 7 }, (_, index) =>
      vfObject("0000:03:00.0", index, {
        guest: index < 3 ? `model:${index === 1 ? "db" : "web"}` : null,
        iommuGroup: 20 + index,
      }),
    ),
    ...[0, 1, 5].map((index) => vfObject("0000:04:00.0", index, { iommuGroup: 9 })),
  ];
  return planMachine(
    [pfObject("0000:0a:00.0", { driverLimit: 4 }), pfObject("0000:04:00.0", {}), pfObject("0000:03:00.0", {})],
    vfs,
    [guestObject("model:idle"), guestObject("model:web")],
    [
      bridge("0000:00:01.0", null, "rootPort"),
      bridge("0000:01:00.0", "0000:00:01.0", "switchUpstream"),
      bridge("0000:02:00.0", "0000:01:00.0", "switchDownstream"),
      bridge("0000:02:01.0", "0000:01:00.0", "switchDownstream"),
      { ...bridge("0000:03:00.0", "0000:02:00.0", "pf"), iommuGroup: 8 },
      { ...bridge("0000:04:00.0", "0000:02:01.0", "pf"), iommuGroup: 9 },
    ],
  );
}

/** Sixteen PFs with 256 VFs each, three of four with guests. */
export function bigMachine(): MachinePlan {
  const names = Array.from({ length: 16 }, (_, index) => `0000:${(index + 1).toString(16).padStart(2, "0")}:00.0`);
  const vfs: VirtualFunctionObject[] = names.flatMap((pf, card) =>
    Array.from({ length: 256 }, (_, index) =>
      vfObject(pf, index, { guest: index % 4 === 0 ? null : `model:vm-${(card + index) % 40}` }),
    ),
  );
  return planMachine(
    names.map((name) => pfObject(name, { driverLimit: 256, numVfs: 256 })),
    vfs,
    [],
    [],
  );
}

function bridge(bdf: string, parent: string | null, kind: PlacedFunction["kind"]): PlacedFunction {
  return { bdf, parent, kind, device: null, numaNode: 0, iommuGroup: null, link: null };
}
