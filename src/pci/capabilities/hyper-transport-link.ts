import { bit, bits, oneOf, type RegisterTable, register } from "../register.ts";

const SPEC = "HyperTransport 3.10";

const WIDTHS_BITS = { 0: 8, 1: 16, 3: 32, 4: 2, 5: 4, 7: "not connected" };
const width = oneOf<number | string>(WIDTHS_BITS);

/** By the code of the link frequency, which is also the bit of the frequency capability. */
const FREQUENCIES_MHZ = [200, 300, 400, 500, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000, 2200, 2400, 2600];
const frequency = oneOf<number | string>({ ...FREQUENCIES_MHZ, 15: "vendor-specific" });

function frequencies(vector: number): (number | string)[] {
  const found: (number | string)[] = FREQUENCIES_MHZ.filter((_mhz, n) => (vector & (1 << n)) !== 0);
  return vector & 0x8000 ? [...found, "vendor-specific"] : found;
}

const revision = {
  minorRevision: bits(4, 0, "RO"),
  majorRevision: bits(7, 5, "RO"),
};

const feature = {
  isochronousFlowControl: bit(0, "RO"),
  ldtstop: bit(1, "RO"),
  crcTestMode: bit(2, "RO"),
  extendedCtlTimeRequired: bit(3, "RO"),
  addressing64: bit(4, "RO"),
  unitIdReorderDisable: bit(5, "RW"),
};

const errorHandling = {
  protocolErrorFloodEnable: bit(0, "RW"),
  overflowErrorFloodEnable: bit(1, "RW"),
  protocolErrorFatalEnable: bit(2, "RW"),
  overflowErrorFatalEnable: bit(3, "RW"),
  endOfChainErrorFatalEnable: bit(4, "RW"),
  responseErrorFatalEnable: bit(5, "RW"),
  crcErrorFatalEnable: bit(6, "RW"),
  systemErrorFatalEnable: bit(7, "RW"),
  chainFail: bit(8, "RO"),
  responseError: bit(9, "RW1C"),
  protocolErrorNonFatalEnable: bit(10, "RW"),
  overflowErrorNonFatalEnable: bit(11, "RW"),
  endOfChainErrorNonFatalEnable: bit(12, "RW"),
  responseErrorNonFatalEnable: bit(13, "RW"),
  crcErrorNonFatalEnable: bit(14, "RW"),
  systemErrorNonFatalEnable: bit(15, "RW"),
};

/**
 * The registers of one link, counted from its control register.
 * @param frequencyOffset of the frequency register; left out before revision 1.02, which has none.
 */
function linkTable(frequencyOffset: number | undefined): RegisterTable {
  const table: RegisterTable = {
    control: register(0x00, 16, undefined, SPEC, {
      crcFloodEnable: bit(1, "RW"),
      crcStartTest: bit(2, "RW"),
      crcForceError: bit(3, "RW"),
      linkFailure: bit(4, "RW1C"),
      initializationComplete: bit(5, "RO"),
      endOfChain: bit(6, "RW"),
      transmitterOff: bit(7, "RW"),
      crcError: bits(11, 8, "RW1C", "a bit for each byte lane"),
      isochronousFlowControlEnable: bit(12, "RW"),
      ldtstopTristateEnable: bit(13, "RW"),
      extendedCtlTime: bit(14, "RW"),
      addressing64Enable: bit(15, "RW"),
    }),
    configuration: register(0x02, 16, undefined, SPEC, {
      maxWidthInBits: bits(2, 0, "RO", { value: width }),
      doublewordFlowControlIn: bit(3, "RO"),
      maxWidthOutBits: bits(6, 4, "RO", { value: width }),
      doublewordFlowControlOut: bit(7, "RO"),
      widthInBits: bits(10, 8, "RW", { value: width }),
      doublewordFlowControlInEnable: bit(11, "RW"),
      widthOutBits: bits(14, 12, "RW", { value: width }),
      doublewordFlowControlOutEnable: bit(15, "RW"),
    }),
  };
  if (frequencyOffset === undefined) return table;
  return {
    ...table,
    frequencyError: register(frequencyOffset, 8, undefined, SPEC, {
      frequencyMhz: bits(3, 0, "RW", { value: frequency }),
      protocolError: bit(4, "RW1C"),
      overflowError: bit(5, "RW1C"),
      endOfChainError: bit(6, "RW1C"),
      ctlTimeout: bit(7, "RW"),
    }),
    frequencyCapability: register(frequencyOffset + 1, 16, undefined, SPEC, {
      frequenciesMhz: bits(15, 0, "RO", { value: frequencies }),
    }),
  };
}

