import { once } from "node:events";
import { createConnection } from "node:net";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { Qmp } from "../../qmp/qmp.ts";

/** A monitor answers at once; one that does not is being spoken to by another. */
const GREETING_MS = 2000;

/**
 * Speaks to a QEMU's monitor for as long as `speak` takes. A monitor serves one at a time, so nobody keeps it.
 * @param path of its socket
 * @throws VfleetError VFL-0406 where it cannot be reached, what `speak` throws
 */
export async function atMonitor<T>(path: string, speak: (qmp: Qmp) => Promise<T>): Promise<T> {
  const socket = createConnection({ path });
  try {
    try {
      await once(socket, "connect", { signal: AbortSignal.timeout(GREETING_MS) });
    } catch (cause) {
      const { code = "ETIMEDOUT" } = cause as NodeJS.ErrnoException;
      throw unreachable(path, code === "ABORT_ERR" ? "ETIMEDOUT" : code, cause);
    }
    const qmp = new Qmp(socket);
    try {
      await qmp.negotiate(GREETING_MS);
    } catch (cause) {
      throw unreachable(path, "EBUSY", cause);
    }
    return await speak(qmp);
  } finally {
    socket.destroy();
  }
}

function unreachable(path: string, errno: string, cause: unknown): VfleetError {
  const why = errno === "EBUSY" ? "it does not answer: another program speaks to it" : errno;
  return new VfleetError("VFL-0406", { message: `${path}: ${why}`, details: { path, errno }, cause });
}
