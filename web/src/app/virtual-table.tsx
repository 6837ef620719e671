import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useRef } from "react";
import "./virtual-table.css";

interface VirtualTableProps {
  readonly label: string;
  /** All rows, shown or not. */
  readonly count: number;
  /** All are as high. */
  readonly rowPx: number;
  readonly head: ReactNode;
  /** A `tr` with `aria-rowindex`, counted with the head from 1. */
  readonly row: (index: number) => ReactNode;
}

/** Thousands of rows are as many as fit; the others are room above and below. */
export function VirtualTable({ label, count, rowPx, head, row }: VirtualTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 4,
    // Rendering at once for each event of a scroll costs half of the frames.
    useFlushSync: false,
  });
  const shown = rows.getVirtualItems();
  const above = shown[0]?.start ?? 0;
  const below = rows.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keyboard, too
    <section ref={scroller} className="card virtual-table" aria-label={label} tabIndex={0}>
      <table aria-rowcount={count + 1}>
        <thead>{head}</thead>
        <tbody>
          <Room height={above} />
          {shown.map(({ index }) => row(index))}
          <Room height={below} />
        </tbody>
      </table>
    </section>
  );
}

function Room({ height }: { readonly height: number }) {
  return height > 0 ? <tr style={{ height }} /> : null;
}
