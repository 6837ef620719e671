import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { Qmp } from "./qmp.ts";
import { readLines } from "./read-lines.ts";

/** A QMP and the far side of its socket, which says what `answer` gives for each command. */
function qmpWith(answer: (command: { execute: string; arguments: unknown; id: number }) => readonly object[]) {
  const [near, far] = duplexPair();
  void readLines(far, (line) => {
    for (const message of answer(JSON.parse(line))) far.write(`${JSON.stringify(message)}\n`);
  });
  return { qmp: new Qmp(near), far };
}

test("Qmp gives each command its own answer, in whatever order they come", async () => {
  const held: object[] = [];
  const { qmp } = qmpWith(({ execute, arguments: args, id }) => {
    held.unshift({ return: { execute, args }, id });
    return held.length === 2 ? held : [];
  });
  const answers = await Promise.all([qmp.execute("stop"), qmp.execute("device_del", { id: "vf" })]);
  assert.deepEqual(answers, [
    { execute: "stop", args: {} },
    { execute: "device_del", args: { id: "vf" } },
  ]);
});

test("Qmp fails by what QEMU refuses", async () => {
  const { qmp } = qmpWith(({ id }) => [{ error: { class: "GenericError", desc: "Bus 'x' not found" }, id }]);
  await assert.rejects(qmp.execute("device_add"), { code: "VFL-0033", message: "device_add: Bus 'x' not found" });
});

test("Qmp hears an event that comes before the command's answer, and no other", async () => {
  const { qmp } = qmpWith(({ id }) => [
    { event: "DEVICE_DELETED", data: { device: "other" } },
    { event: "DEVICE_DELETED", data: { device: "vf" } },
    { return: {}, id },
  ]);
  const [{ data }] = await Promise.all([
    qmp.event(({ event, data }) => event === "DEVICE_DELETED" && data.device === "vf"),
    qmp.execute("device_del", { id: "vf" }),
  ]);
  assert.deepEqual(data, { device: "vf" });
});

test("Qmp waits no longer than it is told", async () => {
  const { qmp } = qmpWith(() => []);
  await assert.rejects(qmp.execute("stop", {}, 10), { code: "VFL-0033", message: "stop: no answer in 0.01 s" });
  await assert.rejects(
    qmp.event(() => true, 10),
    { code: "VFL-0033", message: "an event did not come in 0.01 s" },
  );
});

test("Qmp fails all that waits, and all that comes later, when QEMU ends", async () => {
  const { qmp, far } = qmpWith(() => []);
  const waiting = [qmp.execute("stop"), qmp.event(() => true)];
  far.end();
  for (const wait of waiting) await assert.rejects(wait, { code: "VFL-0033", message: "QEMU has ended" });
  await assert.rejects(qmp.execute("cont"), { code: "VFL-0033", message: "QEMU has ended" });
});

test("Qmp takes nothing for an answer that is no QMP", async () => {
  const { qmp, far } = qmpWith(() => []);
  const waiting = qmp.execute("stop");
  far.write("Segmentation fault\n");
  await assert.rejects(waiting, { code: "VFL-0033", message: "no QMP: Segmentation fault" });
});
