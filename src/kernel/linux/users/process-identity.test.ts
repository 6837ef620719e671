import assert from "node:assert/strict";
import { test } from "node:test";
import { containerOf, guestOf, identifyProcess } from "./process-identity.ts";

const ID = "4f5a".repeat(16);
const POD = "0e3f9d1c-8b2a-4c6e-9f10-1a2b3c4d5e6f";

test("guestOf reads QEMU's command line", () => {
  const args = (...rest: string[]) => ["/usr/bin/qemu-system-x86_64", ...rest];
  assert.deepEqual(guestOf(args("-name", "guest=web,debug-threads=on", "-uuid", POD), ""), { name: "web", uuid: POD });
  assert.deepEqual(guestOf(args("-name", "web"), ""), { name: "web" });
  assert.deepEqual(guestOf(args("-name", "debug-threads=on,guest=a,,b"), ""), { name: "a,b" });
  assert.deepEqual(guestOf(["/usr/bin/kvm", "-id", "100", "-name", "db,debug-threads=on"], ""), { name: "db" });
  assert.equal(guestOf(["/usr/bin/find", "-name", "web"], ""), undefined);
  assert.equal(guestOf(args("-name"), ""), undefined);
});

test("guestOf knows the scope of systemd-machined", () => {
  const cgroup = "0::/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d1.scope/libvirt/emulator\n";
  assert.deepEqual(guestOf([], cgroup), { name: "web-1" });
});

test("containerOf knows how runtimes name control groups", () => {
  const slice = `kubepods-burstable-pod${POD.replaceAll("-", "_")}.slice`;
  const cases: [string, ReturnType<typeof containerOf>][] = [
    [`0::/system.slice/docker-${ID}.scope\n`, { runtime: "docker", id: ID }],
    [`12:pids:/docker/${ID}\n11:cpu:/docker/${ID}\n`, { runtime: "docker", id: ID }],
    [`0::/machine.slice/libpod-${ID}.scope/container\n`, { runtime: "podman", id: ID }],
    [
      `0::/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${ID}.scope\n`,
      { runtime: "containerd", id: ID, pod: POD },
    ],
    [`0::/kubepods.slice/${slice}/crio-${ID}.scope\n`, { runtime: "cri-o", id: ID, pod: POD }],
    [`0::/kubepods/besteffort/pod${POD}/${ID}\n`, { runtime: "kubernetes", id: ID, pod: POD }],
    ["0::/lxc.payload.web/init.scope\n", { runtime: "lxc", id: "web" }],
    ["0::/lxc/101/ns/init.scope\n", { runtime: "lxc", id: "101" }],
    ["0::/machine.slice/systemd-nspawn@web.service/payload\n", { runtime: "nspawn", id: "web" }],
    ["0::/user.slice/user-1000.slice/session-2.scope\n", undefined],
    ["0::/system.slice/docker.service\n", undefined],
    ["", undefined],
  ];
  for (const [cgroup, expected] of cases) assert.deepEqual(containerOf(cgroup), expected, cgroup);
});

test("identifyProcess names this one, and by its number one that has ended", () => {
  assert.equal(identifyProcess("", process.pid).pid, process.pid);
  assert.match(identifyProcess("", process.pid).command ?? "", /\w/);
  // Above PID_MAX_LIMIT.
  assert.deepEqual(identifyProcess("", 4194305), { pid: 4194305 });
});
