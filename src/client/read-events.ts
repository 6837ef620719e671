/** An event of a stream of Server-Sent Events. */
export interface ServerEvent {
  readonly type: string;
  /** Empty where it has none. */
  readonly id: string;
  /** Empty of one that tells its id alone. */
  readonly data: string;
}

/** A server that says nothing for so long is not there any more: vfleet's says each 15 s that it is. */
const LONGEST_SILENCE_MS = 45_000;

/**
 * The events of a stream, as they come (WHATWG HTML §9.2.6). A comment is none, and what is not ended by an empty line is not
 * either: the stream was cut off in it.
 */
export async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerEvent> {
  let text = "";
  for await (const piece of piecesOf(body)) {
    text += piece;
    const end = text.lastIndexOf("\n\n");
    if (end < 0) continue;
    for (const block of text.slice(0, end).split("\n\n")) {
      const event = eventIn(block);
      if (event !== undefined) yield event;
    }
    text = text.slice(end + 2);
  }
}

/** Not every browser has streams that can be iterated. */
async function* piecesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    while (true) {
      const silence = setTimeout(() => void reader.cancel().catch(() => {}), LONGEST_SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function eventIn(block: string): ServerEvent | undefined {
  let type = "message";
  let id = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") type = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 && id === "" ? undefined : { type, id, data: data.join("\n") };
}
