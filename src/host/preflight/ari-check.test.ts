import { describe, it } from "node:test";
import { assertFinding } from "../testing/assert-finding.ts";
import { hostWithPf, pf, rootPort, type TestHost, type TestPf } from "../testing/host-builder.ts";

const ADDRESS = "0000:01:00.0";

/** A PF below a port; `forwards` is the port's ARI Forwarding, both supported and enabled. */
function host(options: TestPf, forwards: boolean, files: TestHost["files"] = {}): TestHost {
  return { functions: { "0000:00:01.0": rootPort(1, { ari: forwards }), [ADDRESS]: pf(ADDRESS, options) }, files };
}

describe("checkAri", () => {
  it("passes where ARI Capable Hierarchy is on", async () => {
    const expected = {
      result: "pass",
      summary: /VFs use ARI/,
      evidence: /Hierarchy on in 0000:01:00.0\nARI Forwarding of 0000:00:01.0: supported yes, enabled yes/,
    } as const;
    await assertFinding(host({}, true), "ari", expected);
  });

  it("passes where the VFs need none: on another bus, or as functions 1 to 7", async () => {
    const expected = { result: "pass", summary: /need none/ } as const;
    const options: TestPf = { ariCapableHierarchy: false, ari: false };
    await assertFinding(host({ ...options, firstVfOffset: 384 }, false), "ari", expected, { vfs: 8 });
    await assertFinding(host({ ...options, totalVfs: 7, firstVfOffset: 1, vfStride: 1 }, false), "ari", expected, {
      vfs: 7,
    });
  });

  it("warns where VFs are at device numbers that no port forwards to (only_one_child, pci_configure_ari)", async () => {
    const device = { result: "warn", summary: /device has no ARI.*device numbers above 0/, remedy: /noari/ } as const;
    await assertFinding(host({ ariCapableHierarchy: false, ari: false }, false), "ari", device);
    const port = { result: "warn", summary: /port 0000:00:01.0 does not forward ARI/ } as const;
    await assertFinding(host({ ariCapableHierarchy: false }, false), "ari", port);
    // VF 6 is the first that is not one of functions 1 to 7.
    const few: TestPf = { ariCapableHierarchy: false, firstVfOffset: 2, vfStride: 1 };
    await assertFinding(host(few, false), "ari", { result: "pass", summary: /need none/ }, { vfs: 6 });
    await assertFinding(host(few, false), "ari", port, { vfs: 7 });
  });

  it("shows pci=noari as the cause", async () => {
    const files = { "/proc/cmdline": "quiet pci=realloc,noari\n" };
    const expected = { result: "warn", summary: /does not forward ARI/, evidence: /pci=noari turns ARI off/ } as const;
    await assertFinding(host({ ariCapableHierarchy: false }, false, files), "ari", expected);
  });

  it("warns where the hierarchy bit is on and the port forwards nothing", async () => {
    await assertFinding(host({}, false), "ari", { result: "warn", summary: /does not forward ARI/ });
  });

  it("passes a PF whose port forwards all the same", async () => {
    await assertFinding(host({ ariCapableHierarchy: false }, true), "ari", {
      result: "pass",
      summary: /reached all the same/,
    });
  });

  it("looks at the lowest PF of the bus: sriov_init sets the bit there alone", async () => {
    const second = "0000:01:00.1";
    const functions = {
      "0000:00:01.0": rootPort(1),
      [ADDRESS]: pf(ADDRESS, { multiFunction: true }),
      [second]: pf(second, { ariCapableHierarchy: false, vfStride: 2 }),
    };
    const expected = { result: "pass", summary: /VFs use ARI/, evidence: /Hierarchy on in 0000:01:00.0/ } as const;
    await assertFinding({ functions }, "ari", expected, { pf: second });
    const unread = { ...functions, [ADDRESS]: pf(ADDRESS, { multiFunction: true, readBytes: 64 }) };
    await assertFinding(
      { functions: unread },
      "ari",
      { result: "unknown", summary: /could not be read/ },
      { pf: second },
    );
  });

  it("passes an integrated endpoint, which no port stands before", async () => {
    const rciep: TestPf = { portType: 9, ariCapableHierarchy: false, ari: false, link: null };
    await assertFinding({ functions: { [ADDRESS]: pf(ADDRESS, rciep) } }, "ari", {
      result: "pass",
      summary: /all the same/,
    });
  });

  it("is unknown where the port is not in the source", async () => {
    const alone = { functions: { [ADDRESS]: pf(ADDRESS, { ariCapableHierarchy: false }) } };
    await assertFinding(alone, "ari", { result: "unknown", summary: /port that was not read/ });
    await assertFinding(hostWithPf({ readBytes: 64 }), "ari", { result: "unknown", summary: /could not be read/ });
  });
});
