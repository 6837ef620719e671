import { useCallback, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import type { HostObject } from "../api/objects.ts";
import { LiveProvider, useHasLoaded, useLiveState, useObjects } from "../api/use-live.tsx";
import { Failure } from "../app/failure.tsx";
import { useKey } from "../app/keyboard.ts";
import { LiveNotice } from "../app/live-notice.tsx";
import { usePageTitle } from "../app/page-title.ts";
import { VirtualTable } from "../app/virtual-table.tsx";
import { hostVerdict } from "./host-verdict.ts";
import "./fleet-page.css";

/** All hosts: is anything wrong, what is free. */
export function FleetPage() {
  usePageTitle("Fleet");
  return (
    <LiveProvider scope={{ kind: "Host" }}>
      <Fleet />
    </LiveProvider>
  );
}

function Fleet() {
  const hosts = useObjects("Host");
  const live = useLiveState();
  const hasLoaded = useHasLoaded();
  const [words, setWords] = useState("");
  const [onlyWrong, setOnlyWrong] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  useKey(
    "/",
    useCallback((event) => {
      event.preventDefault();
      search.current?.focus();
    }, []),
  );
  const shown = useMemo(
    () =>
      hosts.filter(
        (host) => host.metadata.host.includes(words.trim()) && (!onlyWrong || hostVerdict(host).tone !== "good"),
      ),
    [hosts, words, onlyWrong],
  );
  if (!hasLoaded) {
    if (live.state !== "cut off") return <p className="page muted">Reading the hosts…</p>;
    return (
      <div className="page">
        <Failure title="The hosts cannot be read; it is tried again" error={live.error} />
      </div>
    );
  }
  return (
    <div className="page fleet">
      <h1>Fleet</h1>
      <LiveNotice />
      <FleetSummary hosts={hosts} />
      <div className="row">
        <input
          ref={search}
          type="search"
          aria-label="Search hosts"
          placeholder="Search hosts  /"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <label>
          <input type="checkbox" checked={onlyWrong} onChange={({ target }) => setOnlyWrong(target.checked)} />
          only those that need a look
        </label>
        <span className="muted" role="status">
          {shown.length} of {hosts.length}
        </span>
      </div>
      {shown.length === 0 ? (
        <p className="notice">
          {hosts.length === 0
            ? "This server watches no host. Start it with: vfleet up --source linux"
            : "No host is like that."}
        </p>
      ) : (
        <HostTable hosts={shown} />
      )}
    </div>
  );
}

/** The answer before the table. */
function FleetSummary({ hosts }: { readonly hosts: readonly HostObject[] }) {
  const wrong = hosts.filter((host) => hostVerdict(host).tone !== "good");
  const sum = (of: (host: HostObject) => number | null) => hosts.reduce((all, host) => all + (of(host) ?? 0), 0);
  const made = sum(({ status }) => status.virtualFunctions);
  const offered = sum(({ status }) => status.offeredVfs);
  return (
    <p className="fleet-summary">
      <strong className={wrong.length === 0 ? "good" : "warn"}>
        {wrong.length === 0 ? "✔ Nothing needs a look." : `▲ ${wrong.length} of ${hosts.length} hosts need a look.`}
      </strong>{" "}
      {sum(({ status }) => status.physicalFunctions)} PFs, {made} VFs there of {offered} that drivers offer,{" "}
      {sum(({ status }) => status.guests)} guests.
    </p>
  );
}

const ROW_PX = 38;

function HostTable({ hosts }: { readonly hosts: readonly HostObject[] }) {
  return (
    <VirtualTable
      label="Hosts"
      count={hosts.length}
      rowPx={ROW_PX}
      head={
        <tr>
          <th>Host</th>
          <th>State</th>
          <th className="number">PFs</th>
          <th>VFs there of offered</th>
          <th className="number">Guests</th>
          <th>Source</th>
        </tr>
      }
      row={(index) => {
        const host = hosts[index];
        return host && <HostRow key={host.metadata.host} host={host} index={index} />;
      }}
    />
  );
}

function HostRow({ host, index }: { readonly host: HostObject; readonly index: number }) {
  const { metadata, status } = host;
  const { tone, mark, words } = hostVerdict(host);
  return (
    <tr aria-rowindex={index + 2} style={{ height: ROW_PX }}>
      <th scope="row">
        <Link href={`/hosts/${encodeURIComponent(metadata.host)}`}>{metadata.host}</Link>
      </th>
      <td className={tone} title={status.problem ?? undefined}>
        {mark} {words}
      </td>
      <td className="number">{status.physicalFunctions ?? "?"}</td>
      <td>
        <progress
          aria-label={`VFs of ${metadata.host}`}
          value={status.virtualFunctions ?? 0}
          max={Math.max(status.offeredVfs ?? 0, 1)}
        />{" "}
        {status.virtualFunctions ?? "?"}/{status.offeredVfs ?? "?"}
      </td>
      <td className="number">{status.guests ?? "?"}</td>
      <td className="muted source" title={status.source}>
        {status.source}
      </td>
    </tr>
  );
}
