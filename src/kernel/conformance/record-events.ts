import { isUnread } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";

/** The kernel counts the events that it sends. */
const SEQUENCE = "/sys/kernel/uevent_seqnum";
const SETTLE_MS = 5000;
const POLL_MS = 10;

/** What the kernel tells of PCI devices, from now on. */
export interface EventRecorder {
  /** The events since the last take, all that the kernel has sent: `add 0000:01:10.0`, `bind 0000:01:10.0 igbvf`. */
  take(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** @throws Error where the kernel's events cannot be heard. */
export async function recordEvents(kernel: ChangeableKernel): Promise<EventRecorder> {
  const ended = new AbortController();
  const events = await kernel.uevents(ended.signal);
  if (isUnread(events)) throw new Error(`events: ${events.errno}: ${events.reason}`);
  async function sentSoFar(): Promise<number> {
    const count = await kernel.read(SEQUENCE);
    return isUnread(count) ? 0 : Number(new TextDecoder().decode(count));
  }
  let taken: string[] = [];
  // What was sent before nobody waits for.
  let last = await sentSoFar();
  const reading = (async () => {
    for await (const event of events) {
      if (isUnread(event)) throw new Error(`events: ${event.errno}: ${event.reason}`);
      const { action, subsystem, properties } = event;
      if (subsystem === "pci") {
        const driver = action === "bind" && properties.DRIVER ? ` ${properties.DRIVER}` : "";
        taken.push(`${action} ${properties.PCI_SLOT_NAME}${driver}`);
      }
      last = Number(properties.SEQNUM);
    }
  })();
  // It is awaited at the end; until then a failure shows in what is missing.
  reading.catch(() => {});

  return {
    async take() {
      const wanted = await sentSoFar();
      const until = performance.now() + SETTLE_MS;
      while (last < wanted && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const events = taken;
      taken = [];
      return events;
    },
    async stop() {
      ended.abort();
      await reading;
    },
  };
}
