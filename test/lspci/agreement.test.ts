/**
 * vfleet and lspci read the same dumps, and must say the same: the same functions, the same capabilities in the same
 * places, and the same value in every field that lspci prints. Words of lspci that are compared with nothing are a
 * failure, as are values that differ for a reason that known-differences.ts does not name.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseLspciDump } from "../../src/kernel/snapshot/lspci-dump.ts";
import { type DecodedFunction, decodeFunction } from "../../src/pci/decode.ts";
import { capturedDumps, type Dump, ROOT, sharedDumps, withoutSharedDumps } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";
import { type Agreement, agreeWithLspci, jsonOf, readJson } from "./agree.ts";
import { compareFunction, type JsonFunction } from "./compare.ts";
import { parseLspciOutput } from "./lspci-output.ts";
import { lspciVersion, runLspci } from "./run-lspci.ts";

const noLspci = requireTool("lspci");
const version = noLspci ? "none" : lspciVersion();

/** Fewer values than these, of the dumps beside the repository together, would mean that something was not compared. */
const FEWEST_VALUES: Readonly<Record<string, number>> = {
  header: 4000,
  "standard 1h": 900,
  "standard 5h": 300,
  "standard 10h": 4000,
  "standard 11h": 80,
  "standard 13h": 6,
  "standard 14h": 30,
  "extended 1h": 1000,
  "extended 2h": 500,
  "extended 3h": 30,
  "extended 5h": 100,
  "extended dh": 100,
  "extended eh": 20,
  "extended fh": 12,
  "extended 10h": 50,
  "extended 12h": 10,
  "extended 13h": 10,
  "extended 15h": 5,
  "extended 18h": 5,
  "extended 19h": 40,
  "extended 1bh": 10,
  "extended 1eh": 20,
  "extended 1fh": 10,
  "extended 2eh": 10,
};
const compared = new Map<string, number>();

for (const dump of sharedDumps) {
  test(`decode agrees with lspci on ${dump.name}`, { skip: noLspci }, (t) => {
    const { counts, reasons } = agree(dump);
    for (const [place, count] of counts) compared.set(place, (compared.get(place) ?? 0) + count);
    for (const [reason, times] of reasons) t.diagnostic(`${times} times: ${reason}`);
  });
}

test("decode was compared with lspci in every capability", { skip: noLspci || withoutSharedDumps }, () => {
  const short = Object.entries(FEWEST_VALUES).filter(([place, fewest]) => (compared.get(place) ?? 0) < fewest);
  assert.deepEqual(
    short.map(([place]) => `${place}: ${compared.get(place) ?? 0} values`),
    [],
  );
});

for (const dump of capturedDumps) {
  test(`decode agrees with lspci on the captured ${dump.name}`, { skip: noLspci }, () => {
    const { counts } = agree(dump);
    assert.ok((counts.get("extended 10h") ?? 0) >= 25, "SR-IOV was compared");
    assert.ok((counts.get("standard 10h") ?? 0) >= 100, "PCI Express was compared");
  });
}

test("decode is compared with lspci on captured hosts, too", () => {
  assert.notEqual(capturedDumps.length, 0);
});

test("the command decode --json prints what was compared here", { skip: withoutSharedDumps }, () => {
  const { path } = sharedDumps.find(({ name }) => name === "cap-pcie-2.txt") as Dump;
  const main = join(ROOT, "src/cli/main.ts");
  const printed = execFileSync(process.execPath, [main, "decode", path, "--json"], { encoding: "utf8" });
  const { functions } = JSON.parse(printed) as { functions: unknown };
  assert.deepEqual(functions, JSON.parse(jsonOf(decodeDump(path))));
});

/** Bytes of Intel's 82576 that lspci shows, each with a bit that is turned over: where, and what it belongs to. */
const PLANTED: readonly (readonly [offset: number, bit: number, what: string])[] = [
  [0x04, 0, "Command, I/O Space Enable"],
  [0x07, 5, "Status, Received Master Abort"],
  [0x0b, 0, "base class"],
  [0x12, 5, "BAR 0"],
  [0x44, 0, "Power Management, Power State"],
  [0x52, 0, "MSI, Enable"],
  [0x73, 7, "MSI-X, Enable"],
  [0x72, 4, "MSI-X, Table Size"],
  [0xa9, 4, "Device Control, Max_Read_Request_Size"],
  [0xb0, 0, "Link Control, ASPM Control"],
  [0xb2, 5, "Link Status, Negotiated Link Width"],
  [0xa7, 4, "Device Capabilities, FLR"],
  [0x104, 4, "AER, Uncorrectable Error Status"],
  [0x144, 7, "Device Serial Number"],
  [0x155, 1, "ARI, Next Function Number"],
  [0x168, 0, "SR-IOV, VF Enable"],
  [0x170, 3, "SR-IOV, NumVFs"],
  [0x174, 1, "SR-IOV, First VF Offset"],
  [0x176, 6, "SR-IOV, VF Stride"],
  [0x17a, 0, "SR-IOV, VF Device ID"],
  [0x187, 5, "SR-IOV, VF BAR 0"],
];

test("a bit that differs is found", { skip: noLspci || withoutSharedDumps }, () => {
  const { path } = sharedDumps.find(({ name }) => name === "cap-pcie-2.txt") as Dump;
  const [shown] = parseLspciOutput(runLspci(path));
  const [dumped] = parseLspciDump(readFileSync(path), path).functions;
  assert.ok(shown && dumped);
  const missed = PLANTED.filter(([offset, bit]) => {
    const { bdf, config } = dumped;
    config.bytes[offset] = (config.bytes[offset] ?? 0) ^ (1 << bit);
    const decoded = decodeFunction(bdf, config);
    const found = compareFunction(shown, readJson(jsonOf([decoded]))[0] as JsonFunction, decoded.header);
    config.bytes[offset] = (config.bytes[offset] ?? 0) ^ (1 << bit);
    return found.differences.length === 0;
  });
  assert.deepEqual(
    missed.map(([, , what]) => what),
    [],
  );
});

/** Compares one dump; fails on a difference that is not known. */
function agree({ path }: Dump): Agreement {
  return agreeWithLspci(runLspci(path), decodeDump(path), version);
}

function decodeDump(path: string): DecodedFunction[] {
  return parseLspciDump(readFileSync(path), path).functions.map(({ bdf, config }) => decodeFunction(bdf, config));
}
