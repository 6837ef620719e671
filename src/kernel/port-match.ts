import type { Bdf } from "../pci/bdf.ts";
import type { ProcessFact } from "./port-use-facts.ts";
import type { DeviceUser } from "./port-users.ts";

/** A user, and the function that it uses. */
export interface Match {
  readonly bdf: Bdf;
  readonly user: DeviceUser;
  /** Seen, and no use by itself. */
  readonly idle?: true;
}

/** `qemu-system-x86 (process 42)`; the name is unknown where it ended before it could be asked. */
export function processText({ pid, command, guest }: ProcessFact): string {
  const text = command === undefined ? `process ${pid}` : `${command} (process ${pid})`;
  return guest?.name === undefined ? text : `guest ${guest.name}: ${text}`;
}
