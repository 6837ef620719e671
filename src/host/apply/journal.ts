import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Step } from "../plan/step.ts";
import type { Clock } from "./clock.ts";
import { foldOperation } from "./fold-operation.ts";
import type { Operation, OperationEvent, OperationHeader, OperationWriter } from "./operation.ts";

/** What a person may want to see while an operation goes on. */
export type ApplyProgress =
  /** `steps`: those that the event counts in. */
  | {
      readonly kind: "event";
      readonly header: OperationHeader;
      readonly event: OperationEvent;
      readonly steps: readonly Step[];
    }
  /** The kernel keeps the step waiting. */
  | { readonly kind: "waiting"; readonly header: OperationHeader; readonly step: Step; readonly target: string };

/** Without its time. */
export type NewEvent = OperationEvent extends infer Event
  ? Event extends OperationEvent
    ? Omit<Event, "at">
    : never
  : never;

/** The record of one operation while it goes on: on the disk first, then told. */
export class Journal {
  readonly header: OperationHeader;
  readonly #writer: OperationWriter;
  readonly #clock: Clock;
  readonly #tell: (progress: ApplyProgress) => void;
  readonly #events: OperationEvent[];
  #steps: readonly Step[];
  #broken: VfleetError | undefined;

  /** @param events that were written down before, by a process that died */
  constructor(
    writer: OperationWriter,
    clock: Clock,
    tell: (progress: ApplyProgress) => void = () => {},
    events: readonly OperationEvent[] = [],
  ) {
    this.header = writer.header;
    this.#writer = writer;
    this.#clock = clock;
    this.#tell = tell;
    this.#events = [...events];
    this.#steps = writer.header.steps;
  }

  /** Why nothing can be written down any more. */
  get broken(): VfleetError | undefined {
    return this.#broken;
  }

  /** The operation as it is now, also where that could not be written down. */
  get operation(): Operation {
    return foldOperation(this.header, this.#events);
  }

  /** @throws VfleetError VFL-0307 */
  async write(event: NewEvent): Promise<void> {
    const whole = { at: this.#clock.now().toISOString(), ...event } as OperationEvent;
    if (whole.event === "undoBegun") this.#steps = whole.steps;
    try {
      if (this.#broken) throw this.#broken;
      await this.#writer.append(whole);
    } catch (error) {
      if (!(error instanceof VfleetError)) throw error;
      this.#broken = error;
      throw error;
    } finally {
      this.#events.push(whole);
    }
    this.#say({ kind: "event", header: this.header, event: whole, steps: this.#steps });
  }

  /** Writes it down where that is possible: taking steps back does not wait for a disk that is full. */
  async tryWrite(event: NewEvent): Promise<void> {
    try {
      await this.write(event);
    } catch (error) {
      if (error !== this.#broken) throw error;
    }
  }

  waiting(step: Step, target: string): void {
    this.#say({ kind: "waiting", header: this.header, step, target });
  }

  /** What is the matter with who looks on is not the operation's: it goes on, and what came of it is on the disk. */
  #say(progress: ApplyProgress): void {
    try {
      this.#tell(progress);
    } catch {
      // As a terminal that has gone.
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
