/** Whether a text fits a pattern in which `*` stands for any characters, letter case aside. */
export function fitsPattern(text: string, pattern: string): boolean {
  const [head = "", ...rest] = pattern.toLowerCase().split("*");
  const subject = text.toLowerCase();
  const tail = rest.pop();
  if (tail === undefined) return subject === head;
  if (!subject.startsWith(head)) return false;
  let at = head.length;
  // The leftmost place of each part leaves the most for the others; no regular expression, which could backtrack.
  for (const part of rest) {
    const found = subject.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return subject.length - tail.length >= at && subject.endsWith(tail);
}
