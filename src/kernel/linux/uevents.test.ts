import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { isUnread, type Observed } from "../port.ts";
import type { Uevent } from "../port-uevent.ts";
import { openLinux } from "./linux-kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-uevents-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

async function eventsBy(line: string, signal: AbortSignal): Promise<Observed<AsyncIterable<Observed<Uevent>>>> {
  const path = join(folder, `udevadm-${count++}`);
  writeFileSync(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
  return openLinux("/", { programs: { udevadm: path } }).uevents(signal);
}

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const EVENT = String.raw`KERNEL[1.5] add /devices/x (net)\nACTION=add\nDEVPATH=/devices/x\nSUBSYSTEM=net\nA=b=c\n\n`;

describe("uevents", () => {
  it("are the kernel's, until the signal ends them", {
    skip: requireTool("udevadm") || requireTool("root"),
  }, async (t) => {
    const kernel = openLinux();
    const stop = new AbortController();
    const events = await kernel.uevents(stop.signal);
    assert.ok(!isUnread(events), JSON.stringify(events));
    // A synthetic event (Documentation/ABI/testing/sysfs-uevent); its argument tells it from others'.
    const written = await kernel.write(
      "/sys/devices/virtual/mem/null/uevent",
      `change 00000000-0000-4000-8000-000000000001 PID=${process.pid}`,
    );
    if (written.kind !== "done") return t.skip("this kernel takes no synthetic events");
    const found: Uevent[] = [];
    for await (const event of events) {
      assert.ok(!isUnread(event));
      if (event.properties.SYNTH_ARG_PID !== String(process.pid)) continue;
      found.push(event);
      stop.abort();
    }
    assert.equal(found.length, 1);
    const [{ action, devpath, subsystem } = {} as Uevent] = found;
    assert.deepEqual(
      { action, devpath, subsystem },
      { action: "change", devpath: "/devices/virtual/mem/null", subsystem: "mem" },
    );
  });

  it("come with their properties, and say why they end", async () => {
    const events = await eventsBy(
      `printf 'KERNEL - the kernel uevent\\n\\n${EVENT}'; echo broken >&2`,
      new AbortController().signal,
    );
    assert.ok(!isUnread(events));
    const found = await all(events);
    assert.deepEqual(found[0], {
      action: "add",
      devpath: "/devices/x",
      subsystem: "net",
      properties: { ACTION: "add", DEVPATH: "/devices/x", SUBSYSTEM: "net", A: "b=c" },
    });
    assert.ok(found.length === 2 && isUnread(found[1]) && found[1].reason === "udevadm ended: broken");
  });

  it("do not pile up here", async () => {
    const sent = join(folder, "sent");
    const line = `echo 'KERNEL - x'; n=0; while [ $n -lt 200000 ]; do printf '${EVENT}'; n=$((n + 1)); echo $n >${sent}; done`;
    const stop = new AbortController();
    const events = await eventsBy(line, stop.signal);
    assert.ok(!isUnread(events));
    for await (const event of events) {
      assert.ok(!isUnread(event));
      await new Promise((settle) => setTimeout(settle, 700));
      break;
    }
    // What a pipe and our reading ahead hold, each some 10 lines an event.
    assert.ok(Number(readFileSync(sent, "utf8")) < 6000, readFileSync(sent, "utf8"));
    stop.abort();
  });

  it("end with the signal alone, also where none comes", async () => {
    const stop = new AbortController();
    const events = await eventsBy("echo 'KERNEL - x'; exec sleep 30", stop.signal);
    assert.ok(!isUnread(events));
    setTimeout(() => stop.abort(), 50);
    assert.deepEqual(await all(events), []);
    await assert.rejects(openLinux().uevents(stop.signal), { name: "AbortError" });
  });

  it("are unread without udev, or where it does not start", async () => {
    const { signal } = new AbortController();
    const none = await openLinux("/", { programs: { udevadm: join(folder, "none") } }).uevents(signal);
    assert.ok(isUnread(none) && none.errno === "ENOENT" && none.reason === "udev (udevadm) is not installed");
    const broken = await eventsBy("echo 'no netlink' >&2; exit 1", signal);
    assert.ok(isUnread(broken) && broken.reason === "udevadm ended: no netlink", JSON.stringify(broken));
    const elsewhere = await openLinux(folder).uevents(signal);
    assert.ok(isUnread(elsewhere) && elsewhere.errno === "ENODATA");
  });
});
