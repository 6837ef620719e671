import type { Uevent } from "../port-uevent.ts";

/** `kobject_uevent_env` (lib/kobject_uevent.c): tells whoever listens, and counts. */
export class Uevents {
  #sequence = 0;
  readonly #listeners = new Set<(event: Uevent) => void>();

  /** Of the last event: /sys/kernel/uevent_seqnum. */
  get sequence(): number {
    return this.#sequence;
  }

  send(action: string, devpath: string, subsystem: string, properties: Readonly<Record<string, string>>): void {
    const sequence = String(++this.#sequence);
    const all = { ACTION: action, DEVPATH: devpath, SUBSYSTEM: subsystem, ...properties, SEQNUM: sequence };
    for (const listener of this.#listeners) listener({ action, devpath, subsystem, properties: all });
  }

  /** All events from now on, until `signal` ends them. */
  listen(signal: AbortSignal): AsyncIterable<Uevent> {
    const waiting: Uevent[] = [];
    let wake = () => {};
    const hear = (event: Uevent) => {
      waiting.push(event);
      wake();
    };
    const stop = () => {
      this.#listeners.delete(hear);
      wake();
    };
    this.#listeners.add(hear);
    signal.addEventListener("abort", stop, { once: true });
    return (async function* () {
      try {
        while (!signal.aborted) {
          const event = waiting.shift();
          if (event !== undefined) yield event;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        stop();
      }
    })();
  }
}
