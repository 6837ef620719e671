import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "../qmp/read-lines.ts";
import { GuestChannel } from "./guest-channel.ts";

const failed = (why: string) => new VfleetError("VFL-0033", { message: why });
const result = (text: string, exitCode = 0) => ({
  kind: "result",
  exitCode,
  outputBase64: Buffer.from(text).toString("base64"),
});

const status = (uptimeSeconds: number) => ({ kind: "status", uptimeSeconds, pciDevices: [], netDevices: [] });

/** A channel and its far side, which says what `answer` gives for each line. */
function channelWith(answer: (line: string) => readonly object[]) {
  const [near, far] = duplexPair();
  void readLines(far, (line) => {
    for (const message of answer(line)) far.write(`${JSON.stringify(message)}\n`);
  });
  return { channel: new GuestChannel(near, failed), far };
}

test("GuestChannel asks one line after the other", async () => {
  const told: string[] = [];
  const { channel, far } = channelWith((line) => {
    told.push(line);
    setTimeout(() => {
      told.push(`end of ${line}`);
      far.write(`${JSON.stringify(line === "" ? status(0) : result(line.toUpperCase(), line.length))}\n`);
    }, 20);
    return [];
  });
  assert.deepEqual(await Promise.all([channel.run("a\u{1f427}"), channel.status(), channel.run("bcd")]), [
    { exitCode: 3, output: "A\u{1f427}" },
    status(0),
    { exitCode: 3, output: "BCD" },
  ]);
  assert.deepEqual(told, ["a\u{1f427}", "end of a\u{1f427}", "", "end of ", "bcd", "end of bcd"]);
});

test("GuestChannel asks for the status until it is as wanted, or time is over", async () => {
  let uptimeSeconds = 0;
  const { channel } = channelWith(() => [status(uptimeSeconds++)]);
  assert.deepEqual(await channel.awaitStatus((seen) => seen.uptimeSeconds === 2, "did not grow old"), status(2));
  await assert.rejects(
    channel.awaitStatus(() => false, "did not do the impossible", 1),
    { message: "it did not do the impossible in 0.001 s" },
  );
});

test("GuestChannel takes only one line of shell", async () => {
  const { channel } = channelWith(() => []);
  for (const command of ["", "a\nb", "a\0b"]) await assert.rejects(channel.run(command), TypeError);
});

test("GuestChannel takes a late answer for no other command's", async () => {
  const { channel, far } = channelWith(() => []);
  await assert.rejects(channel.run("sleep 9", 10), { message: '"sleep 9" has no answer in 0.01 s' });
  far.write(`${JSON.stringify(result("of sleep"))}\n`);
  await assert.rejects(channel.run("true"), { message: '"sleep 9" has no answer in 0.01 s' });
});

test("GuestChannel fails by what is no record", async () => {
  const { channel, far } = channelWith(() => []);
  const status = channel.status();
  far.write("Oops\n");
  await assert.rejects(status, { message: "it said what is no record: Oops" });
});
