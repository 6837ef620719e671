/** What of netdevsim no conformance script asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnread } from "../../port.ts";
import { type ModelKernel, openModel } from "../model-kernel.ts";
import { labModel } from "../testing/lab-models.ts";

const BUS = "/sys/bus/netdevsim";
const DEBUG = "/sys/kernel/debug/netdevsim/netdevsim1";

async function netdevsim(): Promise<ModelKernel> {
  const description = labModel("netdevsim");
  assert.ok(description);
  const kernel = await openModel({ ...description, modules: ["netdevsim"] }, "netdevsim");
  assert.equal(await write(kernel, `${BUS}/new_device`, "1 2"), "ok");
  return kernel;
}

async function write(kernel: ModelKernel, path: string, value: string): Promise<string> {
  const outcome = await kernel.write(path, value);
  return outcome.kind === "failed" ? String(outcome.errno) : "ok";
}

test("ports are added and removed (nsim_drv_port_add, nsim_drv_port_del)", async () => {
  const kernel = await netdevsim();
  const device = `${BUS}/devices/netdevsim1`;
  assert.equal(await write(kernel, `${device}/new_port`, "1"), "EEXIST");
  assert.equal(await write(kernel, `${device}/new_port`, "2"), "ok");
  assert.deepEqual(await kernel.list(`${device}/net`), ["eth0", "eth1", "eth2"]);
  assert.equal(await write(kernel, `${device}/del_port`, "2"), "ok");
  assert.equal(await write(kernel, `${device}/del_port`, "2"), "ENOENT");
  const json = await kernel.ipLink("eth1");
  assert.ok(!isUnread(json));
  const [link] = JSON.parse(json);
  assert.deepEqual([link.link_type, link.parentbus, link.parentdev], ["ether", "netdevsim", "netdevsim1"]);
});

test("max_vfs: what no memory or no port index is there for (nsim_bus_dev_max_vfs_write)", async () => {
  const kernel = await netdevsim();
  assert.equal(await write(kernel, `${DEBUG}/max_vfs`, "0x10"), "EINVAL");
  assert.equal(await write(kernel, `${DEBUG}/max_vfs`, "174763"), "ENOMEM");
  assert.equal(await write(kernel, `${DEBUG}/max_vfs`, "174762"), "ok");
});

test("an eSwitch that runs out of names of interfaces stays as it was (nsim_esw_switchdev_enable)", async () => {
  const kernel = await netdevsim();
  const { devlink, linux } = kernel;
  assert.equal(await write(kernel, `${DEBUG}/max_vfs`, "32768"), "ok");
  assert.equal(await write(kernel, `${BUS}/devices/netdevsim1/sriov_numvfs`, "32768"), "ok");
  const outcome = await devlink.setEswitch("netdevsim/netdevsim1", { mode: "switchdev" }, { deadlineMs: 60_000 });
  assert.ok(outcome.kind === "failed" && outcome.errno === "ENFILE");
  assert.match(linux.log.lines.at(-1) ?? "", /Failed to initialize VF id=32766\. -23\.$/);
  assert.equal(linux.net.all.length, 3);
  const eswitch = await devlink.eswitch("netdevsim/netdevsim1");
  assert.ok(!isUnread(eswitch) && eswitch.mode === "legacy");
});

test("a reporter that could not recover refuses the next report (devlink_health_report)", async () => {
  const kernel = await netdevsim();
  assert.equal(await write(kernel, `${DEBUG}/health/fail_recover`, "Y"), "ok");
  assert.equal(await write(kernel, `${DEBUG}/health/break_health`, "broken"), "EINVAL");
  assert.equal(await write(kernel, `${DEBUG}/health/break_health`, "broken"), "ECANCELED");
  const reporters = await kernel.devlink.health();
  assert.ok(!isUnread(reporters));
  const dummy = reporters.find(({ name }) => name === "dummy");
  assert.deepEqual([dummy?.state, dummy?.errors, dummy?.recoveries], ["error", 2, 0]);
});

test("the module takes all its devices with it (nsim_bus_exit)", async () => {
  const kernel = await netdevsim();
  assert.equal((await kernel.unloadModule("netdevsim")).kind, "done");
  assert.deepEqual(await kernel.devlink.devices(), []);
  assert.deepEqual(await kernel.list("/sys/class/net"), ["lo"]);
  const gone = await kernel.list(BUS);
  assert.ok(isUnread(gone) && gone.errno === "ENOENT");
});

test("nodes below nodes make no circle (devlink_nl_rate_parent_node_set)", async () => {
  const kernel = await netdevsim();
  const { devlink } = kernel;
  const handle = "netdevsim/netdevsim1";
  assert.equal((await devlink.addRate(`${handle}/a`, {})).kind, "failed");
  await devlink.setEswitch(handle, { mode: "switchdev" });
  assert.equal((await devlink.addRate(`${handle}/a`, {})).kind, "done");
  assert.equal((await devlink.addRate(`${handle}/b`, { parent: "a" })).kind, "done");
  const circle = await devlink.setRate(`${handle}/a`, { parent: "b" });
  assert.ok(circle.kind === "failed" && circle.errno === "EEXIST");
  const self = await devlink.setRate(`${handle}/a`, { parent: "a" });
  assert.ok(self.kind === "failed" && self.errno === "EINVAL" && self.reason === "Parent to self is not allowed");
});
