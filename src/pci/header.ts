import { bit, bits, register } from "./register.ts";

/** Header Type, bits 6:0: the layout of the header (PCIe 6.0 §7.5.1.1.9). */
export const PCI_HEADER_TYPE_NORMAL = 0;
export const PCI_HEADER_TYPE_BRIDGE = 1;
export const PCI_HEADER_TYPE_CARDBUS = 2;

/** Base class and sub-class, from the class code's upper 16 bits. */
export const PCI_CLASS_BRIDGE_HOST = 0x0600;

/** Registers that every layout has (PCIe 6.0 §7.5.1.1). */
export const COMMON_HEADER = {
  vendorId: register(0x00, 16, "PCI_VENDOR_ID", "PCIe 6.0 §7.5.1.1.1", {
    vendorId: bits(15, 0, "HwInit", "FFFFh: no function answers, or this is a VF"),
  }),
  deviceId: register(0x02, 16, "PCI_DEVICE_ID", "PCIe 6.0 §7.5.1.1.2", {
    deviceId: bits(15, 0, "HwInit"),
  }),
  command: register(0x04, 16, "PCI_COMMAND", "PCIe 6.0 §7.5.1.1.3", {
    ioSpaceEnable: bit(0, "RW", "answers I/O requests"),
    memorySpaceEnable: bit(1, "RW", "answers memory requests; reads 0 in a VF"),
    busMasterEnable: bit(2, "RW", "may issue memory and I/O requests"),
    specialCycleEnable: bit(3, "RO"),
    memoryWriteAndInvalidate: bit(4, "RO"),
    vgaPaletteSnoop: bit(5, "RO"),
    parityErrorResponse: bit(6, "RW"),
    idselStepping: bit(7, "RO"),
    serrEnable: bit(8, "RW", "reports errors"),
    fastBackToBackEnable: bit(9, "RO"),
    interruptDisable: bit(10, "RW", "may not assert INTx"),
  }),
  status: register(0x06, 16, "PCI_STATUS", "PCIe 6.0 §7.5.1.1.4", {
    immediateReadiness: bit(0, "RO"),
    interruptStatus: bit(3, "RO", "an INTx is pending"),
    capabilitiesList: bit(4, "RO", "there is a list of capabilities"),
    capable66Mhz: bit(5, "RO"),
    userDefinableFeatures: bit(6, "RO"),
    fastBackToBackCapable: bit(7, "RO"),
    masterDataParityError: bit(8, "RW1C"),
    devselTiming: bits(10, 9, "RO", "0 fast, 1 medium, 2 slow"),
    signaledTargetAbort: bit(11, "RW1C"),
    receivedTargetAbort: bit(12, "RW1C"),
    receivedMasterAbort: bit(13, "RW1C"),
    signaledSystemError: bit(14, "RW1C"),
    detectedParityError: bit(15, "RW1C"),
  }),
  revisionId: register(0x08, 8, "PCI_REVISION_ID", "PCIe 6.0 §7.5.1.1.5", {
    revisionId: bits(7, 0, "HwInit"),
  }),
  progIf: register(0x09, 8, "PCI_CLASS_PROG", "PCIe 6.0 §7.5.1.1.6", {
    programmingInterface: bits(7, 0, "RO"),
  }),
  classDevice: register(0x0a, 16, "PCI_CLASS_DEVICE", "PCIe 6.0 §7.5.1.1.6", {
    subClass: bits(7, 0, "RO"),
    baseClass: bits(15, 8, "RO"),
  }),
  cacheLineSize: register(0x0c, 8, "PCI_CACHE_LINE_SIZE", "PCIe 6.0 §7.5.1.1.7", {
    cacheLineSizeDwords: bits(7, 0, "RW"),
  }),
  latencyTimer: register(0x0d, 8, "PCI_LATENCY_TIMER", "PCIe 6.0 §7.5.1.1.8", {
    latencyTimer: bits(7, 0, "RO"),
  }),
  headerType: register(0x0e, 8, "PCI_HEADER_TYPE", "PCIe 6.0 §7.5.1.1.9", {
    headerLayout: bits(6, 0, "RO", "0 endpoint, 1 bridge, 2 CardBus bridge"),
    multiFunction: bit(7, "RO", "the device has further functions"),
  }),
  bist: register(0x0f, 8, "PCI_BIST", "PCIe 6.0 §7.5.1.1.10", {
    bistCompletionCode: bits(3, 0, "RO"),
    bistStart: bit(6, "RW"),
    bistCapable: bit(7, "HwInit"),
  }),
} as const;

