import { useMemo } from "react";
import { bitRate, frameRate } from "../machine/rate-words.ts";
import { type Rate, type Sample, sumOfRates, sumOfSamples } from "../machine/traffic.ts";
import { useTraffic } from "../machine/traffic-provider.tsx";
import { Plot } from "./plot.tsx";
import { mostOf, plotData, SHOWN_SECONDS } from "./throughput-data.ts";

interface Shown {
  readonly title: string;
  readonly rx: keyof Rate;
  readonly tx: keyof Rate;
  readonly words: (rate: number | null) => string;
}

const PLOTS: readonly Shown[] = [
  { title: "Bits", rx: "rxBitsPerS", tx: "txBitsPerS", words: bitRate },
  { title: "Frames", rx: "rxFramesPerS", tx: "txFramesPerS", words: frameRate },
  { title: "Drops", rx: "rxDropsPerS", tx: "txDropsPerS", words: frameRate },
];
const MS = 1000;

/** What VFs received and transmitted together in the last five minutes. */
export function Throughput({ vfs }: { readonly vfs: readonly string[] }) {
  const traffic = useTraffic();
  const { version } = traffic;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the history is one; its version tells when there is more in it
  const samples = useMemo(() => {
    const all = vfs.map((name) => traffic.samplesOf(name));
    return all.length === 1 && all[0] !== undefined ? [...all[0]] : sumOfSamples(all);
  }, [vfs, version]);
  const rate = sumOfRates(vfs.map((name) => traffic.rateOf(name)));
  const unknown = vfs.filter((name) => traffic.rateOf(name) === undefined).length;
  if (!samples.some((sample) => sample.rate !== null)) {
    return (
      <p className="muted">
        Unknown so far: nothing was counted between two looks. A driver that counts nothing of its VFs never tells.
      </p>
    );
  }
  return (
    <>
      {unknown > 0 && vfs.length > 1 && (
        <p className="muted">
          Of {vfs.length - unknown} of {vfs.length} VFs; what the others do is unknown.
        </p>
      )}
      {PLOTS.map((shown) => (
        <ThroughputPlot key={shown.title} shown={shown} samples={samples} rate={rate} />
      ))}
    </>
  );
}

interface ThroughputPlotProps {
  readonly shown: Shown;
  readonly samples: readonly Sample[];
  readonly rate: Rate | undefined;
}

function ThroughputPlot({ shown: { title, rx, tx, words }, samples, rate }: ThroughputPlotProps) {
  const data = useMemo(() => plotData(samples, [rx, tx]), [samples, rx, tx]);
  const to = (samples.at(-1)?.atMs ?? 0) / MS;
  const [received, transmitted] = [words(rate?.[rx] ?? null), words(rate?.[tx] ?? null)];
  if (mostOf(samples, rx) === undefined && mostOf(samples, tx) === undefined) {
    return (
      <p>
        {title}: <span className="muted">not counted</span>
      </p>
    );
  }
  const most = (key: keyof Rate) => words(mostOf(samples, key) ?? null);
  return (
    <figure className="throughput">
      <figcaption className="row spread">
        <strong>{title}</strong>
        <span className="rate">
          <Key isDashed={false} /> received {received}
        </span>
        <span className="rate">
          <Key isDashed /> transmitted {transmitted}
        </span>
      </figcaption>
      <Plot
        label={`${title} of the last 5 minutes: received ${received} now and ${most(rx)} at most, transmitted ${transmitted} now and ${most(tx)} at most`}
        lines={[
          { label: "received", token: "--traffic", isDashed: false },
          { label: "transmitted", token: "--accent", isDashed: true },
        ]}
        data={data}
        from={to - SHOWN_SECONDS}
        to={to}
        words={words}
      />
    </figure>
  );
}

/** The line as it is drawn. */
function Key({ isDashed }: { readonly isDashed: boolean }) {
  return <span aria-hidden="true" className={`line-key ${isDashed ? "dashed" : ""}`} />;
}
