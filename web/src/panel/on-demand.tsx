import { type ComponentProps, lazy, Suspense } from "react";
import { ErrorBoundary } from "../app/error-boundary.tsx";

// The standard's tables and the plots are as much code as the rest of the page: they come when they are looked at.
const RegisterList = lazy(async () => ({ default: (await import("./register-list.tsx")).RegisterList }));
const Throughput = lazy(async () => ({ default: (await import("./throughput.tsx")).Throughput }));

export function RegistersOnDemand(props: ComponentProps<typeof RegisterList>) {
  return (
    <ErrorBoundary>
      <Suspense fallback={<p className="muted">Loading the standard's registers…</p>}>
        <RegisterList {...props} />
      </Suspense>
    </ErrorBoundary>
  );
}

export function ThroughputOnDemand(props: ComponentProps<typeof Throughput>) {
  return (
    <ErrorBoundary>
      <Suspense fallback={<p className="muted">Loading the plots…</p>}>
        <Throughput {...props} />
      </Suspense>
    </ErrorBoundary>
  );
}