/** Type 0: an endpoint, a host bridge, a Root Complex integrated endpoint (PCIe 6.0 §7.5.1.2). BARs are in bar.ts. */
export const TYPE0_HEADER = {
  cardbusCisPointer: register(0x28, 32, "PCI_CARDBUS_CIS", "PCIe 6.0 §7.5.1.2.2", {
    cardbusCisPointer: bits(31, 0, "RO"),
  }),
  subsystemVendorId: register(0x2c, 16, "PCI_SUBSYSTEM_VENDOR_ID", "PCIe 6.0 §7.5.1.2.3", {
    subsystemVendorId: bits(15, 0, "HwInit"),
  }),
  subsystemId: register(0x2e, 16, "PCI_SUBSYSTEM_ID", "PCIe 6.0 §7.5.1.2.3", {
    subsystemId: bits(15, 0, "HwInit"),
  }),
  expansionRom: register(0x30, 32, "PCI_ROM_ADDRESS", "PCIe 6.0 §7.5.1.2.4", {
    expansionRomEnable: bit(0, "RW"),
    expansionRomAddress: bits(31, 11, "RW", { value: (raw) => raw * 2048 }),
  }),
  capabilitiesPointer: register(0x34, 8, "PCI_CAPABILITY_LIST", "PCIe 6.0 §7.5.1.1.11", {
    capabilitiesPointer: bits(7, 0, "RO"),
  }),
  interruptLine: register(0x3c, 8, "PCI_INTERRUPT_LINE", "PCIe 6.0 §7.5.1.1.12", {
    interruptLine: bits(7, 0, "RW"),
  }),
  interruptPin: register(0x3d, 8, "PCI_INTERRUPT_PIN", "PCIe 6.0 §7.5.1.1.13", {
    interruptPin: bits(7, 0, "RO", "0 none, 1 INTA to 4 INTD; 0 in a VF"),
  }),
  minGnt: register(0x3e, 8, "PCI_MIN_GNT", "PCIe 6.0 §7.5.1.2.5", { minGnt: bits(7, 0, "RO") }),
  maxLat: register(0x3f, 8, "PCI_MAX_LAT", "PCIe 6.0 §7.5.1.2.5", { maxLat: bits(7, 0, "RO") }),
} as const;

