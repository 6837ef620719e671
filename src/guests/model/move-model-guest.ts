import { type MoveLimits, type MoveReport, moveGuest } from "../../hardware/guests/move-guest.ts";
import { judgeVfMove, type VfMoveVerdict } from "../../hardware/vfio/move-verdict.ts";
import type { MoveEnd } from "../../kernel/model/guest-moves.ts";
import type { MachineMoves } from "../../kernel/model/remote/machine-moves.ts";
import type { MachineGuests } from "../../kernel/model/remote/modelled-machine.ts";
import type { Bdf } from "../../pci/bdf.ts";

/** Of the link that guests' memory goes over between modelled machines: 10 Gb/s. */
export const LINK_BYTES_PER_SECOND = 1.25e9;

/** A modelled machine, as far as guests move from it, or to it. */
export interface MovingMachine {
  readonly guests: Pick<MachineGuests, "list">;
  readonly moves: MachineMoves;
}

/** A VF of the guest, and the one that has its state afterwards. */
interface VfPair {
  readonly from: Bdf;
  readonly to: Bdf;
}

/** What a move comes to before it is begun. */
export interface ModelMovePlan {
  readonly guest: { readonly name: string; readonly memoryMib: number };
  readonly pairs: readonly VfPair[];
  readonly verdict: VfMoveVerdict;
  /** Where it is the guest's name that stands in the way, whatever its VFs are: what to do. */
  readonly nameRemedy: string | null;
}

/** Reads only. Each VF gets the first free one that can have its state. */
export async function planModelMove(
  source: MovingMachine,
  destination: MovingMachine,
  name: string,
): Promise<ModelMovePlan> {
  const [here, there] = await Promise.all([source.guests.list(), destination.guests.list()]);
  const guest = here.find((each) => each.name === name);
  const described = { name, memoryMib: guest?.memoryMib ?? 0 };
  if (guest === undefined) return impossible(described, `there is no guest ${name}`, "see vfleet guests");
  if (there.some((each) => each.name === name)) {
    const remedy = `a machine has one guest of a name: end the one there (guest stop ${name}, in that machine's shell), or name another machine`;
    return impossible(described, `there is a guest ${name} there, too`, remedy);
  }
  const [{ devices }, free] = await Promise.all([source.moves.source(name), destination.moves.free()]);
  return pair(described, devices, [...free.devices]);
}

type Device = MoveEnd["devices"][number];

function pair(guest: ModelMovePlan["guest"], devices: readonly Device[], free: Device[]): ModelMovePlan {
  const pairs: VfPair[] = [];
  const obstacles: string[] = [];
  const notes: string[] = [];
  for (const { bdf, end } of devices) {
    const verdicts = free.map((other) => ({ other, verdict: judgeVfMove(end, other.end, devices.length) }));
    const found = verdicts.find(({ verdict }) => verdict.possible);
    if (found !== undefined) {
      free.splice(free.indexOf(found.other), 1);
      pairs.push({ from: bdf, to: found.other.bdf });
      notes.push(...found.verdict.notes.map((note) => `${bdf}: ${note}`));
    } else if (end.features === null) {
      obstacles.push(`${bdf}: ${end.driver} does not move a VF's state; a failover pair carries its traffic`);
    } else {
      obstacles.push(
        `${bdf}: ${verdicts[0]?.verdict.obstacles.join("; ") ?? "no VF is free there on a driver that moves VFs"}`,
      );
    }
  }
  return { guest, pairs, verdict: { possible: obstacles.length === 0, obstacles, notes }, nameRemedy: null };
}

function impossible(guest: ModelMovePlan["guest"], obstacle: string, nameRemedy: string): ModelMovePlan {
  return { guest, pairs: [], verdict: { possible: false, obstacles: [obstacle], notes: [] }, nameRemedy };
}

export interface ModelMoveOptions extends MoveLimits {
  readonly bytesPerSecond: number;
  /** The destination has room for it. */
  readonly prepared?: () => Promise<void>;
  /** Its memory begins to be copied. */
  readonly moving?: () => Promise<void>;
  /** It runs at the destination. */
  readonly moved?: (gapMs: number) => Promise<void>;
}

export interface ModelMoveReport extends MoveReport {
  /** From its stop until it ran, by the world's clock: with the calls to both machines, which the model's link does not know. */
  readonly gapMs: number;
}

/**
 * Moves the guest by its plan; its memory goes through this process. Both machines' time passes by as much as the copying takes.
 * @throws MoveRefused where either end refuses: the guest then goes on where it was
 */
export async function moveModelGuest(
  source: MovingMachine,
  destination: MovingMachine,
  { guest, pairs }: Pick<ModelMovePlan, "guest" | "pairs">,
  options: ModelMoveOptions,
): Promise<ModelMoveReport> {
  const leaving = source.moves.leaving(guest.name);
  const coming = destination.moves.coming(
    guest,
    pairs.map(({ to }) => to),
  );
  let stopped = 0;
  let gapMs = 0;
  const report = await moveGuest(
    {
      ...leaving,
      async stop() {
        stopped = performance.now();
        await leaving.stop();
      },
      async complete() {
        await options.moved?.(gapMs);
        await leaving.complete();
      },
    },
    {
      ...coming,
      async prepare(about) {
        await coming.prepare(about);
        await options.prepared?.();
        await options.moving?.();
      },
      async run(software) {
        await coming.run(software);
        gapMs = performance.now() - stopped;
      },
    },
    {
      bytesPerSecond: options.bytesPerSecond,
      pass: async (ns) => {
        await Promise.all([source.moves.pass(ns), destination.moves.pass(ns)]);
      },
    },
    options,
  );
  return { ...report, gapMs };
}
