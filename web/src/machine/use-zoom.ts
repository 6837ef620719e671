import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useKey } from "../app/keyboard.ts";

const MOST = 4;

export interface Zoom {
  readonly value: number;
  /** By a factor; what is in the middle stays there. */
  readonly by: (factor: number) => void;
  readonly fit: () => void;
}

/** A place of the view that shows the same before and after. */
interface Anchor {
  readonly x: number;
  readonly y: number;
  /** In pixels of the drawing. */
  readonly atX: number;
  readonly atY: number;
}

/** How large the drawing is: by Ctrl and the wheel, by + - 0, or by buttons. @param fitted at which all of it is seen */
export function useZoom(scroller: RefObject<HTMLElement | null>, fitted: number): Zoom {
  const [wanted, setWanted] = useState<number>();
  const value = wanted ?? fitted;
  const latest = useRef({ value, fitted });
  latest.current = { value, fitted };
  const anchor = useRef<Anchor | undefined>(undefined);
  const by = useCallback(
    (factor: number, x?: number, y?: number) => {
      const element = scroller.current;
      if (element === null) return;
      const { value: now, fitted: least } = latest.current;
      const next = Math.min(MOST, Math.max(least, now * factor));
      const [atX, atY] = [x ?? element.clientWidth / 2, y ?? element.clientHeight / 2];
      anchor.current = { x: atX, y: atY, atX: (element.scrollLeft + atX) / now, atY: (element.scrollTop + atY) / now };
      setWanted(next <= least ? undefined : next);
    },
    [scroller],
  );
  useLayoutEffect(() => {
    const { current } = anchor;
    anchor.current = undefined;
    if (current === undefined) return;
    scroller.current?.scrollTo(current.atX * value - current.x, current.atY * value - current.y);
  }, [scroller, value]);
  useEffect(() => {
    const element = scroller.current;
    const turned = (event: WheelEvent) => {
      if (!event.ctrlKey || element === null) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      by(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    };
    element?.addEventListener("wheel", turned, { passive: false });
    return () => element?.removeEventListener("wheel", turned);
  }, [scroller, by]);
  const fit = useCallback(() => setWanted(undefined), []);
  const larger = useCallback(() => by(1.4), [by]);
  useKey("+", larger);
  useKey("=", larger);
  useKey(
    "-",
    useCallback(() => by(1 / 1.4), [by]),
  );
  useKey("0", fit);
  return { value, by, fit };
}
