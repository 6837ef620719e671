import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import { openLinux } from "../linux/linux-kernel.ts";
import type { ChangeableKernel } from "../port-change.ts";
import { failed } from "../port-outcome.ts";
import type { Uevent } from "../port-uevent.ts";
import { runScript, stepsFor } from "./run-script.ts";
import type { ConformanceScript, Step } from "./script.ts";

const root = mkdtempSync(join(tmpdir(), "vfleet-conformance-"));
after(() => rmSync(root, { recursive: true }));
const PF = "/sys/bus/pci/devices/0000:01:00.0";
for (const folder of [PF, `${PF}/net/eth0`, "/sys/bus/pci/devices/0000:01:10.0", "/sys/kernel"]) {
  mkdirSync(root + folder, { recursive: true });
}
symlinkSync("../0000:01:10.0", `${root}${PF}/virtfn0`);
symlinkSync("../../drivers/igb", `${root}${PF}/driver`);
writeFileSync(`${root}${PF}/sriov_totalvfs`, "7\n");
writeFileSync(`${root}${PF}/sriov_numvfs`, "0\n");
writeFileSync(`${root}/sys/kernel/uevent_seqnum`, "0\n");

/** A host of a few files. Each write is told in its log, and is an event of the VF. */
function host(): ChangeableKernel {
  const linux = openLinux(root);
  const events: Uevent[] = [];
  const lines: string[] = [];
  let next = Promise.withResolvers<void>();
  return {
    ...linux,
    async write(path, text, waiting) {
      const properties = { PCI_SLOT_NAME: "0000:01:10.0", SEQNUM: String(events.length + 1) };
      events.push({ action: "change", devpath: path, subsystem: "pci", properties });
      lines.push(`[    1.000000] pci 0000:01:10.0: written ${text}`);
      writeFileSync(`${root}/sys/kernel/uevent_seqnum`, `${events.length}\n`);
      next.resolve();
      next = Promise.withResolvers();
      return linux.write(path, text, waiting);
    },
    logMark: async () => lines.length,
    logSince: async (mark) => ({ lines: lines.slice(mark), lost: 0, end: lines.length }),
    async uevents(signal) {
      signal.addEventListener("abort", () => next.resolve());
      async function* sent() {
        for (let at = 0; !signal.aborted; ) {
          const event = events[at];
          if (event === undefined) await next.promise;
          else {
            at += 1;
            yield event;
          }
        }
      }
      return sent();
    },
    setVfs: async (_netdev, changes) =>
      changes.map(
        (change) => ({ change, outcome: failed("eth0 vf 0", "", "EOPNOTSUPP", "not by this driver") }) as never,
      ),
    ipLink: async () =>
      JSON.stringify([{ ifname: "eth0", vfinfo_list: [{ vf: 0, address: "02:00:00:00:00:01", trust: true }] }]),
  };
}

function script(...steps: Step[]): ConformanceScript {
  return { name: "a script", machine: "none", pf: bdf("0000:01:00.0"), modules: [], steps };
}

async function problems(...steps: Step[]): Promise<readonly string[]> {
  return (await runScript(host(), script(...steps), "6.12.1")).flatMap((result) => result.problems);
}

const WRITE = { write: "$PF/sriov_numvfs", value: "1", expect: "ok" } as const;

