/** Which VF a claim has. Plain data, kept in the state folder, so that a claim keeps its VFs. */
export interface Allocation {
  /** The claim's name. */
  readonly claim: string;
  /** Who is to have the VF, as the claim names it; left out in records from before that was kept. */
  readonly guest?: string;
  /** Until when the claim has it, as of VfClaim; left out: until it is released. */
  readonly lifetime?: string;
  /** Whether its guest was seen since the claim has it: a `lifetime` of the guest's can end from then on. */
  readonly guestSeen?: boolean;
  /** The claim asks for fewer by now, or for others: nobody's until it is released. */
  readonly left?: boolean;
  /** `PfIdentity.key` */
  readonly pfKey: string;
  readonly vfIndex: number;
  /** The MAC address that the VF has by it, `random` ones included; null where the claim's VF has none of its own. */
  readonly mac: string | null;
}
