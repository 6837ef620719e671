import type { Bdf } from "../../pci/bdf.ts";
import type { ConfigSpace } from "../../pci/config-space.ts";
import { type Kernel, unread } from "../port.ts";
import type { DumpedFunction, LspciDump } from "./lspci-dump.ts";
import type { DumpRegion } from "./lspci-notes.ts";
import { MemoryTree } from "./memory-tree.ts";
import { treeKernel } from "./tree-kernel.ts";

const DEVICES = "/sys/bus/pci/devices";
const NOT_HELD = "an lspci dump does not hold it";

/** Resource flags of `include/linux/ioport.h`. */
const IORESOURCE_IO = 0x100n;
const IORESOURCE_MEM = 0x200n;
const IORESOURCE_PREFETCH = 0x2000n;
const IORESOURCE_READONLY = 0x4000n;
const IORESOURCE_SIZEALIGN = 0x4_0000n;
const IORESOURCE_MEM_64 = 0x10_0000n;
const PCI_ROM_RESOURCE = 6;

/**
 * A dump as a kernel shows it: for each function a folder with `config`, and with `driver`, `iommu_group`, `numa_node`,
 * `resource` and its slot where lspci said them in words. All else is ENODATA. Of a function that is dumped twice, the first dump counts.
 */
export function openLspci(dump: LspciDump): Kernel {
  const tree = new MemoryTree();
  const spaces = new Map<Bdf, ConfigSpace>();
  for (const found of dump.functions) {
    if (spaces.has(found.bdf)) continue;
    spaces.set(found.bdf, found.config);
    addFunction(tree, found);
  }
  return treeKernel(
    tree,
    { kind: "lspci", name: `lspci:${dump.label}`, complete: false },
    {
      absence: (path) => unread(path, "ENODATA", NOT_HELD),
      config(bdf) {
        return spaces.get(bdf) ?? unread(`${DEVICES}/${bdf}/config`, "ENOENT", "the dump holds no such function");
      },
    },
  );
}

function addFunction(tree: MemoryTree, { bdf, config, notes }: DumpedFunction): void {
  const folder = `${DEVICES}/${bdf}`;
  // As a file it can only show what is known from 0 on.
  const firstEnd = config.known[0]?.[0] === 0 ? config.known[0][1] : 0;
  tree.addFolder(folder);
  if (firstEnd > 0) tree.addFile(`${folder}/config`, config.bytes.slice(0, firstEnd));
  const { driver, iommuGroup, numaNode, physicalSlot } = notes;
  if (driver !== undefined && isFileName(driver)) {
    tree.addFolder(`/sys/bus/pci/drivers/${driver}`);
    tree.addLink(`/sys/bus/pci/drivers/${driver}/${bdf}`, `../../devices/${bdf}`);
    tree.addLink(`${folder}/driver`, `../../drivers/${driver}`);
  }
  if (iommuGroup !== undefined) {
    tree.addLink(`/sys/kernel/iommu_groups/${iommuGroup}/devices/${bdf}`, `../../../../bus/pci/devices/${bdf}`);
    tree.addLink(`${folder}/iommu_group`, `../../../../kernel/iommu_groups/${iommuGroup}`);
  }
  if (numaNode !== undefined) tree.addFile(`${folder}/numa_node`, `${numaNode}\n`);
  if (physicalSlot !== undefined && isFileName(physicalSlot)) {
    tree.addFile(`/sys/bus/pci/slots/${physicalSlot}/address`, `${bdf.slice(0, -2)}\n`);
  }
  const resource = resourceFile(notes.regions);
  if (resource !== undefined) tree.addFile(`${folder}/resource`, resource);
}

/**
 * The `resource` attribute's lines for BARs 0-5 and the Expansion ROM; undefined where lspci left open the number or
 * size of any. The lines behind those, of VF BARs and bridge windows, are in no lspci text.
 */
function resourceFile(regions: readonly DumpRegion[]): string | undefined {
  if (regions.length === 0) return undefined;
  const lines = Array.from({ length: PCI_ROM_RESOURCE + 1 }, () => resourceLine(0n, 0n, 0n));
  for (const { kind, index = kind === "rom" ? PCI_ROM_RESOURCE : -1, address = 0n, sizeBytes, ...rest } of regions) {
    if (index < 0 || index > PCI_ROM_RESOURCE || sizeBytes === undefined || sizeBytes === 0n) return undefined;
    lines[index] = resourceLine(address, address + sizeBytes - 1n, resourceFlags(kind, rest.is64, rest.prefetchable));
  }
  return lines.join("");
}

function resourceLine(start: bigint, end: bigint, flags: bigint): string {
  return `${[start, end, flags].map((value) => `0x${value.toString(16).padStart(16, "0")}`).join(" ")}\n`;
}

/** As the kernel sets them for a BAR that it sized (`pci_read_bases`, `__pci_read_base` of `drivers/pci/probe.c`). */
function resourceFlags(kind: DumpRegion["kind"], is64: boolean, prefetchable: boolean): bigint {
  if (kind === "io") return IORESOURCE_IO | IORESOURCE_SIZEALIGN | 1n;
  let flags = IORESOURCE_MEM | IORESOURCE_SIZEALIGN;
  if (kind === "rom") return flags | IORESOURCE_PREFETCH | IORESOURCE_READONLY;
  if (is64) flags |= IORESOURCE_MEM_64 | 4n;
  if (prefetchable) flags |= IORESOURCE_PREFETCH | 8n;
  return flags;
}

function isFileName(text: string): boolean {
  return !text.includes("/") && text !== "." && text !== "..";
}
