import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { readEvents, type ServerEvent } from "./read-events.ts";

const TEXT =
  ': alive\n\n: watching\nid: e.1\n\nevent: ADDED\nid: e.2\ndata: {"a":\ndata: "ü"}\n\nevent: DELETED\nid: e.3\ndata: x\n\nevent: CUT';

it("events are the same however the stream is cut into pieces; one that is not ended is none", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const expected = [
    { type: "message", id: "e.1", data: "" },
    { type: "ADDED", id: "e.2", data: '{"a":\n"ü"}' },
    { type: "DELETED", id: "e.3", data: "x" },
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end));
      const events: ServerEvent[] = [];
      for await (const event of readEvents(ReadableStream.from(pieces))) events.push(event);
      assert.deepEqual(events, expected);
    }),
  );
});
