import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import {
  type HostOptions,
  type HostSetting,
  openHost,
  operationSetting,
  planningOf,
} from "../../fleet/host-setting.ts";
import type { Operation } from "../../host/apply/operation.ts";
import { guestName } from "../../host/guest-port.ts";
import type { MigrationPort, MigrationWish } from "../../host/migrate/migration-port.ts";
import { migrationTimes } from "../../host/migrate/migration-times.ts";
import type { MigrationMethod, PlannedMove } from "../../host/migrate/planned-move.ts";
import { runMigration } from "../../host/migrate/run-migration.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { modelFile } from "../../kernel/model/remote/state-folder.ts";
import { makeMoveFolder } from "../../state/move-folder.ts";
import { print, toJson } from "../output.ts";
import { confirm } from "../provision/ask.ts";
import { namedGuest } from "../provision/named-guest.ts";
import { noteInterrupt, onInterrupt } from "../provision/on-interrupt.ts";
import { openMigrations } from "../provision/open-migrations.ts";
import { progressFor } from "../provision/progress.ts";
import { namedVf } from "../provision/vf-address.ts";
import { renderTimes, renderVerdict } from "../render-migration.ts";
import { operationEnd } from "../render-operation.ts";

export interface MigrateOptions extends HostOptions {
  readonly to: string;
  readonly method: MigrationMethod | "auto";
  readonly vf?: string;
  readonly uri?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly check?: boolean;
  readonly yes?: boolean;
}

const REFUSED = 3;
const FAILED = 1;
/** What names a monitor or a host, and no guest of this one. */
const ELSEWHERE = /^(?:unix|tcp|ssh|qemu\+\w+):|\/|^[^:]+:\d+$/;
/** QEMU's transports that stay on this host. */
const HERE = /^(?:unix:\/|tcp:(?:127\.0\.0\.1|localhost|\[::1\]):\d+$)/;

/** `vfleet migrate GUEST --to DESTINATION`: a verdict, then the move, or back. */
export async function migrate(name: string, options: MigrateOptions): Promise<number> {
  const opened = await openHost(options);
  // What a claim keeps for the guest is no use of it by another.
  const claims = opened.claims.filter(({ guest }) => guest !== guestName(name));
  const host = { ...opened, planning: planningOf({ ...opened, claims }) };
  const port = await openMigrations(host.kernel);
  if (port === undefined) {
    const message = `guests of ${host.kernel.source.name} cannot be moved`;
    throw new VfleetError("VFL-0415", { message, details: { destination: options.to } });
  }
  const state = await host.planning.observe();
  const { uri, remove } = options.check ? { uri: options.uri ?? "", remove: () => {} } : chooseUri(host, options);
  try {
    const wish = wishOf(state, name, uri, options, host.kernel.source.kind === "model");
    const verdict = await port.verdict(wish, state);
    if (!options.json) print(`${renderVerdict(verdict).join("\n")}\n`);
    if (options.check || verdict.move === null) {
      if (options.json) print(`${toJson({ source: host.kernel.source.name, verdict, operation: null })}\n`);
      return verdict.move === null ? REFUSED : 0;
    }
    await confirm("Move it?", options);
    const operation = await perform(host, port, wish, verdict.move, options);
    const times = migrationTimes(operation);
    if (options.json) print(`${toJson({ source: host.kernel.source.name, verdict, operation, times })}\n`);
    else print(`${[...operationEnd(operation), ...failureOf(operation), ...renderTimes(times)].join("\n")}\n`);
    return operation.state === "settled" ? 0 : FAILED;
  } finally {
    remove();
  }
}

function wishOf(
  state: HostState,
  name: string,
  uri: string,
  { to, method, vf }: MigrateOptions,
  isModel: boolean,
): MigrationWish {
  const guest = namedGuest(state, name);
  const isKnown = isModel
    ? modelFile(to) !== undefined
    : state.guests?.guests.some((each) => each.address === to || each.name === to);
  if (!isKnown && ELSEWHERE.test(to)) {
    const what = isModel ? "modelled machine" : "guest of this host";
    throw new VfleetError("VFL-0415", { message: `${to} is no ${what}`, details: { destination: to } });
  }
  // Another modelled machine, which sees to its VFs itself.
  if (isModel) return { guest, destination: to, method, vf: null, uri: "" };
  const named = vf === undefined ? undefined : namedVf(state, [vf]);
  if (named && named.vf.bdf === null) throw new VfleetError("VFL-0233", { message: `${vf} is no function` });
  return { guest, destination: namedGuest(state, to), method, vf: named?.vf.bdf ?? null, uri };
}

/** A socket in a folder of its own, unless another place is named. */
function chooseUri(
  { folders }: HostSetting,
  { uri }: MigrateOptions,
): { readonly uri: string; readonly remove: () => void } {
  if (uri !== undefined) {
    if (HERE.test(uri)) return { uri, remove: () => {} };
    throw new VfleetError("VFL-0415", { message: `${uri} is not a place on this host`, details: { uri } });
  }
  const folder = makeMoveFolder(join(dirname(folders.locks), "moves"));
  return { uri: `unix:${join(folder, "socket")}`, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function perform(
  host: HostSetting,
  port: MigrationPort,
  wish: MigrationWish,
  move: PlannedMove,
  options: MigrateOptions,
): Promise<Operation> {
  const stop = new AbortController();
  const interrupted = () => {
    noteInterrupt("calling the guest back; once it runs at the destination it stays there");
    stop.abort();
  };
  return onInterrupt(interrupted, () =>
    runMigration({
      ...operationSetting(host),
      port,
      move,
      again: (state) => port.verdict(wish, state),
      title: `${move.guest} to ${move.destination}`,
      timeoutMs: options.timeout * 1000,
      signal: stop.signal,
      ...progressFor(options),
    }),
  );
}

/** Why it came back; of one that is stuck it was told. */
function failureOf({ state, failure }: Operation): readonly string[] {
  return state === "undone" && failure !== null ? [`  ${failure.message}`] : [];
}
