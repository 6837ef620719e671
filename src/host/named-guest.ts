import { VfleetError } from "../errors/vfleet-error.ts";
import { nearMiss } from "../yaml/near-miss.ts";
import type { GuestAddress, SeenGuest } from "./guest-port.ts";
import type { HostState } from "./state/host-state.ts";

/**
 * Finds a guest by its address (`qemu:web-1`), or by its name alone where one guest has it.
 * @throws VfleetError VFL-0223, VFL-0224
 */
export function namedGuest({ guests: seen }: HostState, name: string): GuestAddress {
  if (seen === undefined) throw new VfleetError("VFL-0223", { details: { guest: name } });
  const { guests, gaps } = seen;
  const exact = guests.find(({ address }) => address === name);
  if (exact) return exact.address;
  const [found, ...more] = guests.filter((guest) => guest.name === name);
  if (found && more.length === 0) return found.address;
  if (found) {
    throw new VfleetError("VFL-0224", {
      message: `several guests are called ${name}`,
      remedy: `name one of them: ${[found, ...more].map(({ address }) => address).join(", ")}`,
      details: { guest: name },
    });
  }
  const unseen = gaps.map(({ path, reason }) => `${path}: ${reason}`);
  throw new VfleetError("VFL-0224", {
    message: [`there is no guest ${name}`, ...unseen].join("; "),
    remedy: remedyFor(name, guests),
    details: { guest: name },
  });
}

function remedyFor(name: string, guests: readonly SeenGuest[]): string {
  const near = nearMiss(
    name,
    guests.flatMap((guest) => [guest.name, guest.address]),
  );
  if (near !== undefined) return `did you mean ${near}?`;
  if (guests.length === 0) return "there are no guests: start one, or make a network namespace";
  return `guests are ${guests.map(({ address }) => address).join(", ")}`;
}