/** Type 1: a bridge, a root port, a port of a switch (PCIe 6.0 §7.5.1.3). BARs are in bar.ts, windows in bridge.ts. */
export const TYPE1_HEADER = {
  primaryBus: register(0x18, 8, "PCI_PRIMARY_BUS", "PCIe 6.0 §7.5.1.3.2", {
    primaryBus: bits(7, 0, "RW"),
  }),
  secondaryBus: register(0x19, 8, "PCI_SECONDARY_BUS", "PCIe 6.0 §7.5.1.3.3", {
    secondaryBus: bits(7, 0, "RW", "the bus right below the bridge"),
  }),
  subordinateBus: register(0x1a, 8, "PCI_SUBORDINATE_BUS", "PCIe 6.0 §7.5.1.3.4", {
    subordinateBus: bits(7, 0, "RW", "the highest bus below the bridge"),
  }),
  secondaryLatencyTimer: register(0x1b, 8, "PCI_SEC_LATENCY_TIMER", "PCIe 6.0 §7.5.1.3.5", {
    secondaryLatencyTimer: bits(7, 0, "RO"),
  }),
  ioBase: register(0x1c, 8, "PCI_IO_BASE", "PCIe 6.0 §7.5.1.3.6", {
    ioBaseType: bits(3, 0, "RO", "0: 16-bit addresses, 1: 32-bit"),
    ioBase: bits(7, 4, "RW"),
  }),
  ioLimit: register(0x1d, 8, "PCI_IO_LIMIT", "PCIe 6.0 §7.5.1.3.6", {
    ioLimitType: bits(3, 0, "RO"),
    ioLimit: bits(7, 4, "RW"),
  }),
  secondaryStatus: register(0x1e, 16, "PCI_SEC_STATUS", "PCIe 6.0 §7.5.1.3.7", {
    secondaryCapable66Mhz: bit(5, "RO"),
    secondaryFastBackToBackCapable: bit(7, "RO"),
    secondaryMasterDataParityError: bit(8, "RW1C"),
    secondaryDevselTiming: bits(10, 9, "RO", "as in the Status register; 0 in PCI Express"),
    secondarySignaledTargetAbort: bit(11, "RW1C"),
    secondaryReceivedTargetAbort: bit(12, "RW1C"),
    secondaryReceivedMasterAbort: bit(13, "RW1C"),
    secondaryReceivedSystemError: bit(14, "RW1C"),
    secondaryDetectedParityError: bit(15, "RW1C"),
  }),
  memoryBase: register(0x20, 16, "PCI_MEMORY_BASE", "PCIe 6.0 §7.5.1.3.8", {
    memoryBaseType: bits(3, 0, "RO"),
    memoryBase: bits(15, 4, "RW"),
  }),
  memoryLimit: register(0x22, 16, "PCI_MEMORY_LIMIT", "PCIe 6.0 §7.5.1.3.8", {
    memoryLimitType: bits(3, 0, "RO"),
    memoryLimit: bits(15, 4, "RW"),
  }),
  prefetchableBase: register(0x24, 16, "PCI_PREF_MEMORY_BASE", "PCIe 6.0 §7.5.1.3.9", {
    prefetchableBaseType: bits(3, 0, "RO", "0: 32-bit addresses, 1: 64-bit"),
    prefetchableBase: bits(15, 4, "RW"),
  }),
  prefetchableLimit: register(0x26, 16, "PCI_PREF_MEMORY_LIMIT", "PCIe 6.0 §7.5.1.3.9", {
    prefetchableLimitType: bits(3, 0, "RO"),
    prefetchableLimit: bits(15, 4, "RW"),
  }),
  prefetchableBaseUpper: register(0x28, 32, "PCI_PREF_BASE_UPPER32", "PCIe 6.0 §7.5.1.3.10", {
    prefetchableBaseUpper: bits(31, 0, "RW"),
  }),
  prefetchableLimitUpper: register(0x2c, 32, "PCI_PREF_LIMIT_UPPER32", "PCIe 6.0 §7.5.1.3.10", {
    prefetchableLimitUpper: bits(31, 0, "RW"),
  }),
  ioBaseUpper: register(0x30, 16, "PCI_IO_BASE_UPPER16", "PCIe 6.0 §7.5.1.3.11", {
    ioBaseUpper: bits(15, 0, "RW"),
  }),
  ioLimitUpper: register(0x32, 16, "PCI_IO_LIMIT_UPPER16", "PCIe 6.0 §7.5.1.3.11", {
    ioLimitUpper: bits(15, 0, "RW"),
  }),
  capabilitiesPointer: register(0x34, 8, "PCI_CAPABILITY_LIST", "PCIe 6.0 §7.5.1.1.11", {
    capabilitiesPointer: bits(7, 0, "RO"),
  }),
  expansionRom: register(0x38, 32, "PCI_ROM_ADDRESS1", "PCIe 6.0 §7.5.1.2.4", {
    expansionRomEnable: bit(0, "RW"),
    expansionRomAddress: bits(31, 11, "RW", { value: (raw) => raw * 2048 }),
  }),
  interruptLine: register(0x3c, 8, "PCI_INTERRUPT_LINE", "PCIe 6.0 §7.5.1.1.12", {
    interruptLine: bits(7, 0, "RW"),
  }),
  interruptPin: register(0x3d, 8, "PCI_INTERRUPT_PIN", "PCIe 6.0 §7.5.1.1.13", {
    interruptPin: bits(7, 0, "RO"),
  }),
  bridgeControl: register(0x3e, 16, "PCI_BRIDGE_CONTROL", "PCIe 6.0 §7.5.1.3.13", {
    secondaryParityErrorResponse: bit(0, "RW"),
    secondarySerrEnable: bit(1, "RW"),
    isaEnable: bit(2, "RW"),
    vgaEnable: bit(3, "RW"),
    vga16BitDecode: bit(4, "RW"),
    masterAbortMode: bit(5, "RO"),
    secondaryBusReset: bit(6, "RW", "resets everything below the bridge"),
    secondaryFastBackToBackEnable: bit(7, "RO"),
    primaryDiscardTimer: bit(8, "RO"),
    secondaryDiscardTimer: bit(9, "RO"),
    discardTimerStatus: bit(10, "RO"),
    discardTimerSerrEnable: bit(11, "RO"),
  }),
} as const;

