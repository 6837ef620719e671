/** The model of each lab machine against the capture of the real kernel on it (fixtures/hosts). */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isUnread, type Kernel } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import { openSnapshot } from "../snapshot/snapshot-kernel.ts";
import { openModel } from "./model-kernel.ts";
import { labModel, MODELLED_MACHINES } from "./testing/lab-models.ts";

const DEVICES = "/sys/bus/pci/devices";
const MODULES = ["igb", "nvme", "virtio_net", "igbvf"];
/** What QEMU's machines have beside: the lab's own devices, the chipset's, and what fills a window. */
const BESIDE = /^0000:(?:00:0[2-9]\.0|00:1f\.\d|01:00\.[23])$/;
/** Addresses are the firmware's choice, numbers go by who came first; two cannot be read. */
const NOT_COMPARED = /^(?:config|resource|firmware_node|iommu_group|irq|local_cpulist|reset|sriov_vf_msix_count)$/;
/** A VF's Link Status is reserved, and the PF's counts (PCIe 6.0 §9.3.5.8); QEMU's VFs have their own all the same. */
const OF_A_VF = /^current_link_\w+$/;
/**
 * Without ARI a root port takes no request to a device number other than 0 to what is below it (PCIe 6.0 §7.3.1): VFs
 * at 01:10.0 do not answer, which is why a real 82576 has them on the next bus then. QEMU's ports do let them pass.
 */
const WITHOUT_ARI = ["no-ari-vfs", "small-window-vfs"];
const OF_A_SILENT_VF = /^(?:physfn|driver|driver_override|vendor|device|numa_node|iommu|subsystem|ari_enabled|enable)$/;
/** Option ROMs and I/O space that the firmware left alone are not modelled; the rest was done by the lab, or goes by settings. */
const NOT_LOGGED =
  /ROM \[mem|\[io |NIC Link is|: (?:setting MAC|Setting VLAN|Reload|The VF|Bring|VF \d+ is|PF still resetting|Address:|.*MAC address|Assigning random)/;
/** A switch of the model is another than QEMU's: faster, and the ports with ACS are of the same kind as those without. */
const OF_A_SWITCH = /^(?:(?:max|current)_link_\w+|vendor|device|subsystem_\w+|revision|modalias|uevent|reset_method)$/;
const SWITCHES = new Map([
  ["switch", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
  ["switch-acs", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
  ["mixed", /^0000:(?:00:01|01:00|02:0[01])\.0$/],
]);

function captureFile(host: string): string {
  return fileURLToPath(new URL(`../../../fixtures/hosts/${host}.tar.gz`, import.meta.url));
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

async function seen(kernel: Kernel, host: string, functions: readonly string[], like: Kernel): Promise<string[]> {
  const lines = await groups(kernel, functions);
  const silent = WITHOUT_ARI.includes(host);
  for (const bdf of functions) {
    const isSwitch = SWITCHES.get(host.replace("-vfs", ""))?.test(bdf) === true;
    // The captured one is complete as far as it goes: the model's other files are no difference.
    const isVf = !isUnread(await like.readLink(`${DEVICES}/${bdf}/physfn`));
    const names = (await listed(like, `${DEVICES}/${bdf}`)).filter(
      (each) =>
        !NOT_COMPARED.test(each) &&
        !(isSwitch && OF_A_SWITCH.test(each)) &&
        !(isVf && (OF_A_VF.test(each) || (silent && !OF_A_SILENT_VF.test(each)))),
    );
    lines.push(...(await contents(kernel, bdf, names)), ...(await resources(kernel, bdf)));
  }
  return lines;
}

/** Gives the model the VFs that the captured host has. */
async function addVfs(real: Kernel, model: ChangeableKernel): Promise<void> {
  for (const bdf of await listed(real, DEVICES)) {
    const autoprobe = await real.read(`${DEVICES}/${bdf}/sriov_drivers_autoprobe`);
    if (isUnread(autoprobe)) continue;
    // sriov_numvfs itself could not be read in time everywhere.
    const numVfs = (await listed(real, `${DEVICES}/${bdf}`)).filter((name) => name.startsWith("virtfn")).length;
    const settings = { sriov_drivers_autoprobe: new TextDecoder().decode(autoprobe), sriov_numvfs: String(numVfs) };
    for (const [name, value] of Object.entries(settings)) {
      const written = await model.write(`${DEVICES}/${bdf}/${name}`, value);
      assert.equal(written.kind, "done", `${bdf} ${name}`);
    }
  }
}

/** Of the kernel log what tells of one function, without what is of one machine: times, addresses, numbers, who came first. */
async function logLines(kernel: Kernel, host: string, functions: readonly string[]): Promise<string[]> {
  const lines = await kernel.log();
  assert.ok(!isUnread(lines));
  return lines
    .map((line) =>
      line
        .replace(/^\[[ \d.]+\] /, "")
        .replace(/0x[0-9a-f]+-0x[0-9a-f]+/g, "RANGE")
        .replace(/\b(IRQ|group|eth|nvme)( ?)\d+/g, "$1$2N")
        .replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, "MAC"),
    )
    .filter((line) => {
      const bdf = /\b0000:[0-9a-f]{2}:[0-9a-f]{2}\.\d/.exec(line)?.[0];
      if (bdf === undefined || !functions.includes(bdf) || NOT_LOGGED.test(line)) return false;
      return SWITCHES.get(host.replace("-vfs", ""))?.test(bdf) !== true;
    });
}

const HOSTS = MODELLED_MACHINES.flatMap((machine) => [
  { machine, host: machine },
  { machine, host: `${machine}-vfs` },
]).filter(({ host }) => existsSync(captureFile(host)));

describe("a modelled machine is as the real kernel shows it", () => {
  for (const { machine, host } of HOSTS) {
    test(host, async () => {
      const description = labModel(machine);
      assert.ok(description);
      const real = await openSnapshot(captureFile(host));
      const model = await openModel(description, machine);
      for (const module of MODULES) await model.loadModule(module);
      await addVfs(real, model);
      const functions = (await listed(real, DEVICES)).filter((bdf) => !BESIDE.test(bdf));
      assert.deepEqual(
        (await listed(model, DEVICES)).filter((bdf) => !BESIDE.test(bdf)),
        functions,
      );
      const wanted = await seen(real, host, functions, real);
      const got = await seen(model, host, functions, real);
      const differences = [
        ...wanted.filter((line) => !got.includes(line)).map((line) => `real:  ${line}`),
        ...got.filter((line) => !wanted.includes(line)).map((line) => `model: ${line}`),
      ];
      assert.equal(differences.join("\n"), "");
      if (WITHOUT_ARI.includes(host)) return;
      const logged = new Set(await logLines(model, host, functions));
      const missing = (await logLines(real, host, functions)).filter((line) => !logged.has(line));
      assert.equal(missing.join("\n"), "");
    });
  }
});
