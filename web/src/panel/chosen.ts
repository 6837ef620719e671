import { parseBdf } from "../../../src/pci/bdf.ts";
import type { ObjectOf } from "../api/objects.ts";

export type PfObject = ObjectOf<"PhysicalFunction">;
export type VfObject = ObjectOf<"VirtualFunction">;
export type GuestObject = ObjectOf<"Guest">;

/** What a panel is about: an object of the host, or a function that is none, as a root port. */
export type Chosen =
  | { readonly kind: "pf"; readonly pf: PfObject; readonly vfs: readonly VfObject[] }
  | { readonly kind: "vf"; readonly vf: VfObject; readonly pf: PfObject | undefined }
  | { readonly kind: "guest"; readonly guest: GuestObject; readonly vfs: readonly VfObject[] }
  | { readonly kind: "function"; readonly bdf: string }
  /** Nothing has this name; it may have gone. */
  | { readonly kind: "none" };

/** What a name stands for on a host: a PF's address, a VF's name or address, a guest's address, any function's address. */
export function chosenBy(
  name: string,
  pfs: readonly PfObject[],
  vfs: readonly VfObject[],
  guests: readonly GuestObject[],
): Chosen {
  const pf = pfs.find(({ metadata }) => metadata.name === name);
  if (pf) return { kind: "pf", pf, vfs: vfs.filter(({ status }) => status.pf === name) };
  const vf = vfs.find(({ metadata, status }) => metadata.name === name || status.bdf === name);
  if (vf) return { kind: "vf", vf, pf: pfs.find(({ metadata }) => metadata.name === vf.status.pf) };
  const guest = guests.find(({ metadata }) => metadata.name === name);
  if (guest) return { kind: "guest", guest, vfs: vfs.filter(({ status }) => status.guest === name) };
  return parseBdf(name) === undefined ? { kind: "none" } : { kind: "function", bdf: name };
}

/** As a heading has it. */
export function chosenTitle(chosen: Chosen, name: string): string {
  switch (chosen.kind) {
    case "pf":
      return `PF ${name}`;
    case "vf":
      return `VF ${chosen.vf.status.vfIndex} of ${chosen.vf.status.pf}`;
    case "guest":
      return `Guest ${name}`;
    case "function":
      return `Function ${name}`;
    case "none":
      return name;
  }
}
