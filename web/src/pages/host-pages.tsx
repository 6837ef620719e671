import { useCallback } from "react";
import { Route, Switch, useLocation, useRoute } from "wouter";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import { LiveProvider, useLiveState, useObjects } from "../api/use-live.tsx";
import { ErrorBoundary } from "../app/error-boundary.tsx";
import { Failure } from "../app/failure.tsx";
import { useKey } from "../app/keyboard.ts";
import { LiveNotice } from "../app/live-notice.tsx";
import { NavLink } from "../app/nav-link.tsx";
import { usePageTitle } from "../app/page-title.ts";
import { ChangeProvider } from "../change/change-provider.tsx";
import { MachinePage } from "../machine/machine-page.tsx";
import { TrafficProvider } from "../machine/traffic-provider.tsx";
import { ChangePage } from "./change-page.tsx";
import { ClaimsPage } from "./claims-page.tsx";
import { GuestsPage } from "./guests-page.tsx";
import { hostVerdict } from "./host-verdict.ts";
import { OperationsPage } from "./operations-page.tsx";

/** All pages of one host, over one watch of its objects. */
export function HostPages({ host }: { readonly host: string }) {
  return (
    <LiveProvider key={host} scope={{ host }}>
      <TrafficProvider>
        <ChangeProvider host={host}>
          <Host name={host} />
        </ChangeProvider>
      </TrafficProvider>
    </LiveProvider>
  );
}

/** By their place in the address. */
const PAGES: Readonly<Record<string, string>> = {
  change: "Change",
  guests: "Guests",
  claims: "Claims",
  operations: "Operations",
};

function Host({ name }: { readonly name: string }) {
  const base = `/hosts/${encodeURIComponent(name)}`;
  const [, go] = useLocation();
  const live = useLiveState();
  const [host] = useObjects("Host");
  const [, place] = useRoute("/hosts/:host/:page/*?");
  const isChange = place?.page === "change";
  useKey(
    "p",
    // There already, it would only take the PF out of the address.
    useCallback(() => isChange || go(`${base}/change`), [go, base, isChange]),
  );
  usePageTitle(PAGES[place?.page ?? ""] ?? "Machine", name);
  if (host === undefined) {
    if (live.state === "cut off")
      return (
        <div className="page">
          <Failure title={`${name} cannot be shown`} error={live.error} />
        </div>
      );
    return <p className="page muted">Reading {name}…</p>;
  }
  const verdict = hostVerdict(host);
  return (
    <div className="page host">
      <div className="row spread">
        <h1>
          {name}{" "}
          <span className={`${verdict.tone} host-verdict`}>
            {verdict.mark} {verdict.words}
          </span>
        </h1>
        <nav aria-label={`Pages of ${name}`}>
          <NavLink to={base} exact>
            Machine
          </NavLink>
          <NavLink to={`${base}/change`}>Change</NavLink>
          <NavLink to={`${base}/guests`}>Guests</NavLink>
          <NavLink to={`${base}/claims`}>Claims</NavLink>
          <NavLink to={`${base}/operations`}>Operations</NavLink>
        </nav>
      </div>
      <LiveNotice />
      {!host.status.reachable && (
        <Failure
          title={`${name} cannot be read; what is shown is as it was at ${new Date(host.status.since).toLocaleString()}`}
          error={new Error(host.status.problem ?? "")}
        />
      )}
      <ErrorBoundary>
        <Switch>
          <Route path="/hosts/:host">
            <MachinePage host={name} />
          </Route>
          <Route path="/hosts/:host/change">
            <ChangePage host={name} />
          </Route>
          <Route path="/hosts/:host/guests">
            <GuestsPage host={name} />
          </Route>
          <Route path="/hosts/:host/claims">
            <ClaimsPage host={name} />
          </Route>
          <Route path="/hosts/:host/operations/:number?">
            {({ number }) => <OperationsPage host={name} number={number === undefined ? undefined : Number(number)} />}
          </Route>
          <Route>
            <Failure
              title="There is no such page"
              error={new ApiProblem({ status: 404, code: "", detail: location.pathname, remedy: "go to the machine" })}
            />
          </Route>
        </Switch>
      </ErrorBoundary>
    </div>
  );
}
