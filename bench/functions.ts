import { globSync, readFileSync } from "node:fs";
import { parseLspciDump } from "../src/kernel/snapshot/lspci-dump.ts";
import { type Bdf, formatBdf, type RoutingId } from "../src/pci/bdf.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE } from "../src/pci/config-space.ts";
import { configSpace } from "../src/pci/testing/config-builder.ts";

/** A function as it is decoded. */
export interface BenchFunction {
  readonly bdf: Bdf;
  readonly config: ConfigSpace;
}

const FIXTURES = new URL("../fixtures/hosts/*.lspci.txt", import.meta.url);
const BYTES_PER_LINE = 16;

/** Configuration spaces of 4 KiB: those of the captured hosts, or a made one where there are none. */
function realSpaces(): readonly ConfigSpace[] {
  const spaces = globSync(FIXTURES.pathname)
    .sort()
    .flatMap((path) => parseLspciDump(readFileSync(path), path).functions.map(({ config }) => config))
    .filter((config) => config.has(0, PCI_CFG_SPACE_EXP_SIZE));
  return spaces.length > 0 ? spaces : [madeSpace()];
}

function madeSpace(): ConfigSpace {
  return configSpace({
    vendorId: 0x8086,
    deviceId: 0x10c9,
    portType: 0,
    maxLinkWidth: 4,
    acs: { capability: 0x5f, control: 0x1d },
    ariNextFunction: 1,
    sriov: { totalVfs: 8, numVfs: 7, vfEnable: true, firstVfOffset: 128, vfStride: 2, vfDeviceId: 0x10ca },
    extended: [
      { id: 0x01, version: 2, dwords: [0, 0, 0x0006_2010, 0, 0x2000, 0, 0, 0, 0, 0] },
      { id: 0x03, dwords: [0xff2b_46e0, 0x001b_21ff] },
      { id: 0x18, dwords: [0x1003_1003] },
    ],
  });
}

/** Functions at `count` different addresses, their spaces taken in turn from the real ones. */
export function benchFunctions(count: number): readonly BenchFunction[] {
  const spaces = realSpaces();
  return Array.from({ length: count }, (_, index) => {
    const { bytes } = spaces[index % spaces.length] as ConfigSpace;
    return {
      bdf: formatBdf(index >>> 16, (index & 0xffff) as RoutingId),
      config: new ConfigSpace(Uint8Array.from(bytes)),
    };
  });
}

/** The functions as `lspci -xxxx -D` writes them. */
export function dumpText(functions: readonly BenchFunction[]): string {
  const out: string[] = [];
  for (const { bdf, config } of functions) {
    out.push(`${bdf} Ethernet controller: a function`);
    for (let offset = 0; offset < PCI_CFG_SPACE_EXP_SIZE; offset += BYTES_PER_LINE) {
      out.push(`${offset.toString(16).padStart(2, "0")}: ${config.hexDump(offset, BYTES_PER_LINE)}`);
    }
    out.push("");
  }
  return `${out.join("\n")}\n`;
}
