import type { Operation } from "../../../src/host/apply/operation.ts";
import { api } from "../api/session.ts";

/** An operation as it is written down. @throws ApiProblem */
export async function readRecord(host: string, number: number, signal?: AbortSignal): Promise<Operation> {
  const record = await api.ask("GET /hosts/{host}/operations/{number}/record", { path: { host, number } }, signal);
  // The API's description leaves open what is in its events; it is what `vfleet operations show --json` has.
  return record as unknown as Operation;
}
