import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface PlotLine {
  readonly label: string;
  /** A colour of the theme, as `--traffic`. */
  readonly token: string;
  readonly isDashed: boolean;
}

interface PlotProps {
  /** What is seen, in words: the drawing itself says nothing to those who cannot see it. */
  readonly label: string;
  readonly lines: readonly PlotLine[];
  /** Seconds, then the values of each line; null: unknown, a gap. */
  readonly data: uPlot.AlignedData;
  /** Seconds, as the data has them. */
  readonly from: number;
  readonly to: number;
  readonly words: (value: number) => string;
}

const HEIGHT = 96;
const AXIS_WIDTH = 84;

/** Rates over the last minutes. Each value is that of the time since the one before, so lines are steps. */
export function Plot({ label, lines, data, from, to, words }: PlotProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const range = useRef([from, to]);
  range.current = [from, to];
  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot is made once; data and range follow below
  useEffect(() => {
    const holder = element.current;
    if (holder === null) return;
    const made = new uPlot(optionsFor(holder, lines, words, range), data, holder);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: HEIGHT }));
    resized.observe(holder);
    const unfollow = onTheme(() => made.redraw());
    return () => {
      resized.disconnect();
      unfollow();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div ref={element} className="plot" role="img" aria-label={label} />;
}

function optionsFor(
  holder: HTMLElement,
  lines: readonly PlotLine[],
  words: (value: number) => string,
  range: { readonly current: readonly number[] },
): uPlot.Options {
  const muted = () => colour(holder, "--muted");
  const grid = { stroke: () => colour(holder, "--line"), width: 1 };
  const font = `11px ${getComputedStyle(holder).fontFamily}`;
  return {
    width: holder.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 8, 0, 0],
    scales: {
      x: { time: false, range: () => [range.current[0] ?? 0, range.current[1] ?? 1] },
      // Of nothing there is no less.
      y: { range: (_, _least, most) => [0, Math.max(most ?? 0, 1) * 1.1] },
    },
    axes: [
      {
        stroke: muted,
        grid,
        ticks: { show: false },
        font,
        size: 22,
        splits: () => minutes(range.current[1] ?? 0),
        values: (_, splits) => splits.map((split) => agoWords((range.current[1] ?? 0) - split)),
      },
      {
        stroke: muted,
        grid,
        ticks: { show: false },
        font,
        size: AXIS_WIDTH,
        space: 28,
        values: (_, splits) => splits.map(words),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, token, isDashed }) => ({
        label,
        stroke: () => colour(holder, token),
        width: 1.5,
        ...(isDashed ? { dash: [5, 4] } : {}),
        points: { show: false },
        ...(stepsBefore ? { paths: stepsBefore } : {}),
      })),
    ],
  };
}

const stepsBefore = uPlot.paths.stepped?.({ align: -1 });

function minutes(to: number): number[] {
  return [240, 180, 120, 60, 0].map((ago) => to - ago);
}

function agoWords(seconds: number): string {
  return seconds < 1 ? "now" : `-${Math.round(seconds / 60)} min`;
}

/** As the theme has it now. A custom property alone would read as it was written, with both themes' values. */
function colour(holder: HTMLElement, token: string): string {
  holder.style.color = `var(${token})`;
  const { color } = getComputedStyle(holder);
  holder.style.color = "";
  return color;
}

function onTheme(changed: () => void): () => void {
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", changed);
  return () => {
    chosen.disconnect();
    system.removeEventListener("change", changed);
  };
}
