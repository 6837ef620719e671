import { useQuery } from "@tanstack/react-query";
import { api } from "../api/session.ts";
import { Failure } from "../app/failure.tsx";
import { FactList } from "./fact-list.tsx";
import { functionFacts } from "./facts.ts";
import { RegistersOnDemand } from "./on-demand.tsx";
import { PanelLink } from "./panel-link.tsx";
import { Section } from "./section.tsx";

/** A function that is no object of the host, as a root port or a port of a switch. */
export function FunctionPanel({ host, bdf }: { readonly host: string; readonly bdf: string }) {
  const { data, error } = useQuery({
    queryKey: ["function", host, bdf],
    queryFn: ({ signal }) => api.ask("GET /hosts/{host}/functions/{bdf}", { path: { host, bdf } }, signal),
  });
  if (error && data === undefined) return <Failure title="It cannot be shown" error={error} />;
  if (data === undefined) return <p className="muted">Reading it…</p>;
  return (
    <>
      {data.parent !== null && (
        <p>
          below <PanelLink host={host} name={data.parent} />
        </p>
      )}
      <FactList facts={functionFacts(data)} />
      <Section title="Registers" isOpenAtFirst>
        {() => <RegistersOnDemand host={host} bdf={bdf} />}
      </Section>
    </>
  );
}
