import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import type { VirtualFunctionObject } from "../api/objects.ts";
import type { HolderBox, PfBar } from "./machine-plan.ts";
import { Places } from "./places.tsx";
import type { Machine } from "./use-machine.ts";
import { vfStateOf } from "./vf-state.ts";
import { groupSizeOf, holderFacts, holderLabel, pfFacts, pfLabel, vfFacts, vfLabel } from "./words.ts";

interface MachineListProps {
  readonly host: string;
  readonly machine: Machine;
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

type Row =
  | { readonly name: string; readonly bar: PfBar; readonly vf?: VirtualFunctionObject }
  | { readonly name: string; readonly bar: PfBar; readonly places: number }
  | { readonly name: string; readonly holder: HolderBox };

const ROW_PX = 52;

/** The same as the drawing, as rows: PFs with their VFs, then guests. As many rows as fit are there. */
export function MachineList({ host, machine, chosen, onChoose }: MachineListProps) {
  const { plan, found } = machine;
  const rows = useMemo(() => {
    const names = found && new Set(found);
    const all: readonly Row[] = [
      ...plan.bars.flatMap(rowsOf),
      ...plan.holders.filter(({ isGuest }) => isGuest).map((holder): Row => ({ name: holder.key, holder })),
    ];
    return names ? all.filter(({ name }) => names.has(name)) : all;
  }, [plan, found]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  return (
    <div ref={scroller} className="machine-list card">
      <ul aria-label="PFs, VFs and guests" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          return (
            row && (
              <li
                key={row.name}
                aria-setsize={rows.length}
                aria-posinset={index + 1}
                style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
              >
                <RowContent row={row} host={host} machine={machine} chosen={chosen} onChoose={onChoose} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

function rowsOf(bar: PfBar): readonly Row[] {
  const vfs = bar.cells.filter((vf) => vf !== undefined);
  const { name } = bar.pf.metadata;
  const places = bar.cells.length - vfs.length;
  return [
    { name, bar },
    ...vfs.map((vf): Row => ({ name: vf.metadata.name, bar, vf })),
    ...(places > 0 ? [{ name: `${name} places`, bar, places }] : []),
  ];
}

function RowContent({ row, host, machine, chosen, onChoose }: MachineListProps & { readonly row: Row }) {
  if ("places" in row) return <Places host={host} bar={row.bar} />;
  const [label, facts, state] = wordsOf(row, machine);
  return (
    <button
      type="button"
      className={`machine-row ${"bar" in row && row.vf === undefined ? "pf" : ""}`}
      aria-pressed={row.name === chosen}
      onClick={() => onChoose(row.name)}
    >
      {state !== undefined && <span className={`swatch ${state.replace(" ", "-")}`} aria-hidden="true" />}
      <span className="machine-row-words">
        <span>{label}</span>
        <span className="muted">{facts}</span>
      </span>
    </button>
  );
}

function wordsOf(
  row: Exclude<Row, { readonly places: number }>,
  { plan, rates }: Machine,
): readonly [string, string, string?] {
  if ("holder" in row) return [holderLabel(row.holder), holderFacts(row.holder, rates.ofHolder(row.holder.key))];
  const { bar, vf } = row;
  if (vf === undefined) return [pfLabel(bar), pfFacts(bar)];
  const size = groupSizeOf(plan, vf.status.iommuGroup);
  return [vfLabel(vf), vfFacts(vf, size, rates.ofVf(vf.metadata.name)), vfStateOf(vf)];
}
