import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Route, Switch } from "wouter";
import { ApiProblem } from "../../../src/client/api-problem.ts";
import { api, session } from "../api/session.ts";
import { AuditPage } from "../pages/audit-page.tsx";
import { FleetPage } from "../pages/fleet-page.tsx";
import { HostPages } from "../pages/host-pages.tsx";
import { Failure } from "./failure.tsx";
import { PersonProvider } from "./person.tsx";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";

/** After a failure. */
const AGAIN_MS = 5000;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => !(error instanceof ApiProblem && error.status > 0) && count < 3,
      // A server on the loopback, or behind a tunnel, is there whatever the browser thinks of the network.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

export function App() {
  if (session.token === null) return <SignIn />;
  return (
    <QueryClientProvider client={queries}>
      <SignedIn />
    </QueryClientProvider>
  );
}

/** Who the token is for decides what can be done, so it is asked first. */
function SignedIn() {
  const { data, error } = useQuery({
    queryKey: ["whoami"],
    queryFn: () => api.ask("GET /whoami"),
    refetchInterval: ({ state: { error } }) => (error === null || isRefused(error) ? false : AGAIN_MS),
  });
  if (isRefused(error)) {
    return <SignIn refused="The server does not know this token: it may have been revoked." />;
  }
  // Who it was is still who it is, where it cannot be asked once more.
  if (error && data === undefined) return <Failure title="vfleet cannot be reached" error={error} />;
  if (data === undefined) return <p className="page muted">Asking the server who this is…</p>;
  return (
    <PersonProvider person={data}>
      <Shell>
        <Switch>
          <Route path="/" component={FleetPage} />
          <Route path="/hosts/:host/*?">{({ host }) => <HostPages host={hostNamed(host)} />}</Route>
          <Route path="/audit" component={AuditPage} />
          <Route>
            <Failure
              title="There is no such page"
              error={new ApiProblem({ status: 404, code: "", detail: location.pathname, remedy: "go to the fleet" })}
            />
          </Route>
        </Switch>
      </Shell>
    </PersonProvider>
  );
}

function isRefused(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 401;
}

/** The router has taken the escapes out, but for those that would be separators; what is none is part of the name. */
function hostNamed(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
