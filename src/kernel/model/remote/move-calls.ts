import type { Bdf } from "../../../pci/bdf.ts";
import type { GuestMoves } from "../guest-moves.ts";
import type { GuestDescription } from "../linux.ts";

type Moves = {
  [Name in keyof GuestMoves]: (...args: Parameters<GuestMoves[Name]>) => ReturnType<GuestMoves[Name]>;
};

/** What a client may ask of a machine about guests that move, by name. */
export function moveCalls(moves: GuestMoves): Readonly<Record<`moves.${keyof Moves}`, (...args: never[]) => unknown>> {
  const calls: Moves = {
    source: (name) => moves.source(name),
    free: () => moves.free(),
    start: (name) => moves.start(name),
    nextRound: (name) => moves.nextRound(name),
    takePages: (name, most) => moves.takePages(name, most),
    stop: (name) => moves.stop(name),
    takeDevice: (name, most) => moves.takeDevice(name, most),
    software: (name) => moves.software(name),
    cancel: (name) => moves.cancel(name),
    complete: (name) => moves.complete(name),
    prepare: (guest: GuestDescription, devices: readonly Bdf[], about) => moves.prepare(guest, devices, about),
    putPages: (name, pages) => moves.putPages(name, pages),
    putDevice: (name, piece) => moves.putDevice(name, piece),
    run: (name, software) => moves.run(name, software),
    traffic: (vfs) => moves.traffic(vfs),
    abort: (name) => moves.abort(name),
    abandon: (name) => moves.abandon(name),
    pass: (ns) => moves.pass(ns),
  };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [`moves.${name}`, call])) as ReturnType<
    typeof moveCalls
  >;
}
