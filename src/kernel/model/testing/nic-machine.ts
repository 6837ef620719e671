import assert from "node:assert/strict";
import type { DeviceDescription } from "../../../hardware/device-description.ts";
import { isUnread } from "../../port.ts";
import type { VfChange } from "../../port-link.ts";
import { isPending } from "../../port-outcome.ts";
import { parseVfInfo, type VfInfo } from "../../port-vf-info.ts";
import { type ModelKernel, openModel } from "../model-kernel.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";
/** All links are up by then. */
const LINK_MS = 5000;

/** A machine with one network card whose driver is loaded; the first port's interface is eth0, and up. */
export interface NicMachine {
  readonly kernel: ModelKernel;
  setNumVfs(count: number): Promise<string>;
  /** `ok` or the errno's name, of each setting. */
  set(change: VfChange): Promise<string>;
  vf(index: number): Promise<VfInfo | undefined>;
  /** Of the interface that the VF's driver has made. */
  macOfVf(index: number): Promise<string | undefined>;
  /** The VF's driver leaves it, and takes it again. @returns the address that its interface has then */
  rebind(index: number, driver: string): Promise<string | undefined>;
  /** Lines of the log since the last time, without their times. */
  logged(): Promise<readonly string[]>;
}

export async function nicMachine(
  device: string | DeviceDescription,
  modules: readonly string[],
  options: Readonly<Record<string, number>> = {},
): Promise<NicMachine> {
  const kernel = await openModel(
    {
      machine: {
        memoryBytes: 64 * 1024 * 1024,
        root: [{ kind: "root port", below: { kind: "device", device, options } }],
      },
      iommu: { interruptRemapping: true },
      commandLine: "intel_iommu=on",
      modules,
    },
    "nic",
  );
  assert.equal((await kernel.setLink("eth0", { up: true })).kind, "done");
  await kernel.linux.time.sleep(LINK_MS);
  let mark = kernel.linux.log.end;

  async function macOfVf(index: number): Promise<string | undefined> {
    const [name = ""] = (await kernel.list(`${PF}/virtfn${index}/net`)) as readonly string[];
    return kernel.linux.net.byName(name)?.mac;
  }

  return {
    kernel,
    async setNumVfs(count) {
      const outcome = await kernel.write(`${PF}/sriov_numvfs`, String(count));
      return outcome.kind === "failed" ? String(outcome.errno) : outcome.kind;
    },
    async set(change) {
      const outcomes = await kernel.setVfs("eth0", [change]);
      assert.ok(!isPending(outcomes));
      return outcomes.map(({ outcome }) => (outcome.kind === "failed" ? String(outcome.errno) : "ok")).join(" ");
    },
    async vf(index) {
      const json = await kernel.ipLink("eth0");
      assert.ok(!isUnread(json));
      return parseVfInfo(json)?.find(({ vfIndex }) => vfIndex === index);
    },
    macOfVf,
    async rebind(index, driver) {
      const link = await kernel.readLink(`${PF}/virtfn${index}`);
      assert.ok(!isUnread(link));
      for (const action of ["unbind", "bind"]) {
        const outcome = await kernel.write(`/sys/bus/pci/drivers/${driver}/${action}`, link.replace(/^.*\//, ""));
        assert.equal(outcome.kind, "done");
      }
      return macOfVf(index);
    },
    async logged() {
      const { lines } = kernel.linux.log.since(mark);
      mark = kernel.linux.log.end;
      return lines.map((line) => line.replace(/^\[[ \d.]+\] /, "").replace(/^\S+ 0000:01:00\.0:? /, ""));
    },
  };
}

/** With as many VFs; what was logged of them is past. */
export async function withVfs(machine: NicMachine, count: number): Promise<NicMachine> {
  assert.equal(await machine.setNumVfs(count), "done");
  await machine.logged();
  return machine;
}
