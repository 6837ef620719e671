import { VfleetError } from "../../errors/vfleet-error.ts";
import { checkProbeAddress } from "../../guests/qemu/ping-watch.ts";
import { guestName } from "../../host/guest-port.ts";
import type { MigrationWish } from "../../host/migrate/migration-port.ts";
import { namedGuest } from "../../host/named-guest.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { modelFile } from "../../kernel/model/remote/state-folder.ts";
import { claimedApart, type HostSetting } from "../host-setting.ts";
import { openMigrations } from "../open-migrations.ts";
import { vfNamed } from "../vf-name.ts";
import type { RequestOf } from "./change-request.ts";
import { type Draft, keepingOf, type Look, NO_STEPS } from "./planned-change.ts";

export interface MoveOptions {
  /** Where the destination listens; a socket of vfleet's own where left out. */
  readonly uri?: string;
}

const TIMEOUT_S = 600;
const NO_ADDRESS = {
  message: "a guest of the model has no IP address",
  remedy: "leave --probe out",
};
/** What names a monitor or a host, and no guest of this one. */
const ELSEWHERE = /^(?:unix|tcp|ssh|qemu\+\w+):|\/|^[^:]+:\d+$/;
/** QEMU's transports that stay on this host. */
const HERE = /^(?:unix:\/|tcp:(?:127\.0\.0\.1|localhost|\[::1\]):\d+$)/;

/** Whether a guest can be moved, and how. @throws VfleetError VFL-0223, VFL-0224, VFL-0233, VFL-0415, VFL-0417 */
export async function planMigration(
  opened: HostSetting,
  request: RequestOf<"migrate">,
  look: Look,
  { uri = "" }: MoveOptions,
): Promise<Draft> {
  const { guest, destination, timeoutSeconds = TIMEOUT_S } = request;
  // What a claim keeps for the guest is no use of it by another.
  const planning = claimedApart(opened, (each) => each.guest === guestName(guest));
  const host = { ...opened, planning };
  const port = await openMigrations(host.kernel);
  if (port === undefined) {
    const message = `guests of ${host.kernel.source.name} cannot be moved`;
    throw new VfleetError("VFL-0415", { message, details: { destination } });
  }
  if (uri !== "" && !HERE.test(uri)) {
    throw new VfleetError("VFL-0415", { message: `${uri} is not a place on this host`, details: { uri } });
  }
  const state = planning.stateOf(await look());
  const wish = wishOf(state, request, uri, modelFile(host.kernel.source.name) !== undefined);
  const verdict = await port.verdict(wish, state);
  return {
    host,
    state,
    plan: NO_STEPS,
    title: `${wish.guest} to ${wish.destination}`,
    keeping: keepingOf(host),
    migration: { port, wish, verdict, timeoutMs: timeoutSeconds * 1000 },
  };
}

function wishOf(
  state: HostState,
  { guest: name, destination: to, method = "auto", vf, ...request }: RequestOf<"migrate">,
  uri: string,
  isModel: boolean,
): MigrationWish {
  const guest = namedGuest(state, name);
  const probe = request.probe ?? null;
  const isKnown = isModel
    ? modelFile(to) !== undefined
    : state.guests?.guests.some((each) => each.address === to || each.name === to);
  if (!isKnown && ELSEWHERE.test(to)) {
    const what = isModel ? "modelled machine" : "guest of this host";
    throw new VfleetError("VFL-0415", { message: `${to} is no ${what}`, details: { destination: to } });
  }
  // Another modelled machine, which sees to its VFs itself.
  if (isModel) {
    if (probe !== null) throw new VfleetError("VFL-0417", NO_ADDRESS);
    return { guest, destination: to, method, vf: null, uri: "", probe };
  }
  if (probe !== null) checkProbeAddress(probe);
  const named = vf === undefined ? undefined : vfNamed(state, vf);
  if (named && named.vf.bdf === null) throw new VfleetError("VFL-0233", { message: `${vf} is no function` });
  return { guest, destination: namedGuest(state, to), method, vf: named?.vf.bdf ?? null, uri, probe };
}
