import { fileURLToPath } from "node:url";
import { API_VERSION } from "../../../../src/fleet/objects.ts";
import { observedObjects } from "../../../../src/fleet/observe-objects.ts";
import { observeHost } from "../../../../src/host/state/observe-host.ts";
import { openSnapshot } from "../../../../src/kernel/snapshot/snapshot-kernel.ts";
import type { ObjectOf, ObservedKind, ObservedObject } from "../../api/objects.ts";

/** The objects of a kind of a captured host (fixtures/hosts), as a server would have them. */
export async function capturedObjects<Kind extends ObservedKind>(
  host: string,
  kind: Kind,
): Promise<readonly ObjectOf<Kind>[]> {
  const path = fileURLToPath(new URL(`../../../../fixtures/hosts/${host}.tar.gz`, import.meta.url));
  const state = await observeHost(await openSnapshot(path));
  const observed = observedObjects(
    state,
    { source: `snapshot:${host}`, since: "2026-01-01T00:00:00Z", intervalMs: 5000 },
    "nothing",
    () => "a device",
  );
  return observed
    .map(({ kind: of, name, status }) => {
      return {
        apiVersion: API_VERSION,
        kind: of,
        metadata: { name, host, resourceVersion: "1" },
        status,
      } as ObservedObject;
    })
    .filter((object): object is ObjectOf<Kind> => object.kind === kind);
}

/** One that is sure to be there. */
export function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new TypeError("there is none");
  return item;
}
