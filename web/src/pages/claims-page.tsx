import { lazy, Suspense } from "react";
import { ClaimList } from "../claims/claim-list.tsx";

/** Apart from the page: with it comes all that reads YAML. */
const ClaimMaker = lazy(async () => ({ default: (await import("../claims/claim-maker.tsx")).ClaimMaker }));

/** Which VFs are kept for whom, and how to keep some. */
export function ClaimsPage({ host }: { readonly host: string }) {
  return (
    <div className="stack">
      <ClaimList host={host} />
      <Suspense fallback={<p className="muted">Loading the form…</p>}>
        <ClaimMaker host={host} />
      </Suspense>
    </div>
  );
}
