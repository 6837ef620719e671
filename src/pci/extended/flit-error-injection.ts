import { capability } from "../capability.ts";
import { type Access, bit, bits, type Field, oneOf, register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

const injectionStatus = oneOf({ 0: "not started", 1: "started", 2: "completed", 3: "error" });

/** Where errors can be injected into ordered sets: their kinds, then the link's states, two bits each from bit 0 on. */
const ORDERED_SET_PLACES = [
  ...["Ts0", "Ts1", "Ts2", "Skp", "Eieos", "Eios", "Sds"],
  ...["Polling", "Configuration", "L0", "Recovery", "EqualizationPhase01", "EqualizationPhase2", "EqualizationPhase3"],
];

/** Flit Error Injection: makes flits and ordered sets go wrong on purpose. */
export const FLIT_ERROR_INJECTION = capability({
  id: 0x34,
  name: "Flit Error Injection",
  spec: "PCIe 6.0 §7.8.13",
  table: {
    capability: register(0x04, 32, undefined, "PCIe 6.0 §7.8.13.2", {
      flitErrorInjectionCapability: rawRegister(32),
    }),
    flitControl1: register(0x08, 32, undefined, "PCIe 6.0 §7.8.13.3", {
      flitErrorInjectionEnable: bit(0, "RW"),
      injectErrorsOnTransmittedFlits: bit(1, "RW"),
      injectErrorsOnReceivedFlits: bit(2, "RW"),
      flitErrorInjectionAt2p5gt: bit(6, "RW"),
      flitErrorInjectionAt5gt: bit(7, "RW"),
      flitErrorInjectionAt8gt: bit(8, "RW"),
      flitErrorInjectionAt16gt: bit(9, "RW"),
      flitErrorInjectionAt32gt: bit(10, "RW"),
      flitErrorInjectionAt64gt: bit(11, "RW"),
      flitErrorsInjected: bits(20, 16, "RW"),
      flitErrorSpacing: bits(28, 21, "RW"),
      injectionOnFlitType: bits(31, 29, "RW"),
    }),
    flitControl2: register(0x0c, 32, undefined, "PCIe 6.0 §7.8.13.4", {
      consecutiveErrorInjection: bits(2, 0, "RW"),
      flitErrorType: bits(4, 3, "RW", {
        value: oneOf({
          0: "random",
          1: "correctable in a single group",
          2: "correctable in three groups",
          3: "uncorrectable",
        }),
      }),
      errorOffsetWithinFlit: bits(11, 5, "RW"),
      errorMagnitude: bits(19, 12, "RW"),
    }),
    flitStatus: register(0x10, 32, undefined, "PCIe 6.0 §7.8.13.5", {
      flitErrorTxInjectionStatus: bits(1, 0, "RO", { value: injectionStatus }),
      flitErrorRxInjectionStatus: bits(3, 2, "RO", { value: injectionStatus }),
    }),
    orderedSetControl1: register(0x14, 32, undefined, "PCIe 6.0 §7.8.13.6", {
      orderedSetErrorInjectionEnable: bit(0, "RW"),
      injectErrorsOnTransmittedOrderedSets: bit(1, "RW"),
      injectErrorsOnReceivedOrderedSets: bit(2, "RW"),
      orderedSetErrorsInjected: bits(7, 3, "RW"),
      orderedSetErrorSpacing: bits(15, 8, "RW"),
      ...orderedSetPlaces("orderedSetErrorIn", (index) => bit(16 + index, "RW")),
    }),
    orderedSetControl2: register(0x18, 32, undefined, "PCIe 6.0 §7.8.13.7", {
      errorInjectionBytes: bits(15, 0, "RW"),
      errorInjectionLanes: bits(31, 16, "RW"),
    }),
    orderedSetTxStatus: register(0x1c, 32, undefined, "PCIe 6.0 §7.8.13.8", {
      ...orderedSetPlaces("txInjectionStatus", statusAt("RO")),
    }),
    orderedSetRxStatus: register(0x20, 32, undefined, "PCIe 6.0 §7.8.13.9", {
      ...orderedSetPlaces("rxInjectionStatus", statusAt("RO")),
    }),
  },
});

function statusAt(access: Access): (index: number) => Field {
  return (index) => bits(index * 2 + 1, index * 2, access, { value: injectionStatus });
}

function orderedSetPlaces(prefix: string, field: (index: number) => Field): Record<string, Field> {
  return Object.fromEntries(ORDERED_SET_PLACES.map((place, index) => [`${prefix}${place}`, field(index)]));
}
