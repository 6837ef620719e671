/** The second level: VFs of a lab machine passed to guests that run in it, and back. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { BootResult } from "../../src/lab/boot.ts";
import type { CommandResult, InnerStatus } from "../../src/lab/guest-channel.ts";
import { findImage } from "../../src/lab/image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { requireTool } from "../require-tool.ts";
import { runGuestScript } from "./guest-script.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 300_000;
const TIMEOUT_MS = 900_000;
/** Intel 82576 Virtual Function, as data/pci.ids has it. */
const VF_ID = "8086:10CA";

const MACS = { a: "02:00:00:00:00:0a", b: "02:00:00:00:00:0b" };

describe("a VF passed to a guest inside a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let result: BootResult;
  before(
    async () => {
      const image = findImage();
      const machine = MACHINES.find(({ name }) => name === "guests");
      assert.ok(image && machine);
      let output = "";
      const onOutput = (text: string) => {
        output += text;
      };
      const { signal } = new AbortController();
      result = await runGuestScript("passthrough.ts", { image, machine, timeoutMs: MACHINE_MS, signal, onOutput });
      assert.equal(result.exitCode, 0, output);
    },
    { timeout: TIMEOUT_MS },
  );

  function records<T>(kind: string): (T & { readonly kind: string })[] {
    return result.records.filter((record) => record.kind === kind) as unknown as (T & { readonly kind: string })[];
  }
  function only<T>(kind: string): T {
    const [found, ...more] = records<T>(kind);
    assert.ok(found && more.length === 0, `one record "${kind}" is wanted`);
    return found;
  }
  const vfsOf = ({ pciDevices }: InnerStatus) => pciDevices.filter(({ id }) => id === VF_ID);

  test("is on vfio-pci, in a group of its own", () => {
    const vfs = records<{ bdf: string; driver: string; group: string; members: string[] }>("on-host");
    assert.equal(vfs.length, 2);
    for (const { bdf, driver, members } of vfs) {
      assert.equal(driver, "vfio-pci");
      assert.deepEqual(members, [bdf]);
    }
    assert.notEqual(vfs[0]?.group, vfs[1]?.group);
  });

  test("is a PCI device of the guest once it is plugged in, with its driver and the administered MAC", () => {
    assert.deepEqual(vfsOf(only<{ status: InnerStatus }>("before").status), []);
    const passed = records<{ guest: "a" | "b"; status: InnerStatus }>("passed");
    assert.deepEqual(passed.map(({ guest }) => guest).sort(), ["a", "b"]);
    for (const { guest, status } of passed) {
      const [vf, ...more] = vfsOf(status);
      assert.ok(vf && more.length === 0);
      assert.equal(vf.driver, "igbvf");
      assert.deepEqual(
        status.netDevices.map(({ bdf, mac, carrier }) => ({ bdf, mac, carrier })),
        [{ bdf: vf.bdf, mac: MACS[guest], carrier: true }],
      );
    }
  });

  test("carries packets between guest and PF, and between guests", () => {
    for (const { ping } of records<{ ping: CommandResult }>("passed")) {
      assert.equal(ping.exitCode, 0, ping.output);
      assert.match(ping.output, /1 packets transmitted, 1 packets received/);
    }
    const pings = records<{ from: string; to: string } & CommandResult>("ping");
    assert.deepEqual(
      pings.map(({ from, to }) => from + to),
      ["ab", "ba"],
    );
    for (const { exitCode, output } of pings) {
      assert.equal(exitCode, 0, output);
      assert.match(output, /3 packets transmitted, 3 packets received/);
    }
  });

  test("has one user: its group is busy for all others", () => {
    const { open, deviceAdd } = only<{ open: string; deviceAdd: string }>("second-user");
    assert.equal(open, "EBUSY");
    assert.match(deviceAdd, /VfleetError: device_add: vfio 0000:01:10\.0: .*Device or resource busy/);
  });

  test("is gone from the guest after device_del, and the guest runs on", () => {
    const { status } = only<{ status: InnerStatus }>("unplugged");
    assert.deepEqual(vfsOf(status), []);
    assert.deepEqual(status.netDevices, []);
    assert.deepEqual(only<{ run: CommandResult }>("after").run, { exitCode: 3, output: "still here\n\0\u{1f427}" });
  });

  test("comes back to the host as it was, and goes with numvfs 0", () => {
    const back = only<{ driver: string; mac: string }>("back");
    assert.deepEqual([back.driver, back.mac], ["igbvf", MACS.a]);
    assert.equal(only<{ numVfs: string }>("end-of-vfs").numVfs, "0");
  });

  test("says how long it took", (context) => {
    const times = records<{ of: string; [of: string]: string | number }>("time");
    assert.equal(times.length, 6);
    for (const { kind: _, of, ...seconds } of times) {
      for (const value of Object.values(seconds)) assert.ok(Number(value) > 0);
      context.diagnostic(`${of}: ${JSON.stringify(seconds)}`);
    }
    context.diagnostic(`all: ${(result.wallMs / 1000).toFixed(1)} s`);
  });
});
