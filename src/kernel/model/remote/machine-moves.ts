import type {
  CopiedPage,
  DevicePiece,
  GuestOnTheMove,
  GuestSoftware,
  MoveDestination,
  MoveSource,
} from "../../../hardware/guests/move-guest.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import type { FlowToGuest } from "../flow-report.ts";
import type { GuestMoves, MoveAnswer, MoveEnd } from "../guest-moves.ts";
import type { GuestDescription } from "../linux.ts";
import type { MachineConnection } from "./connection.ts";

/** A machine, or who asked it, does not go on with a move. */
export class MoveRefused extends Error {
  override readonly name = "MoveRefused";
}

/** Guests of a machine that move, as a client has them. */
export interface MachineMoves {
  /** @throws MoveRefused where there is no such guest */
  source(name: string): Promise<MoveEnd>;
  /** VFs that a guest which comes could have. */
  free(): Promise<MoveEnd>;
  leaving(name: string): MoveSource;
  coming(guest: GuestDescription, devices: readonly Bdf[]): MoveDestination;
  /** Flows to these VFs. */
  traffic(vfs: readonly Bdf[]): Promise<readonly FlowToGuest[]>;
  /** Lets the machine's time pass. */
  pass(ns: number): Promise<void>;
}

export function machineMoves(connection: Pick<MachineConnection, "ask">): MachineMoves {
  const ask = async <T>(call: keyof GuestMoves, ...args: readonly unknown[]): Promise<T> => {
    const answer = (await connection.ask(`moves.${call}`, ...args)) as MoveAnswer<T>;
    if ("refused" in answer) throw new MoveRefused(answer.refused);
    return answer.done;
  };
  return {
    source: (name) => ask("source", name),
    free: () => ask("free"),
    leaving: (name) => ({
      start: () => ask<GuestOnTheMove>("start", name),
      nextRound: () => ask<number>("nextRound", name),
      takePages: (most) => ask<readonly CopiedPage[]>("takePages", name, most),
      stop: () => ask<void>("stop", name),
      takeDevice: async (most) => (await ask<DevicePiece | null>("takeDevice", name, most)) ?? undefined,
      software: () => ask<GuestSoftware>("software", name),
      cancel: () => ask<void>("cancel", name),
      complete: () => ask<void>("complete", name),
    }),
    coming: (guest, devices) => ({
      prepare: (about) => ask<void>("prepare", guest, devices, about),
      takePages: (pages) => ask<void>("putPages", guest.name, pages),
      takeDevice: (piece) => ask<void>("putDevice", guest.name, piece),
      run: (software) => ask<void>("run", guest.name, software),
      abort: () => ask<void>("abort", guest.name),
    }),
    traffic: (vfs) => ask("traffic", vfs),
    pass: async (ns) => void (await connection.ask("moves.pass", ns)),
  };
}
