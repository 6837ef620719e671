/** Which VF a claim has. Plain data, kept in the state folder, so that a claim keeps its VFs. */
export interface Allocation {
  /** The claim's name. */
  readonly claim: string;
  /** `PfIdentity.key` */
  readonly pfKey: string;
  readonly vfIndex: number;
  /** The MAC address that the VF has by it, `random` ones included; null where the claim's VF has none of its own. */
  readonly mac: string | null;
}
