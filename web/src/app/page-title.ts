import { useEffect } from "react";

/** What the tab, the history and bookmarks call a page. */
export function usePageTitle(...parts: readonly string[]): void {
  const title = [...parts, "vfleet"].join(" · ");
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = "vfleet";
    };
  }, [title]);
}