/** Where the control registers of a slave's two links are, from the capability's header. */
export const SLAVE_LINKS = [0x04, 0x08];
export const SLAVE_REVISION = 0x0c;
export const SLAVE_LINK = linkTable(undefined);
export const SLAVE_LINK_1_02 = linkTable(0x09);

/** Slave or primary interface. */
export const SLAVE = {
  command: register(0x02, 16, undefined, SPEC, {
    baseUnitId: bits(4, 0, "RW"),
    unitCount: bits(9, 5, "RO"),
    masterHost: bit(10, "RO", "which link leads to the master host bridge"),
    defaultDirection: bit(11, "RW"),
    dropOnUninitializedLink: bit(12, "RW"),
  }),
  revision: register(SLAVE_REVISION, 8, undefined, SPEC, revision),
};

/** What revision 1.02 adds. */
export const SLAVE_1_02 = {
  feature: register(0x10, 8, undefined, SPEC, feature),
  enumerationScratchpad: register(0x14, 16, undefined, SPEC, { enumerationScratchpad: bits(15, 0, "RW") }),
  errorHandling: register(0x16, 16, undefined, SPEC, errorHandling),
  memoryBaseUpper: register(0x18, 8, undefined, SPEC, {
    memoryBaseUpper: bits(7, 0, "RW", "bits 39:32 of the prefetchable window's base"),
  }),
  memoryLimitUpper: register(0x19, 8, undefined, SPEC, { memoryLimitUpper: bits(7, 0, "RW") }),
  busNumber: register(0x1a, 8, undefined, SPEC, { chainBusNumber: bits(7, 0, "RO") }),
};

export const HOST_LINKS = [0x04];
export const HOST_REVISION = 0x08;
export const HOST_LINK = linkTable(undefined);
export const HOST_LINK_1_02 = linkTable(0x05);

/** Host or secondary interface. */
export const HOST = {
  command: register(0x02, 16, undefined, SPEC, {
    warmReset: bit(0, "RW"),
    doubleEnded: bit(1, "RW"),
    chainDeviceNumber: bits(6, 2, "RW"),
    chainSide: bit(7, "RO"),
    hostHide: bit(8, "RW"),
    actAsSlave: bit(10, "RW"),
    hostInboundEndOfChainError: bit(11, "RW1C"),
    dropOnUninitializedLink: bit(12, "RW"),
  }),
  revision: register(HOST_REVISION, 8, undefined, SPEC, revision),
};

/** What revision 1.02 adds. */
export const HOST_1_02 = {
  feature: register(0x0c, 16, undefined, SPEC, {
    ...feature,
    extendedRegisterSet: bit(8, "RO", "the registers from 10h on are there"),
    upstreamConfigurationEnable: bit(9, "RW"),
  }),
};
/** Where the feature register says whether there are the registers below. */
export const HOST_FEATURE = 0x0c;
export const HOST_FEATURE_EXTENDED = 0x0100;

export const HOST_EXTENDED = {
  enumerationScratchpad: register(0x10, 16, undefined, SPEC, { enumerationScratchpad: bits(15, 0, "RW") }),
  errorHandling: register(0x12, 16, undefined, SPEC, errorHandling),
  memoryBaseUpper: register(0x14, 8, undefined, SPEC, {
    memoryBaseUpper: bits(7, 0, "RW", "bits 39:32 of the prefetchable window's base"),
  }),
  memoryLimitUpper: register(0x15, 8, undefined, SPEC, { memoryLimitUpper: bits(7, 0, "RW") }),
};
