import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { isUnread } from "../port.ts";
import type { Devlink } from "../port-devlink.ts";
import type { Outcome, Within } from "../port-outcome.ts";
import { openLinux } from "./linux-kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-devlink-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** By way of a `devlink` that does `line`. */
function devlinkBy(line: string): Devlink {
  const path = join(folder, `devlink-${count++}`);
  writeFileSync(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
  return openLinux("/", { programs: { devlink: path } }).devlink;
}

/** By way of one that prints `json`. */
function printing(json: unknown): Devlink {
  return devlinkBy(`cat <<'END'\n${JSON.stringify(json)}\nEND`);
}

function told(answer: Within<Outcome>): string {
  return answer.kind === "failed" ? `${answer.errno}: ${answer.reason}` : answer.kind;
}

const DEVICE = "pci/0000:08:00.0";

// The forms are those of iproute2's devlink/devlink.c: pr_out_info, pr_out_eswitch, pr_out_port, ...
describe("devlink's answers", () => {
  it("reads devices and their versions", async () => {
    assert.deepEqual(await printing({ dev: { [DEVICE]: {}, "netdevsim/netdevsim1": {} } }).devices(), [
      DEVICE,
      "netdevsim/netdevsim1",
    ]);
    const versions = {
      fixed: { "fw.psid": "MT_0000000008" },
      running: { "fw.version": "28.41.1" },
      stored: { "fw.version": "28.43.2" },
    };
    assert.deepEqual(
      await printing({ info: { [DEVICE]: { driver: "mlx5_core", serial_number: "s", versions } } }).info(DEVICE),
      {
        driver: "mlx5_core",
        serialNumber: "s",
        boardSerialNumber: null,
        fixed: { "fw.psid": "MT_0000000008" },
        running: { "fw.version": "28.41.1" },
        stored: { "fw.version": "28.43.2" },
      },
    );
  });

  it("reads eSwitch and ports", async () => {
    const eswitch = { mode: "switchdev", "inline-mode": "none", "encap-mode": "basic" };
    assert.deepEqual(await printing({ dev: { [DEVICE]: eswitch } }).eswitch(DEVICE), {
      mode: "switchdev",
      inlineMode: "none",
      encapMode: "basic",
    });
    const ports = {
      [`${DEVICE}/65535`]: { type: "eth", netdev: "p0", flavour: "physical", port: 0, splittable: false },
      [`${DEVICE}/2`]: {
        type: "eth",
        netdev: "pf0vf1",
        flavour: "pcivf",
        controller: 0,
        pfnum: 0,
        vfnum: 1,
        external: false,
        splittable: false,
        function: { hw_addr: "00:00:00:00:00:00", roce: "enable", max_io_eqs: 32 },
      },
    };
    const [physical, vf] = (await printing({ port: ports }).ports()) as never[];
    assert.deepEqual(physical, {
      port: `${DEVICE}/65535`,
      device: DEVICE,
      type: "eth",
      netdev: "p0",
      flavour: "physical",
      controller: null,
      pfNumber: null,
      vfIndex: null,
      external: null,
      function: null,
    });
    assert.deepEqual(vf, {
      port: `${DEVICE}/2`,
      device: DEVICE,
      type: "eth",
      netdev: "pf0vf1",
      flavour: "pcivf",
      controller: 0,
      pfNumber: 0,
      vfIndex: 1,
      external: false,
      function: { hwAddress: "00:00:00:00:00:00", state: null, opState: null, roce: "enable", migratable: null },
    });
  });

  it("reads rates, parameters and reporters", async () => {
    const rates = {
      [`${DEVICE}/1`]: { type: "leaf", tx_max: 125_000_000, parent: "g" },
      [`${DEVICE}/g`]: { type: "node" },
    };
    assert.deepEqual(await printing({ rate: rates }).rates(), [
      {
        object: `${DEVICE}/1`,
        type: "leaf",
        txShare: 0,
        txMax: 125_000_000,
        txPriority: null,
        txWeight: null,
        parent: "g",
      },
      { object: `${DEVICE}/g`, type: "node", txShare: 0, txMax: 0, txPriority: null, txWeight: null, parent: null },
    ]);
    const values = [
      { cmode: "driverinit", value: true },
      { cmode: "permanent", value: 16 },
    ];
    const params = [{ name: "enable_sriov", type: "generic", values }];
    assert.deepEqual(await printing({ param: { [DEVICE]: params } }).params(), [
      {
        device: DEVICE,
        name: "enable_sriov",
        generic: true,
        values: [
          { mode: "driverinit", value: true },
          { mode: "permanent", value: 16 },
        ],
      },
    ]);
    const reporters = [{ reporter: "fw", state: "healthy", error: 0, recover: 1, auto_recover: true }];
    assert.deepEqual(await printing({ health: { [DEVICE]: reporters } }).health(), [
      { object: DEVICE, name: "fw", state: "healthy", errors: 0, recoveries: 1 },
    ]);
  });

  it("says that another text is no answer", async () => {
    for (const json of ["", [], { dev: [] }, { port: {} }]) {
      const answer = await printing(json).devices();
      assert.ok(isUnread(answer) && answer.errno === "EPROTO", JSON.stringify(json));
    }
    const other = await printing({ dev: { "pci/0000:09:00.0": {} } }).eswitch(DEVICE);
    assert.ok(isUnread(other) && other.errno === "EPROTO");
  });
});

describe("devlink's refusals", () => {
  it("gives errno and the kernel's words", async () => {
    const both = devlinkBy(
      "printf '%s\\n' 'Error: mlx5_core: Cannot change mode.' 'kernel answers: Device or resource busy' >&2; exit 1",
    );
    assert.equal(told(await both.setEswitch(DEVICE, { mode: "switchdev" })), "EBUSY: mlx5_core: Cannot change mode");
    const old = devlinkBy("echo 'devlink answers: Operation not supported' >&2; exit 1");
    assert.equal(told(await old.deleteRate(`${DEVICE}/g`)), "EOPNOTSUPP: the kernel answered EOPNOTSUPP");
    const own = devlinkBy("echo 'Invalid. Expected tx_share <= tx_max or tx_share == 0.' >&2; exit 1");
    assert.equal(told(await own.setRate(`${DEVICE}/1`, { txMax: 1 })), "EINVAL: tx_share is above tx_max");
    const answer = await old.eswitch(DEVICE);
    assert.ok(isUnread(answer) && answer.errno === "EOPNOTSUPP");
  });

  it("refuses what devlink would take for something else", async () => {
    const ended = devlinkBy("exit 0");
    for (const device of ["", "eth0", "-h", "pci/a b", "pci/0/1"]) {
      assert.match(told(await ended.reload(device, {})), /^ENODEV/, device);
      assert.ok(isUnread(await ended.info(device)));
    }
    assert.match(told(await ended.addRate(`${DEVICE}/5`, {})), /^ENODEV/);
    assert.match(told(await ended.setParam(DEVICE, { name: "-x", value: 1, mode: "runtime" })), /^EINVAL/);
    assert.match(told(await ended.setPortFunction(`${DEVICE}/1`, { hwAddress: "" })), /^EINVAL/);
  });

  it("answers of the real devlink", { skip: requireTool("devlink") }, async () => {
    const { devlink } = openLinux();
    for (const answer of [
      await devlink.devices(),
      await devlink.ports(),
      await devlink.params(),
      await devlink.health(),
    ]) {
      // A kernel without devlink, or one with, whatever it has.
      assert.ok(
        isUnread(answer) ? answer.reason === "this kernel has no devlink" : Array.isArray(answer),
        JSON.stringify(answer),
      );
    }
    assert.match(told(await devlink.setEswitch("pci/0000:ff:1f.7", { mode: "legacy" })), /^(ENODEV|ENOENT|EPERM): /);
  });
});

describe("devlink's commands", () => {
  it("are as devlink's manual has them", async () => {
    const log = join(folder, "asked");
    const it = devlinkBy(`echo "$@" >>${log}`);
    const port = `${DEVICE}/1`;
    const changes = [
      it.setEswitch(DEVICE, { mode: "switchdev" }),
      it.setEswitch(DEVICE, { inlineMode: "transport" }),
      it.setEswitch(DEVICE, { encapMode: "none" }),
      it.setPortFunction(port, { hwAddress: "02:00:00:00:00:01" }),
      it.setPortFunction(port, { state: "active" }),
      it.setPortFunction(port, { roce: false }),
      it.setPortFunction(port, { migratable: true }),
      it.addRate(`${DEVICE}/g`, { txMax: 125_000_000 }),
      it.setRate(port, { txShare: 1, txPriority: 2, txWeight: 3, parent: "g" }),
      it.setRate(port, { parent: null }),
      it.deleteRate(`${DEVICE}/g`),
      it.setParam(DEVICE, { name: "enable_roce", value: false, mode: "driverinit" }),
      it.reload(DEVICE, {}),
      it.reload(DEVICE, { action: "fw_activate", noReset: true }),
    ];
    for (const answer of await Promise.all(changes)) assert.equal(told(answer), "done");
    assert.deepEqual(readFileSync(log, "utf8").trim().split("\n").sort(), [
      `dev eswitch set ${DEVICE} encap-mode none`,
      `dev eswitch set ${DEVICE} inline-mode transport`,
      `dev eswitch set ${DEVICE} mode switchdev`,
      `dev param set ${DEVICE} name enable_roce value false cmode driverinit`,
      `dev reload ${DEVICE}`,
      `dev reload ${DEVICE} action fw_activate limit no_reset`,
      `port function rate add ${DEVICE}/g tx_max 125000000Bps`,
      `port function rate del ${DEVICE}/g`,
      `port function rate set ${port} noparent`,
      `port function rate set ${port} tx_share 1Bps tx_priority 2 tx_weight 3 parent g`,
      `port function set ${port} hw_addr 02:00:00:00:00:01`,
      `port function set ${port} migratable enable`,
      `port function set ${port} roce disable`,
      `port function set ${port} state active`,
    ]);
  });
});
