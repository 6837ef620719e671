import type { RequestOf } from "../../fleet/changes/change-request.ts";
import { vfName } from "../../fleet/vf-name.ts";
import type { Operation } from "../../host/apply/operation.ts";
import { migrationTimes } from "../../host/migrate/migration-times.ts";
import type { MigrationMethod } from "../../host/migrate/planned-move.ts";
import { outliveOutput, print, toJson } from "../output.ts";
import { type AccessOptions, serverOf } from "../provision/access-options.ts";
import { confirm } from "../provision/ask.ts";
import { noteInterrupt, onInterrupt } from "../provision/on-interrupt.ts";
import { openAccess } from "../provision/open-access.ts";
import { progressFor } from "../provision/progress.ts";
import { namedVf } from "../provision/vf-address.ts";
import { renderTimes, renderVerdict } from "../render-migration.ts";
import { operationEnd } from "../render-operation.ts";

export interface MigrateOptions extends AccessOptions {
  readonly to: string;
  readonly method: MigrationMethod | "auto";
  readonly vf?: string;
  readonly uri?: string;
  readonly probe?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly check?: boolean;
  readonly yes?: boolean;
}

const REFUSED = 3;
const FAILED = 1;

/** `vfleet migrate GUEST --to DESTINATION`: a verdict, then the move, or back. */
export async function migrate(guest: string, options: MigrateOptions): Promise<number> {
  const { to: destination, method, timeout: timeoutSeconds, uri } = options;
  const host = await openAccess(options);
  const state = await host.look();
  const request: RequestOf<"migrate"> = { kind: "migrate", guest, destination, method, timeoutSeconds };
  if (options.vf !== undefined) {
    const { pf, vf } = namedVf(state, [options.vf]);
    request.vf = vfName(pf.bdf, vf.vfIndex);
  }
  if (options.probe !== undefined) request.probe = options.probe;
  const change = await host.plan(request, uri === undefined ? {} : { uri });
  const { source } = host;
  const { migration: verdict } = change;
  if (verdict === null) throw new TypeError("a move without a verdict");
  if (!options.check) outliveOutput();
  if (!options.json) print(`${renderVerdict(verdict).join("\n")}\n`);
  if (options.check || verdict.move === null) {
    if (options.json) print(`${toJson({ source, verdict, operation: null })}\n`);
    return verdict.move === null ? REFUSED : 0;
  }
  await confirm("Move it?", options);
  const stop = new AbortController();
  const abandon = new AbortController();
  // At the host itself it is called back by this very process: there is nobody to leave it to.
  const leaving = serverOf(options) === undefined ? "" : "; once more leaves it to the server";
  const interrupted = (isAgain: boolean) => {
    if (isAgain) abandon.abort();
    else {
      noteInterrupt(`calling the guest back; once it runs at the destination it stays there${leaving}`);
      stop.abort();
    }
  };
  const operation = await onInterrupt(interrupted, () =>
    change.perform({ signal: stop.signal, abandon: abandon.signal, ...progressFor(options) }),
  );
  if (operation === undefined) throw new TypeError("a move without an operation");
  const times = migrationTimes(operation);
  if (options.json) print(`${toJson({ source, verdict, operation, times })}\n`);
  else print(`${[...operationEnd(operation), ...failureOf(operation), ...renderTimes(times)].join("\n")}\n`);
  return operation.state === "settled" ? 0 : FAILED;
}

/** Why it came back; of one that is stuck it was told. */
function failureOf({ state, failure }: Operation): readonly string[] {
  return state === "undone" && failure !== null ? [`  ${failure.message}`] : [];
}
