import {
  addressWords,
  E1000_VF_MAC_FILTER_ADD,
  E1000_VF_SET_LPE,
  E1000_VF_SET_MAC_ADDR,
  E1000_VF_SET_MULTICAST,
  E1000_VF_SET_PROMISC,
  E1000_VF_SET_PROMISC_MULTICAST,
  E1000_VF_SET_VLAN,
  E1000_VT_MSGINFO_SHIFT,
  isZeroAddress,
} from "./mailbox-messages.ts";

/** Words of a mailbox. */
const MOST_WORDS = 16;
/** Address and filters, groups, promiscuity, frame size, VLANs: no more can be asked for. */
const MOST_REQUESTS = 64;

/** What a VF's software has asked its PF for, and has. */
export interface VfRequests {
  readonly address: Uint8Array;
  /** Further unicast addresses. */
  readonly macFilters: readonly Uint8Array[];
  readonly multicastHashes: readonly number[];
  /** As many as were asked for. */
  readonly multicastCount: number;
  readonly multicastPromiscuous: boolean;
  /** 0 where it asked for none. */
  readonly maximumFrame: number;
  readonly vlans: readonly number[];
}

/** The messages that bring another PF to the same: what a VF's driver has sent since its reset, without what it took back. */
export function requestMessages(requests: VfRequests): readonly (readonly number[])[] {
  const { address, macFilters, multicastHashes, multicastCount, multicastPromiscuous, maximumFrame, vlans } = requests;
  const groups = new Array<number>(MOST_WORDS).fill(0);
  groups[0] = E1000_VF_SET_MULTICAST | (multicastCount << E1000_VT_MSGINFO_SHIFT);
  multicastHashes.forEach((hash, index) => {
    const word = 1 + (index >> 1);
    groups[word] = ((groups[word] as number) | (hash << ((index & 1) * 16))) >>> 0;
  });
  return [
    ...(isZeroAddress(address) ? [] : [[E1000_VF_SET_MAC_ADDR, ...addressWords(address)]]),
    ...macFilters.map((each) => [E1000_VF_SET_MAC_ADDR | E1000_VF_MAC_FILTER_ADD, ...addressWords(each)]),
    groups,
    ...(multicastPromiscuous ? [[E1000_VF_SET_PROMISC | E1000_VF_SET_PROMISC_MULTICAST]] : []),
    ...(maximumFrame === 0 ? [] : [[E1000_VF_SET_LPE, maximumFrame]]),
    ...vlans.map((vid) => [E1000_VF_SET_VLAN | (1 << E1000_VT_MSGINFO_SHIFT), vid]),
  ];
}

/** Whether something that came from elsewhere are such messages. */
export function areRequestMessages(value: unknown): value is number[][] {
  const isDword = (word: unknown) =>
    typeof word === "number" && Number.isInteger(word) && word >= 0 && word <= 0xffff_ffff;
  return (
    Array.isArray(value) &&
    value.length <= MOST_REQUESTS &&
    value.every(
      (message) =>
        Array.isArray(message) && message.length > 0 && message.length <= MOST_WORDS && message.every(isDword),
    )
  );
}

/** What a message asks for, in words. */
export function describeRequest(message: readonly number[]): string {
  switch ((message[0] as number) & 0xffff) {
    case E1000_VF_SET_MAC_ADDR:
      return "its MAC address";
    case E1000_VF_SET_MULTICAST:
      return "its multicast groups";
    case E1000_VF_SET_PROMISC:
      return "all multicast frames";
    case E1000_VF_SET_LPE:
      return "its largest frame";
    case E1000_VF_SET_VLAN:
      return `VLAN ${message[1]}`;
    default:
      return `message ${(message[0] as number).toString(16)}`;
  }
}
