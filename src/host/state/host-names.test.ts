import assert from "node:assert/strict";
import { test } from "node:test";
import { type VfioAlias, vfioVariantOf } from "./host-names.ts";

const ALIASES: readonly VfioAlias[] = [
  { pattern: "vfio_pci:v*d*sv*sd*bc*sc*i*", module: "vfio_pci" },
  { pattern: "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", module: "mlx5_vfio_pci" },
  { pattern: "vfio_pci:v000019E5d*sv*sd*bc*sc*i*", module: "any_hisilicon" },
  { pattern: "vfio_pci:v000019E5d0000A251sv*sd*bc*sc*i*", module: "hisi_acc_vfio_pci" },
  { pattern: "vfio_pci:v*d*sv*sd*bc0Csc03i*", module: "usb_vfio" },
  { pattern: "vfio_pci:v00008086d*sv00008086sd*bc*sc*i*", module: "of_a_subsystem" },
];

function variant(vendorId: number, deviceId: number, classCode = 0x020000): string | null {
  return vfioVariantOf(ALIASES, { vendorId, deviceId, classCode });
}

test("vfioVariantOf takes the pattern that says the most, and vfio_pci itself for none", () => {
  assert.equal(variant(0x15b3, 0x101e), "mlx5_vfio_pci");
  assert.equal(variant(0x15b3, 0x101c), null);
  assert.equal(variant(0x19e5, 0xa251), "hisi_acc_vfio_pci");
  assert.equal(variant(0x19e5, 0x0001), "any_hisilicon");
  assert.equal(variant(0x1234, 0x5678, 0x0c0330), "usb_vfio");
});

test("vfioVariantOf matches no subsystem, which VFs do not have of their own", () => {
  assert.equal(variant(0x8086, 0x10ca), null);
});
