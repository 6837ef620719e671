import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const linkWidth = oneOf({ 0: 1, 1: 2, 2: 4, 3: 8, 4: 16 });

/** Flit Logging: errors in flits, and how many bits go wrong on each lane. */
export const FLIT_LOGGING = capability({
  id: 0x32,
  name: "Flit Logging",
  spec: "PCIe 6.0 §7.7.8",
  table: {
    errorLog1: register(0x04, 32, undefined, "PCIe 6.0 §7.7.8.2", {
      flitErrorLogValid: bit(0, "RW1CS"),
      flitErrorLinkWidth: bits(3, 1, "ROS", { value: linkWidth, doc: "lanes" }),
      flitOffset: bits(7, 4, "ROS", "flits since the one logged before"),
      consecutiveFlitErrors: bits(12, 8, "ROS"),
      moreFlitErrorLogEntries: bit(13, "ROS"),
      unrecognizedFlit: bit(14, "ROS"),
      fecUncorrectableErrorInFlit: bit(15, "ROS"),
      syndromeParityGroup0: bits(23, 16, "ROS"),
      syndromeCheckGroup0: bits(31, 24, "ROS"),
    }),
    errorLog2: register(0x08, 32, undefined, "PCIe 6.0 §7.7.8.3", {
      syndromeParityGroup1: bits(7, 0, "ROS"),
      syndromeCheckGroup1: bits(15, 8, "ROS"),
      syndromeParityGroup2: bits(23, 16, "ROS"),
      syndromeCheckGroup2: bits(31, 24, "ROS"),
    }),
    errorCounterControl: register(0x0c, 16, undefined, "PCIe 6.0 §7.7.8.4", {
      flitErrorCounterEnable: bit(0, "RW"),
      flitErrorCounterInterruptEnable: bit(1, "RW"),
      flitErrorEventsToCount: bits(3, 2, "RW"),
      flitErrorTriggerCount: bits(11, 4, "RW", "the interrupt comes at this count"),
    }),
    errorCounterStatus: register(0x0e, 16, undefined, "PCIe 6.0 §7.7.8.5", {
      flitErrorCounterLinkWidth: bits(2, 0, "RO", { value: linkWidth, doc: "lanes, when counting began" }),
      flitErrorCounter: bits(15, 8, "RO"),
    }),
    fberMeasurementControl: register(0x10, 32, undefined, "PCIe 6.0 §7.7.8.6", {
      fberMeasurementEnable: bit(0, "RW", "First Bit Error Rate"),
      fberClearCounters: bit(1, "RW", "reads 0"),
      fberGranularity: bits(3, 2, "RW", { value: oneOf({ 0: "all", 1: "even", 2: "odd", 3: "mismatch" }) }),
    }),
    fberMeasurementStatus1: register(0x14, 32, undefined, "PCIe 6.0 §7.7.8.7", { flitCounter: bits(31, 0, "RO") }),
    fberMeasurementStatus2: register(0x18, 32, undefined, "PCIe 6.0 §7.7.8.8", {
      invalidFlitCounter: bits(15, 0, "RO"),
    }),
    fberMeasurementStatus3: register(0x1c, 32, undefined, "PCIe 6.0 §7.7.8.9", {
      lane0CorrectableCounter: bits(15, 0, "RO"),
      lane1CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus4: register(0x20, 32, undefined, "PCIe 6.0 §7.7.8.10", {
      lane2CorrectableCounter: bits(15, 0, "RO"),
      lane3CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus5: register(0x24, 32, undefined, "PCIe 6.0 §7.7.8.11", {
      lane4CorrectableCounter: bits(15, 0, "RO"),
      lane5CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus6: register(0x28, 32, undefined, "PCIe 6.0 §7.7.8.12", {
      lane6CorrectableCounter: bits(15, 0, "RO"),
      lane7CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus7: register(0x2c, 32, undefined, "PCIe 6.0 §7.7.8.13", {
      lane8CorrectableCounter: bits(15, 0, "RO"),
      lane9CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus8: register(0x30, 32, undefined, "PCIe 6.0 §7.7.8.14", {
      lane10CorrectableCounter: bits(15, 0, "RO"),
      lane11CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus9: register(0x34, 32, undefined, "PCIe 6.0 §7.7.8.15", {
      lane12CorrectableCounter: bits(15, 0, "RO"),
      lane13CorrectableCounter: bits(31, 16, "RO"),
    }),
    fberMeasurementStatus10: register(0x38, 32, undefined, "PCIe 6.0 §7.7.8.16", {
      lane14CorrectableCounter: bits(15, 0, "RO"),
      lane15CorrectableCounter: bits(31, 16, "RO"),
    }),
  },
});
