import { isUnread, type Observed } from "../port.ts";
import type { ChangeableKernel } from "../port-change.ts";
import type { NvmeOutcome, NvmeRefused } from "../port-nvme.ts";
import type { Outcome, Within } from "../port-outcome.ts";
import type { Place } from "./place.ts";
import { answerOf } from "./run-script.ts";
import type { Step } from "./script.ts";

type More = Pick<Step, "source" | "log" | "events" | "withinMs">;

/** A step that asks for what is no file: all that is told, as JSON, or the errno's name, or a controller's status. */
export function asked<T>(
  call: string,
  ask: (kernel: ChangeableKernel, place: Place) => Promise<Observed<T> | NvmeRefused>,
  expect: T | string,
  more: More = {},
): Step {
  return {
    call,
    run: async (kernel, place) => {
      const told = await ask(kernel, place);
      if (isUnread(told)) return told.errno;
      return isRefused(told) ? statusOf(told) : JSON.stringify(told);
    },
    expect: typeof expect === "string" ? expect : JSON.stringify(expect),
    ...more,
  };
}

/** A step that changes what is no file: `ok`, the errno's name, or the status with which a controller refuses. */
export function changed(
  call: string,
  change: (kernel: ChangeableKernel, place: Place) => Promise<Within<Outcome | NvmeOutcome>>,
  expect: string,
  more: More = {},
): Step {
  return {
    call,
    run: async (kernel, place) => {
      const outcome = await change(kernel, place);
      return outcome.kind === "nvme-refused" ? statusOf(outcome) : answerOf(outcome as Within<Outcome>);
    },
    expect,
    ...more,
  };
}

function isRefused(told: unknown): told is NvmeRefused {
  return typeof told === "object" && told !== null && (told as { kind?: unknown }).kind === "nvme-refused";
}

function statusOf({ status }: NvmeRefused): string {
  return `status 0x${status.toString(16)}`;
}
