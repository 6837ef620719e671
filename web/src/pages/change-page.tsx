import { lazy, Suspense } from "react";

/** Apart from the page: with it comes all that reads YAML. */
const ChangeWorkshop = lazy(async () => ({
  default: (await import("../change/change-workshop.tsx")).ChangeWorkshop,
}));

/** Changes of a host by documents. */
export function ChangePage({ host }: { readonly host: string }) {
  return (
    <Suspense fallback={<p className="muted">Loading the editor…</p>}>
      <ChangeWorkshop host={host} />
    </Suspense>
  );
}
