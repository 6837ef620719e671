import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import type { ApiAnswer } from "../../../src/client/api-client.ts";
import { api } from "../api/session.ts";
import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { Failure } from "../app/failure.tsx";
import { LongSelect } from "../app/long-select.tsx";
import { useWhyNot } from "../app/person.tsx";
import type { PfObject, VfObject } from "./chosen.ts";

type Flow = ApiAnswer<"GET /hosts/{host}/traffic">["items"][number];

interface VfFlowsProps {
  readonly host: string;
  readonly vf: VfObject;
  readonly pf: PfObject | undefined;
}

/** Traffic that a modelled machine makes of itself: the flows from and to a VF. Other hosts have their own, and nothing is shown. */
export function VfFlows({ host, vf, pf }: VfFlowsProps) {
  const [shown] = useObjects("Host");
  const netdev = pf?.status.netdevs?.[0]?.name;
  if (shown?.status.source.startsWith("model:") !== true || netdev === undefined) return null;
  return <Flows host={host} vf={vf} netdev={netdev} />;
}

function Flows({ host, vf, netdev }: { readonly host: string; readonly vf: VfObject; readonly netdev: string }) {
  const queries = useQueryClient();
  const whyNotRole = useWhyNot("operator");
  const { data, error } = useQuery({
    queryKey: ["traffic", host],
    queryFn: () => api.ask("GET /hosts/{host}/traffic", { path: { host } }),
    refetchInterval: 2000,
  });
  const again = () => queries.invalidateQueries({ queryKey: ["traffic", host] });
  const stop = useMutation({
    mutationFn: (id: number) => api.ask("DELETE /hosts/{host}/traffic/{id}", { path: { host, id } }),
    onSettled: again,
  });
  const start = useMutation({
    mutationFn: (flow: Pick<Flow, "netdev" | "from" | "to" | "framesPerSecond" | "bytes">) =>
      api.ask("POST /hosts/{host}/traffic", { path: { host }, body: flow }),
    onSettled: again,
  });
  const { vfIndex } = vf.status;
  const own = data?.items.filter((flow) => flow.netdev === netdev && (flow.from === vfIndex || flow.to === vfIndex));
  return (
    <section className="stack" aria-label="Flows of the model">
      <h3>Flows of the model</h3>
      {error && <Failure title="The flows cannot be read" error={error} />}
      {own?.length === 0 && <p className="muted">No flow begins or ends here.</p>}
      <ul className="plain-list">
        {own?.map((flow) => (
          <li key={flow.id} className="row spread">
            <span>
              {endWords(flow.from)} to {endWords(flow.to)}: {flow.framesPerSecond} frames/s of {flow.bytes} bytes;{" "}
              {flow.received} of {flow.sent} arrived
            </span>
            <ActionButton whyNot={whyNotRole} onClick={() => stop.mutate(flow.id)}>
              Stop
            </ActionButton>
          </li>
        ))}
      </ul>
      <StartFlow
        vf={vf}
        whyNot={whyNotRole}
        onStart={(flow) => start.mutateAsync({ ...flow, netdev, from: vfIndex })}
      />
      {start.error && <Failure title="The flow was not started" error={start.error} />}
      {stop.error && <Failure title="The flow was not stopped" error={stop.error} />}
    </section>
  );
}

const PF = "pf";

interface StartFlowProps {
  readonly vf: VfObject;
  readonly whyNot: string | undefined;
  readonly onStart: (flow: Pick<Flow, "to" | "framesPerSecond" | "bytes">) => Promise<unknown>;
}

function StartFlow({ vf, whyNot, onStart }: StartFlowProps) {
  const id = useId();
  const others = useObjects("VirtualFunction").filter(
    ({ status }) => status.pf === vf.status.pf && status.vfIndex !== vf.status.vfIndex,
  );
  const [chosen, setChosen] = useState("");
  // Of its own: a mutation is told of as pending later than a second click can come.
  const [isBusy, setBusy] = useState(false);
  const to = others.find(({ status }) => chosen === String(status.vfIndex)) ?? (chosen === PF ? undefined : others[0]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    const started = onStart({
      to: to === undefined ? PF : to.status.vfIndex,
      framesPerSecond: Number(form.get("framesPerSecond")),
      bytes: Number(form.get("bytes")),
    });
    // What is wrong with it is told beside the form.
    started.catch(() => {}).finally(() => setBusy(false));
  };
  return (
    <form className="row" aria-label="New flow" onSubmit={submit}>
      <label htmlFor={`${id}-to`}>Send to</label>
      <LongSelect
        id={`${id}-to`}
        value={to === undefined ? PF : String(to.status.vfIndex)}
        words={to === undefined ? "the PF" : vfWords(to)}
        options={() => [
          ...others.map((each) => ({ value: String(each.status.vfIndex), words: vfWords(each) })),
          { value: PF, words: "the PF" },
        ]}
        onChange={setChosen}
      />
      <label>
        Frames/s
        <input name="framesPerSecond" type="number" min={1} max={100_000} defaultValue={1000} required />
      </label>
      <label>
        Bytes
        <input name="bytes" type="number" min={64} max={1518} defaultValue={512} required />
      </label>
      <ActionButton type="submit" whyNot={whyNot ?? (isBusy ? "It is being started." : undefined)}>
        Send
      </ActionButton>
    </form>
  );
}

function vfWords({ status }: VfObject): string {
  return `VF ${status.vfIndex}${status.guest === null ? "" : `, ${status.guest}`}`;
}

function endWords(end: number | "pf"): string {
  return end === "pf" ? "the PF" : `VF ${end}`;
}