describe("runScript", () => {
  it("finds nothing wrong with what is as expected", async () => {
    const steps: Step[] = [
      { read: "$PF/sriov_totalvfs", expect: "7" },
      { read: "$PF/sriov_totalvfs", expect: /^\d$/ },
      { read: "$PF/none", expect: { errno: "ENOENT" } },
      { ...WRITE, log: ["pci $vf0: written 1"], events: ["change $vf0"] },
      { ...WRITE, log: [/^pci \$vf0: written \d$/] },
      { write: "$PF/none", value: "1", expect: "ENOENT" },
      { write: "$PF/sriov_numvfs", value: "$vf0", expect: "ok" },
      { link: "$PF/virtfn0", expect: "$vf0" },
      { link: "$PF/driver", expect: "igb" },
      { link: "$PF/none", expect: null },
      { list: "$PF", matching: /^virtfn/, expect: ["virtfn0"] },
      { list: "$PF/none", expect: { errno: "ENOENT" } },
      { setVf: { vfIndex: 0, trust: true }, expect: "EOPNOTSUPP", reason: /driver/ },
      { setLink: { up: true }, netdev: "$netdev", expect: "of a file system elsewhere there are only files" },
      { vfInfo: 0, expect: { trust: true } },
      { vfInfo: 1, expect: null },
      { call: "give an address", run: (_, place) => place.resolve("$vf0"), expect: "0000:01:10.0" },
    ];
    assert.deepEqual(await problems(...steps), []);
    assert.equal(readFileSync(`${root}${PF}/sriov_numvfs`, "utf8"), "0000:01:10.0");
  });

  /** An expectation that is wrong, and what is said of it. */
  const WRONG: readonly (readonly [Step, RegExp])[] = [
    [{ read: "$PF/sriov_totalvfs", expect: "8" }, /^8 expected, 7 came$/],
    [{ read: "$PF/sriov_totalvfs", expect: /8/ }, /^\/8\/ expected, "7" read$/],
    [{ read: "$PF/sriov_totalvfs", expect: { errno: "EACCES" } }, /^EACCES expected, 7 came$/],
    [{ read: "$PF/none", expect: "8" }, /^ok expected, ENOENT came$/],
    [{ read: "$PF/none", expect: { errno: "EACCES" } }, /^EACCES expected, ENOENT came$/],
    [{ ...WRITE, expect: "EBUSY" }, /^EBUSY expected, ok came$/],
    [{ ...WRITE, write: "$PF/none" }, /^ok expected, ENOENT came$/],
    [{ ...WRITE, log: [] }, /^nothing to be logged, yet: \[pci \$vf0: written 1\]$/],
    [
      { ...WRITE, log: ["pci $vf0: written 2"] },
      /^log: pci \$vf0: written 2 expected, among \[pci \$vf0: written 1\]$/,
    ],
    [{ ...WRITE, log: [/2$/] }, /^log: \/2\$\/ expected, among/],
    [{ ...WRITE, log: ["pci $vf0: written 1", "pci $vf0: written 1"] }, /^log: /],
    [{ ...WRITE, events: [] }, /^events: \[\] expected, \[change \$vf0\] seen$/],
    [{ ...WRITE, events: ["change $vf0", "change $pf"] }, /^events: \[change \$vf0, change \$pf\] expected, /],
    [{ link: "$PF/driver", expect: "vfio-pci" }, /^vfio-pci expected, igb came$/],
    [{ link: "$PF/driver", expect: null }, /^no link expected, igb came$/],
    [{ link: "$PF/none", expect: "igb" }, /^igb expected, no link came$/],
    [{ link: "$PF/sriov_totalvfs", expect: null }, /^the link could not be read: EINVAL$/],
    [{ list: "$PF", matching: /^virtfn/, expect: [] }, /^\[\] expected, \[virtfn0\] came$/],
    [{ list: "$PF", expect: { errno: "ENOENT" } }, /^ENOENT expected, ok came$/],
    [{ list: "$PF/none", expect: [] }, /^ok expected, ENOENT came$/],
    [{ setVf: { vfIndex: 0, trust: true }, expect: "ok" }, /^ok expected, EOPNOTSUPP came$/],
    [{ setVf: { vfIndex: 0, trust: true }, expect: "EOPNOTSUPP", reason: /firmware/ }, /the reason .* is another/],
    [{ setLink: { up: true }, netdev: "$netdev", expect: "ok" }, /^ok expected, /],
    [{ vfInfo: 0, expect: { trust: false } }, /^trust false expected, trust true came$/],
    [{ vfInfo: 0, expect: null }, /^no VF expected, /],
    [{ vfInfo: 1, expect: {} }, /^rtnetlink tells of no VF 1$/],
    [{ call: "say yes", run: async () => "yes", expect: "no" }, /^no expected, yes came$/],
    [{ call: "say yes", run: async () => "yes", expect: /no/ }, /^\/no\/ expected, yes came$/],
    [{ call: "fail", run: () => Promise.reject(new Error("why")), expect: "ok" }, /^it could not be asked: why$/],
  ];
  for (const [step, problem] of WRONG) {
    it(`says of a wrong expectation ${problem}`, async () => {
      const found = await problems(step);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", problem);
    });
  }

  it("goes on after a step that went wrong, and waits for what comes late", async () => {
    const late = performance.now() + 150;
    const steps: Step[] = [
      { read: "$PF/sriov_totalvfs", expect: "8" },
      { call: "wait", run: async () => `${performance.now() > late}`, expect: "true", withinMs: 5000 },
      { call: "wait in vain", run: async () => "no", expect: "yes", withinMs: 150 },
    ];
    const told: number[] = [];
    const results = await runScript(host(), script(...steps), "6.12.1", ({ index }) => told.push(index));
    assert.deepEqual(
      results.map((result) => result.problems.length),
      [1, 0, 1],
    );
    assert.deepEqual(told, [0, 1, 2]);
  });

  it("takes no notice of what the kernel logs of a slow processor", async () => {
    const told = ["hrtimer: interrupt took 56923073 ns", "clocksource: Long readout interval, skipping watchdog check"];
    const kernel: ChangeableKernel = {
      ...host(),
      logSince: async () => ({ lines: told.map((line) => `[    1.000000] ${line}`), lost: 0, end: 0 }),
    };
    const [result] = await runScript(kernel, script({ ...WRITE, log: [] }), "6.12.1");
    assert.deepEqual(result?.problems, []);
  });

  it("has files held for its steps, and lets them go at the end", async () => {
    const held: string[] = [];
    const files = {
      hold: async (path: string) => (held.push(path) === 1 ? "ok" : "EBUSY"),
      letGo: async () => {
        held.length = 0;
      },
    };
    const hold: Step = { call: "hold", run: (_, place) => place.files.hold("/dev/vfio/1"), expect: "ok" };
    const steps = script(hold, { ...hold, expect: "EBUSY" });
    const results = await runScript(host(), steps, "6.12.1", undefined, files);
    assert.deepEqual(
      results.flatMap((result) => result.problems),
      [],
    );
    assert.deepEqual(held, []);
    const [alone] = await runScript(host(), script(hold), "6.12.1");
    assert.match(alone?.problems[0] ?? "", /nobody here can hold a file/);
  });

  it("runs the steps of its Linux alone", () => {
    const steps: Step[] = [
      { read: "a", expect: "", since: "5.16" },
      { read: "b", expect: "", before: "5.16" },
      { read: "c", expect: "", since: "5.15", before: "6.12" },
    ];
    const kept = (release: string) => stepsFor(script(...steps), release).map(([index]) => index);
    assert.deepEqual(kept("6.12.117+deb13-amd64"), [0]);
    assert.deepEqual(kept("5.16.0"), [0, 2]);
    assert.deepEqual(kept("5.15.200-generic"), [1, 2]);
    assert.deepEqual(kept("4.18.0-553.el8.x86_64"), [1]);
  });
});
