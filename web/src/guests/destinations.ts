import type { HostObject, ObjectOf } from "../api/objects.ts";

/** Where a guest can be moved to. */
export interface Destinations {
  readonly options: ReadonlyArray<{ readonly value: string; readonly words: string }>;
  /** Why there is none; undefined where there are some. */
  readonly whyNone: string | undefined;
}

type GuestStatus = ObjectOf<"Guest">["status"];

/** A guest of the model moves to another modelled host; one of QEMU to a QEMU of the same host that waits for it. */
export function destinationsOf(
  { address }: Pick<GuestStatus, "address">,
  host: string,
  hosts: readonly HostObject[],
  guests: readonly Pick<GuestStatus, "address">[],
): Destinations {
  const [kind] = address.split(":");
  if (kind === "model") {
    const options = hosts
      .filter(({ metadata, status }) => metadata.host !== host && status.source.startsWith("model:"))
      .map(({ metadata, status }) => ({
        value: metadata.host,
        words: status.reachable ? metadata.host : `${metadata.host} (cannot be read now)`,
      }));
    const none =
      "This server watches no other modelled host that it could move to: vfleet up --source model:FILE, once more.";
    return { options, whyNone: options.length === 0 ? none : undefined };
  }
  if (kind === "qemu") {
    const options = guests
      .filter((other) => other.address !== address && other.address.startsWith("qemu:"))
      .map((other) => ({ value: other.address, words: other.address }));
    const none =
      "No other QEMU of this host could take it: start one with the guest's own arguments, a name of its own and -incoming defer.";
    return { options, whyNone: options.length === 0 ? none : undefined };
  }
  return { options: [], whyNone: `vfleet moves guests of QEMU and of the model, not ${address}.` };
}