/** Type 2: a CardBus bridge (PC Card Standard 8.0, vol. 7), without its windows and what is for 16-bit cards. */
export const TYPE2_HEADER = {
  capabilitiesPointer: register(0x14, 8, "PCI_CB_CAPABILITY_LIST", "PC Card 8.0", {
    capabilitiesPointer: bits(7, 0, "RO"),
  }),
  primaryBus: register(0x18, 8, "PCI_CB_PRIMARY_BUS", "PC Card 8.0", { primaryBus: bits(7, 0, "RW") }),
  cardBus: register(0x19, 8, "PCI_CB_CARD_BUS", "PC Card 8.0", { secondaryBus: bits(7, 0, "RW") }),
  subordinateBus: register(0x1a, 8, "PCI_CB_SUBORDINATE_BUS", "PC Card 8.0", { subordinateBus: bits(7, 0, "RW") }),
  latencyTimer: register(0x1b, 8, "PCI_CB_LATENCY_TIMER", "PC Card 8.0", { secondaryLatencyTimer: bits(7, 0, "RW") }),
  interruptLine: register(0x3c, 8, "PCI_INTERRUPT_LINE", "PC Card 8.0", { interruptLine: bits(7, 0, "RW") }),
  interruptPin: register(0x3d, 8, "PCI_INTERRUPT_PIN", "PC Card 8.0", { interruptPin: bits(7, 0, "RO") }),
  bridgeControl: register(0x3e, 16, "PCI_CB_BRIDGE_CONTROL", "PC Card 8.0", {
    secondaryParityErrorResponse: bit(0, "RW"),
    secondarySerrEnable: bit(1, "RW"),
    isaEnable: bit(2, "RW"),
    vgaEnable: bit(3, "RW"),
    masterAbortMode: bit(5, "RW"),
    secondaryBusReset: bit(6, "RW", "resets the card"),
    interrupt16Bit: bit(7, "RW", "16-bit cards interrupt by way of ISA"),
    memoryWindow0Prefetchable: bit(8, "RW"),
    memoryWindow1Prefetchable: bit(9, "RW"),
    writePostingEnable: bit(10, "RW"),
  }),
  subsystemVendorId: register(0x40, 16, "PCI_CB_SUBSYSTEM_VENDOR_ID", "PC Card 8.0", {
    subsystemVendorId: bits(15, 0, "HwInit"),
  }),
  subsystemId: register(0x42, 16, "PCI_CB_SUBSYSTEM_ID", "PC Card 8.0", { subsystemId: bits(15, 0, "HwInit") }),
} as const;
