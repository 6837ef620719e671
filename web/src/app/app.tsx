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

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => !(error instanceof ApiProblem && error.status > 0) && count < 3 },
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
  const { data, error } = useQuery({ queryKey: ["whoami"], queryFn: () => api.ask("GET /whoami") });
  if (error instanceof ApiProblem && error.status === 401) {
    return <SignIn refused="The server does not know this token: it may have been revoked." />;
  }
  if (error) return <Failure title="vfleet cannot be reached" error={error} />;
  if (data === undefined) return <p className="page muted">Asking the server who this is…</p>;
  return (
    <PersonProvider person={data}>
      <Shell>
        <Switch>
          <Route path="/" component={FleetPage} />
          <Route path="/hosts/:host/*?">{({ host }) => <HostPages host={decodeURIComponent(host)} />}</Route>
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
