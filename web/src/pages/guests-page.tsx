import { GuestList } from "../guests/guest-list.tsx";

/** Who has VFs of a host, and what can be done about it. */
export function GuestsPage({ host }: { readonly host: string }) {
  return <GuestList host={host} />;
}
