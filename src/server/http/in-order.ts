/**
 * Of routes whose answers commands print as JSON: their fields stay in the order that commands have them in, which serializing by a
 * schema would not keep.
 */
export function inOrder(): (answer: unknown) => string {
  return (answer) => JSON.stringify(answer);
}
