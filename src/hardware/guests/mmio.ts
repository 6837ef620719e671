/** A BAR that a driver has mapped: dwords, as `readl` and `writel`. */
export interface Mmio {
  read32(offset: number): number;
  write32(offset: number, value: number): void;
}
