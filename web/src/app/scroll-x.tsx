import type { ReactNode } from "react";

interface ScrollXProps {
  /** What is in it. */
  readonly label: string;
  readonly isCard?: boolean;
  readonly children: ReactNode;
}

/** What is wider than its place, scrolled there: by keyboard, too. */
export function ScrollX({ label, isCard = false, children }: ScrollXProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keyboard, too
    <section className={isCard ? "card scroll-x" : "scroll-x"} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
