import { type PointerEvent, type RefObject, useMemo, useRef } from "react";

/** So far a press that moves is still a click. */
const CLICK_PX = 4;

/** Moves what scrolls by the mouse; fingers do it by themselves. */
export function useDrag(scroller: RefObject<HTMLElement | null>) {
  const from = useRef<{ x: number; y: number; left: number; top: number } | undefined>(undefined);
  const isMoved = useRef(false);
  const handlers = useMemo(
    () => ({
      onPointerDown: ({ pointerType, button, clientX: x, clientY: y }: PointerEvent) => {
        isMoved.current = false;
        if (pointerType !== "mouse" || button !== 0 || scroller.current === null) return;
        from.current = { x, y, left: scroller.current.scrollLeft, top: scroller.current.scrollTop };
        const moved = (event: globalThis.PointerEvent) => {
          const start = from.current;
          if (start === undefined) return;
          const [right, down] = [event.clientX - start.x, event.clientY - start.y];
          if (Math.hypot(right, down) > CLICK_PX) isMoved.current = true;
          if (isMoved.current) scroller.current?.scrollTo(start.left - right, start.top - down);
        };
        const end = new AbortController();
        const { signal } = end;
        const ended = () => {
          from.current = undefined;
          end.abort();
          // The click that ends a move comes next; one by a key that comes later is a click.
          setTimeout(() => {
            isMoved.current = false;
          });
        };
        addEventListener("pointermove", moved, { signal });
        addEventListener("pointerup", ended, { signal });
        addEventListener("pointercancel", ended, { signal });
      },
    }),
    [scroller],
  );
  /** Whether the click that comes now ends a move. */
  return { handlers, hasMoved: () => isMoved.current };
}
