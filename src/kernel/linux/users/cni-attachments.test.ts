import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readCniAttachments } from "./cni-attachments.ts";

const FOLDER = "/var/lib/cni/sriov";

test("VFs that CNI plugins have given out are read, where their namespaces are there; what cannot be read is told", (t) => {
  const root = mkdtempSync(join(tmpdir(), "vfleet-cni-"));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  assert.deepEqual(readCniAttachments(root), { attachments: [], gaps: [] });

  const record = (deviceId: string | null, netns: string) =>
    JSON.stringify({ format: 1, containerId: "c1", ifname: "net1", deviceId, netns });
  write("/run/netns/one", "");
  write(`${FOLDER}/c1:net1.json`, record("0000:01:10.0", "/run/netns/one"));
  write(`${FOLDER}/c1:net2.json`, record(null, "/run/netns/one"));
  write(`${FOLDER}/c2:net1.json`, record("0000:01:10.2", "/run/netns/gone"));
  // As sriov-cni has it: its cached configuration, and the allocation.
  write(`${FOLDER}/c3-net1`, "{}");
  write(`${FOLDER}/pci/0000:01:10.4`, "/run/netns/one");
  write(`${FOLDER}/pci/vf_lock/0000:01:10.4`, "");
  write(`${FOLDER}/locks/0000_01_10.0`, "");
  assert.deepEqual(readCniAttachments(root), {
    attachments: [
      { bdf: "0000:01:10.0", namespace: "/run/netns/one", containerId: "c1", path: `${FOLDER}/c1:net1.json` },
      { bdf: "0000:01:10.4", namespace: "/run/netns/one", path: `${FOLDER}/pci/0000:01:10.4` },
    ],
    gaps: [],
  });

  write(`${FOLDER}/half.json`, "{");
  const { attachments, gaps } = readCniAttachments(root);
  assert.equal(attachments.length, 2);
  const reason = `attachments of CNI cannot be looked at: EINVAL for ${FOLDER}/half.json`;
  assert.deepEqual(gaps, [{ way: "cniAttachments", errno: "EINVAL", reason }]);
});
