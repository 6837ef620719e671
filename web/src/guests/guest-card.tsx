import { memo, useEffect, useId, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import type { HostObject, VirtualFunctionObject } from "../api/objects.ts";
import { ActionButton } from "../app/action-button.tsx";
import { LongSelect } from "../app/long-select.tsx";
import { useWhyNot } from "../app/person.tsx";
import { sameButLists } from "../app/same-but-lists.ts";
import { ScrollX } from "../app/scroll-x.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { GuestObject } from "../panel/chosen.ts";
import { whyNotDetached, whyNotMigrated } from "../panel/why-not.ts";
import { destinationsOf } from "./destinations.ts";

interface GuestCardProps {
  readonly host: string;
  readonly guest: GuestObject;
  readonly vfs: readonly VirtualFunctionObject[];
  /** Nobody's. */
  readonly free: readonly VirtualFunctionObject[];
  readonly guests: readonly GuestObject[];
  readonly hosts: readonly HostObject[];
  /** It was asked for. */
  readonly isChosen: boolean;
}

/**
 * A guest, the VFs that it has, and what can be done: one more, one less, to another place. There are hundreds of VFs with news each
 * second on a large host: only the guest whose they are is rendered again.
 */
export const GuestCard = memo(function GuestCard({ host, guest, vfs, free, guests, hosts, isChosen }: GuestCardProps) {
  const { address, running, pid, uuid, unreachable, devices } = guest.status;
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isChosen) card.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  const others = devices.filter(({ bdf }) => !vfs.some(({ status }) => status.bdf === bdf));
  return (
    <article ref={card} className={`card padded stack guest ${isChosen ? "chosen" : ""}`} aria-label={address}>
      <div className="row spread">
        <h2>
          {address} <span className={running ? "good" : "muted"}>{running ? "● running" : "○ not running"}</span>
        </h2>
        <span className="muted">
          {pid !== null && `process ${pid}`} {uuid}
        </span>
      </div>
      {unreachable !== null && <p className="notice warn">▲ It cannot be spoken to: {unreachable}</p>}
      {vfs.length === 0 ? (
        <p className="muted">It has no VF of this host.</p>
      ) : (
        <Vfs host={host} guest={guest} vfs={vfs} />
      )}
      {others.length > 0 && <p className="muted">Other functions: {others.map(({ bdf }) => bdf).join(", ")}</p>}
      <div className="row guest-actions">
        <Attach guest={guest} free={free} />
        <Move host={host} guest={guest} vfs={vfs} guests={guests} hosts={hosts} />
      </div>
    </article>
  );
}, sameButLists);

/** A VF that is given elsewhere makes all cards anew, but not these. */
const Vfs = memo(function Vfs({ host, guest, vfs }: Pick<GuestCardProps, "host" | "guest" | "vfs">) {
  const whyNotRole = useWhyNot("operator");
  const { propose } = useChanges();
  const { address } = guest.status;
  return (
    <ScrollX label={`List of VFs of ${address}`}>
      <table aria-label={`VFs of ${address}`}>
        <thead>
          <tr>
            <th>VF</th>
            <th>Address</th>
            <th>Driver</th>
            <th>MAC address</th>
            <th>VLAN</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {vfs.map((vf) => {
            const {
              metadata: { name },
              status,
            } = vf;
            return (
              <tr key={name}>
                <th scope="row">
                  <Link href={`/hosts/${encodeURIComponent(host)}?at=${encodeURIComponent(name)}`}>
                    {status.pf} VF {status.vfIndex}
                  </Link>
                </th>
                <td className="address">{status.bdf ?? "none"}</td>
                <td>{status.driver ?? ("driver" in status.unknown ? "?" : "none")}</td>
                <td className="address">{setting(status.settings, "mac")}</td>
                <td>{setting(status.settings, "vlan")}</td>
                <td>
                  <ActionButton
                    whyNot={whyNotRole ?? whyNotDetached(vf, [guest])}
                    onClick={() => propose({ kind: "detach", vf: name })}
                  >
                    Detach VF {status.vfIndex}
                  </ActionButton>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollX>
  );
}, sameButLists);

function setting(settings: VirtualFunctionObject["status"]["settings"], name: string): string {
  if (settings === null) return "?";
  const value = settings[name];
  return value === undefined || value === null || value === 0 ? "none" : String(value);
}

function Attach({ guest, free }: Pick<GuestCardProps, "guest" | "free">) {
  const id = useId();
  const [chosen, setChosen] = useState("");
  const whyNotRole = useWhyNot("operator");
  const { propose } = useChanges();
  const { address, unreachable } = guest.status;
  const vf = free.find(({ metadata }) => metadata.name === chosen) ?? free[0];
  const whyNot = () => {
    if (unreachable !== null) return `It cannot be spoken to: ${unreachable}`;
    return vf === undefined ? "No VF of this host is free." : undefined;
  };
  return (
    <div className="row">
      <label htmlFor={id} className="visually-hidden">
        VF for {address}
      </label>
      <LongSelect
        id={id}
        value={vf?.metadata.name ?? ""}
        words={vf === undefined ? "no VF is free" : vfWords(vf)}
        options={() => free.map((each) => ({ value: each.metadata.name, words: vfWords(each) }))}
        onChange={setChosen}
      />
      <ActionButton
        whyNot={whyNotRole ?? whyNot()}
        onClick={() => vf && propose({ kind: "attach", vf: vf.metadata.name, guest: address })}
      >
        Attach to {address}
      </ActionButton>
    </div>
  );
}

function vfWords({ status }: VirtualFunctionObject): string {
  return `${status.pf} VF ${status.vfIndex} (${status.driver ?? "no driver"})`;
}

function Move({
  host,
  guest,
  vfs,
  guests,
  hosts,
}: Pick<GuestCardProps, "host" | "guest" | "vfs" | "guests" | "hosts">) {
  const id = useId();
  const [chosen, setChosen] = useState("");
  const [probe, setProbe] = useState("");
  const whyNotRole = useWhyNot("operator");
  const { propose } = useChanges();
  const { address } = guest.status;
  // Those of the model have none.
  const hasIp = !address.startsWith("model:");
  const { options, whyNone } = useMemo(
    () =>
      destinationsOf(
        guest.status,
        host,
        hosts,
        guests.map(({ status }) => status),
      ),
    [guest, host, hosts, guests],
  );
  const destination = options.find(({ value }) => value === chosen) ?? options[0];
  const whyNot = whyNotRole ?? whyNotMigrated(guest, vfs) ?? whyNone;
  return (
    <div className="row">
      <label htmlFor={id} className="visually-hidden">
        Destination of {address}
      </label>
      <select id={id} value={destination?.value ?? ""} onChange={({ target }) => setChosen(target.value)}>
        {destination === undefined && <option value="">nowhere to move to</option>}
        {options.map(({ value, words }) => (
          <option key={value} value={value}>
            to {words}
          </option>
        ))}
      </select>
      {hasIp && destination !== undefined && (
        <input
          aria-label={`IP address of ${address} to ping while it moves`}
          placeholder="IP to ping (optional)"
          value={probe}
          onChange={({ target }) => setProbe(target.value.trim())}
        />
      )}
      <ActionButton
        whyNot={whyNot}
        onClick={() =>
          destination &&
          propose({
            kind: "migrate",
            guest: address,
            destination: destination.value,
            ...(hasIp && probe !== "" && { probe }),
          })
        }
      >
        Move {address}
      </ActionButton>
    </div>
  );
}
