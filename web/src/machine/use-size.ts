import { type RefObject, useLayoutEffect, useState } from "react";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How large an element is, in whole pixels; 0 before it is known. */
export function useSize(element: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return;
    const read = () => {
      const [width, height] = [current.clientWidth, current.clientHeight];
      setSize((last) => (last.width === width && last.height === height ? last : { width, height }));
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
