import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { api } from "../api/session.ts";
import { useObjects } from "../api/use-live.tsx";
import { GuestCard } from "./guest-card.tsx";
import "./guests.css";

/** Who has VFs of a host, or could have some. */
export function GuestList({ host }: { readonly host: string }) {
  const guests = useObjects("Guest");
  const vfs = useObjects("VirtualFunction");
  const seen = useObjects("Host")[0]?.status.guests;
  const [params] = useSearchParams();
  const chosen = params.get("guest");
  const [words, setWords] = useState("");
  const { data: hosts } = useQuery({
    queryKey: ["hosts"],
    queryFn: async () => (await api.ask("GET /hosts", { query: { limit: 1000 } })).items,
    staleTime: 10_000,
  });
  const byGuest = useMemo(() => Map.groupBy(vfs, ({ status }) => status.guest ?? ""), [vfs]);
  const free = useMemo(
    () => vfs.filter(({ status }) => status.bdf !== null && status.guest === null && status.users.length === 0),
    [vfs],
  );
  if (guests.length === 0 && seen !== 0) return <p className="muted">The guests of this host are not read yet…</p>;
  if (guests.length === 0) {
    return (
      <p className="notice">
        No guest was seen on this host: QEMU with a monitor, a domain of libvirt, a network namespace, or a guest of the
        model. One that is started is here by itself.
      </p>
    );
  }
  const shown = guests.filter(({ status }) => status.address.includes(words.trim()));
  return (
    <div className="stack">
      <div className="row">
        <input
          type="search"
          aria-label="Search guests"
          placeholder="Search guests"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <span className="muted" role="status">
          {shown.length} of {guests.length}; {free.length} of {vfs.length} VFs are free
        </span>
      </div>
      {shown.map((guest) => (
        <GuestCard
          key={guest.metadata.name}
          host={host}
          guest={guest}
          vfs={byGuest.get(guest.status.address) ?? []}
          free={free}
          guests={guests}
          hosts={hosts ?? []}
          isChosen={guest.status.address === chosen}
        />
      ))}
    </div>
  );
}
