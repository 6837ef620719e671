/** The model of each lab machine against the capture of the real kernel on it (fixtures/hosts). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isUnread, type Kernel } from "../port.ts";
import { openSnapshot } from "../snapshot/snapshot-kernel.ts";
import { openModel } from "./model-kernel.ts";
import { labModel, MODELLED_MACHINES } from "./testing/lab-models.ts";

const DEVICES = "/sys/bus/pci/devices";
const MODULES = ["igb", "nvme", "virtio_net"];
/** What QEMU's machines have beside: the lab's own devices, the chipset's, and what fills a window. */
const BESIDE = /^0000:(?:00:0[2-9]\.0|00:1f\.\d|01:00\.[23])$/;
/** Addresses are the firmware's choice, numbers go by who came first; `reset` cannot be read. */
const NOT_COMPARED = /^(?:config|resource|firmware_node|iommu_group|irq|local_cpulist|reset)$/;
/** A switch of the model is another than QEMU's: faster, and the ports with ACS are of the same kind as those without. */
const OF_A_SWITCH = /^(?:(?:max|current)_link_\w+|vendor|device|subsystem_\w+|revision|modalias|uevent|reset_method)$/;
const SWITCHES = new Map([
  ["switch", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
  ["switch-acs", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
  ["mixed", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
]);

function capture(name: string): Promise<Kernel> {
  return openSnapshot(fileURLToPath(new URL(`../../../fixtures/hosts/${name}.tar.gz`, import.meta.url)));
}

async function listed(kernel: Kernel, path: string): Promise<readonly string[]> {
  const names = await kernel.list(path);
  assert.ok(!isUnread(names), path);
  return names;
}

async function contents(kernel: Kernel, bdf: string, names: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const name of names) {
    const path = `${DEVICES}/${bdf}/${name}`;
    const link = await kernel.readLink(path);
    if (!isUnread(link)) {
      lines.push(`${bdf} ${name} -> ${link}`);
      continue;
    }
    const bytes = await kernel.read(path);
    if (!isUnread(bytes)) lines.push(`${bdf} ${name}: ${new TextDecoder().decode(bytes).trimEnd()}`);
  }
  return lines;
}

/** What resources there are, of what size and kind, and whether they have a place; a bridge's are the firmware's choice. */
async function resources(kernel: Kernel, bdf: string): Promise<string[]> {
  const bytes = await kernel.read(`${DEVICES}/${bdf}/resource`);
  assert.ok(!isUnread(bytes));
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  if (lines.length > 13) return [];
  return lines.flatMap((line, index) => {
    // The model's functions have no option ROM.
    if (index === 6) return [];
    const [start = 0n, end = 0n, flags = 0n] = line.split(" ").map(BigInt);
    return `${bdf} resource ${index}: ${end - start} ${flags.toString(16)} ${start === 0n ? "nowhere" : "placed"}`;
  });
}

/** Who shares a group with whom. */
async function groups(kernel: Kernel, functions: readonly string[]): Promise<string[]> {
  const members = new Map<string, string[]>();
  for (const bdf of functions) {
    const link = await kernel.readLink(`${DEVICES}/${bdf}/iommu_group`);
    const group = isUnread(link) ? "none" : link;
    members.set(group, [...(members.get(group) ?? []), bdf]);
  }
  return [...members].map(([group, list]) => `${group === "none" ? "no group" : "group"}: ${list.join(" ")}`);
}

async function seen(kernel: Kernel, name: string, functions: readonly string[], like: Kernel): Promise<string[]> {
  const lines = await groups(kernel, functions);
  for (const bdf of functions) {
    const isSwitch = SWITCHES.get(name)?.test(bdf) === true;
    // The captured one is complete as far as it goes: the model's other files are no difference.
    const names = (await listed(like, `${DEVICES}/${bdf}`)).filter(
      (each) => !NOT_COMPARED.test(each) && !(isSwitch && OF_A_SWITCH.test(each)),
    );
    lines.push(...(await contents(kernel, bdf, names)), ...(await resources(kernel, bdf)));
  }
  return lines;
}

describe("a modelled machine is as the real kernel shows it", () => {
  for (const name of MODELLED_MACHINES) {
    test(name, async () => {
      const description = labModel(name);
      assert.ok(description);
      const real = await capture(name);
      const model = await openModel(description, name);
      for (const module of MODULES) await model.loadModule(module);
      const functions = (await listed(real, DEVICES)).filter((bdf) => !BESIDE.test(bdf));
      assert.deepEqual(
        (await listed(model, DEVICES)).filter((bdf) => !BESIDE.test(bdf)),
        functions,
      );
      const wanted = await seen(real, name, functions, real);
      const got = await seen(model, name, functions, real);
      const differences = [
        ...wanted.filter((line) => !got.includes(line)).map((line) => `real:  ${line}`),
        ...got.filter((line) => !wanted.includes(line)).map((line) => `model: ${line}`),
      ];
      assert.equal(differences.join("\n"), "");
    });
  }
});
