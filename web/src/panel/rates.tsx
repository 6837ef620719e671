import { sumOfRates } from "../machine/traffic.ts";
import { useTraffic } from "../machine/traffic-provider.tsx";

/** What goes through VFs together, in words. */
export function Rates({ vfs }: { readonly vfs: readonly string[] }) {
  const traffic = useTraffic();
  const rate = sumOfRates(vfs.map((name) => traffic.rateOf(name)));
  if (rate === undefined) return <p className="muted">Traffic: unknown</p>;
  const bits = (value: number | null) => (value === null ? "unknown" : `${(value / 1e6).toFixed(1)} Mbit/s`);
  return (
    <p>
      Receives {bits(rate.rxBitsPerS)}, transmits {bits(rate.txBitsPerS)}
    </p>
  );
}
