export function isCount(text: string): boolean {
  return /^\d{1,7}$/.test(text);
}

/** A VF by its number, or the PF's own interface; undefined of anything else. */
export function trafficEnd(text: string): number | "pf" | undefined {
  if (text === "pf") return text;
  return isCount(text) ? Number(text) : undefined;
}
