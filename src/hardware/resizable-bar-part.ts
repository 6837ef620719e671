import { RESIZABLE_BAR } from "../pci/extended/resizable-bar.ts";
import { VF_RESIZABLE_BAR } from "../pci/extended/vf-resizable-bar.ts";
import { barMask } from "./config-template.ts";
import type { FunctionPart } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";
import type { SriovPart } from "./sriov-part.ts";

const ENTRY_BYTES = 8;
const SMALLEST_SIZE_LOG2 = 20;
const FIRST_SIZE_CODE_IN_CONTROL = 28;
const PCI_BASE_ADDRESS_0 = 0x10;
const BAR_INDEX = 0x7;

/** Resizable BAR of a function's own BARs (PCIe 6.0 §7.8.6). */
export function resizableBarPart(fn: PciFunction): FunctionPart | undefined {
  const offset = fn.template.offsetOf(RESIZABLE_BAR, true);
  if (offset === undefined) return undefined;
  return sizesPart(fn, offset, "resizable bar", (index, sizeBytes) => {
    const bar = fn.bars.find((each) => each.index === index);
    if (bar === undefined) return;
    fn.setBarSize(index, sizeBytes);
    const [low, high] = barMask(sizeBytes, bar.is64 === true);
    const at = PCI_BASE_ADDRESS_0 + index * 4;
    fn.config.setWritable(at, 4, low);
    if (bar.is64 === true) fn.config.setWritable(at + 4, 4, high);
    // Address bits below the new size read zero (§7.8.6.3).
    fn.config.set(at, 4, fn.config.read(at, 4) & (low | 0xf));
  });
}

/** VF Resizable BAR of a PF: what each VF has of a VF BAR (PCIe 6.0 §7.8.7). */
export function vfResizableBarPart(pf: PciFunction, sriov: SriovPart): FunctionPart | undefined {
  const offset = pf.template.offsetOf(VF_RESIZABLE_BAR, true);
  if (offset === undefined) return undefined;
  return sizesPart(pf, offset, "vf resizable bar", (index, sizeBytes) => sriov.setBarBytes(index, sizeBytes));
}

function sizesPart(
  fn: PciFunction,
  offset: number,
  key: string,
  resize: (barIndex: number, sizeBytes: number) => void,
): FunctionPart {
  const count = Math.max(1, (fn.config.read(offset + 0x08, 4) >>> 5) & 7);
  const controls = Array.from({ length: count }, (_, index) => offset + 0x08 + index * ENTRY_BYTES);
  const chosen = new Map<number, number>();
  const settle = (): void => {
    for (const at of controls) {
      const control = fn.config.read(at, 4);
      const code = (control >>> 8) & 0x3f;
      const before = chosen.get(at) ?? code;
      if (!supported(fn, at, code)) {
        // A size that is not supported is not taken: what happens is undefined (§7.8.6.3), the model keeps the old one.
        fn.config.setBits(at, 4, 0x3f00, before << 8);
        continue;
      }
      chosen.set(at, code);
      resize(control & BAR_INDEX, 2 ** (SMALLEST_SIZE_LOG2 + code));
    }
  };
  settle();
  return {
    key,
    start: controls[0] as number,
    end: (controls.at(-1) as number) + 4,
    written: settle,
    reset: () => {
      chosen.clear();
      settle();
    },
    restore: settle,
  };
}

function supported(fn: PciFunction, controlAt: number, code: number): boolean {
  const lower = fn.config.read(controlAt - 4, 4);
  if (code < FIRST_SIZE_CODE_IN_CONTROL) return ((lower >>> (4 + code)) & 1) !== 0;
  return ((fn.config.read(controlAt, 4) >>> (16 + code - FIRST_SIZE_CODE_IN_CONTROL)) & 1) !== 0;
}
