import type { GuestAddress, GuestPort, Guests, SeenGuest } from "../host/guest-port.ts";
import { isUnread } from "../kernel/port.ts";
import { failed } from "../kernel/port-outcome.ts";
import { obstacle } from "./obstacle.ts";

/** All kinds of guests of a host as one. */
export function allGuests(kinds: readonly GuestPort[]): Guests {
  const kindOf = (address: GuestAddress) => kinds.find(({ kind }) => address.startsWith(`${kind}:`));
  return {
    async look() {
      const seen = await Promise.all(kinds.map((each) => each.guests()));
      return {
        guests: withoutTwins(seen.flatMap((each) => (isUnread(each) ? [] : each))),
        gaps: seen.flatMap((each) => (isUnread(each) ? [each] : [])),
      };
    },
    async obstacles(guest, vf, plugged) {
      const none = () => obstacle("VFL-0224", noSuchKind(guest), "list the guests with: vfleet guests");
      return kindOf(guest)?.obstacles(guest, vf, plugged) ?? [none()];
    },
    attach: async (guest, vf, waiting) =>
      kindOf(guest)?.attach(guest, vf, waiting) ?? failed(guest, vf.bdf, "ENOENT", noSuchKind(guest)),
    detach: async (guest, vf, waiting) =>
      kindOf(guest)?.detach(guest, vf, waiting) ?? failed(guest, vf, "ENOENT", noSuchKind(guest)),
  };
}

/** A domain of libvirt is a QEMU, too, whose monitor is libvirt's: it is told once, as what it can be reached by. */
function withoutTwins(guests: readonly SeenGuest[]): readonly SeenGuest[] {
  const kindOf = ({ address }: SeenGuest) => address.split(":", 1)[0];
  // Both ends of a move have one UUID: by it two are one only where no process tells.
  const isTwin = (a: SeenGuest, b: SeenGuest) =>
    kindOf(a) !== kindOf(b) &&
    (a.pid !== null && b.pid !== null ? a.pid === b.pid : a.uuid !== null && a.uuid === b.uuid);
  return guests.filter(
    (guest) =>
      guest.unreachable === null || !guests.some((other) => other.unreachable === null && isTwin(guest, other)),
  );
}

function noSuchKind(guest: GuestAddress): string {
  return `there are no guests of the kind of ${guest} here`;
}
