/** The positions of the bits of a 32-bit value that are set, lowest first. */
export function setBits(value: number): number[] {
  const positions: number[] = [];
  for (let rest = value, position = 0; rest !== 0; rest >>>= 1, position++) if (rest & 1) positions.push(position);
  return positions;
}
