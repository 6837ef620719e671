/** enum vfio_device_mig_state (include/uapi/linux/vfio.h), without VFIO_DEVICE_STATE_. */
export const VFIO_DEVICE_STATES = [
  "ERROR",
  "STOP",
  "RUNNING",
  "STOP_COPY",
  "RESUMING",
  "RUNNING_P2P",
  "PRE_COPY",
  "PRE_COPY_P2P",
] as const;

export type VfioDeviceState = (typeof VFIO_DEVICE_STATES)[number];

/** VFIO_DEVICE_FEATURE_MIGRATION: what a driver has beside STOP_COPY, without which there is no migration. */
export interface MigrationFeatures {
  readonly p2p: boolean;
  readonly preCopy: boolean;
}

type Arcs = Readonly<Record<Exclude<VfioDeviceState, "ERROR">, VfioDeviceState>>;

/** vfio_from_fsm_table of vfio_mig_get_next_state (drivers/vfio/vfio_main.c): by where one is and wants to, the next step. */
const NEXT: Readonly<Record<Exclude<VfioDeviceState, "ERROR">, Arcs>> = {
  STOP: {
    STOP: "STOP",
    RUNNING: "RUNNING_P2P",
    PRE_COPY: "RUNNING_P2P",
    PRE_COPY_P2P: "RUNNING_P2P",
    STOP_COPY: "STOP_COPY",
    RESUMING: "RESUMING",
    RUNNING_P2P: "RUNNING_P2P",
  },
  RUNNING: {
    STOP: "RUNNING_P2P",
    RUNNING: "RUNNING",
    PRE_COPY: "PRE_COPY",
    PRE_COPY_P2P: "RUNNING_P2P",
    STOP_COPY: "RUNNING_P2P",
    RESUMING: "RUNNING_P2P",
    RUNNING_P2P: "RUNNING_P2P",
  },
  PRE_COPY: {
    STOP: "RUNNING",
    RUNNING: "RUNNING",
    PRE_COPY: "PRE_COPY",
    PRE_COPY_P2P: "PRE_COPY_P2P",
    STOP_COPY: "PRE_COPY_P2P",
    RESUMING: "RUNNING",
    RUNNING_P2P: "RUNNING",
  },
  PRE_COPY_P2P: {
    STOP: "RUNNING_P2P",
    RUNNING: "RUNNING_P2P",
    PRE_COPY: "PRE_COPY",
    PRE_COPY_P2P: "PRE_COPY_P2P",
    STOP_COPY: "STOP_COPY",
    RESUMING: "RUNNING_P2P",
    RUNNING_P2P: "RUNNING_P2P",
  },
  STOP_COPY: {
    STOP: "STOP",
    RUNNING: "STOP",
    PRE_COPY: "ERROR",
    PRE_COPY_P2P: "ERROR",
    STOP_COPY: "STOP_COPY",
    RESUMING: "STOP",
    RUNNING_P2P: "STOP",
  },
  RESUMING: {
    STOP: "STOP",
    RUNNING: "STOP",
    PRE_COPY: "STOP",
    PRE_COPY_P2P: "STOP",
    STOP_COPY: "STOP",
    RESUMING: "RESUMING",
    RUNNING_P2P: "STOP",
  },
  RUNNING_P2P: {
    STOP: "STOP",
    RUNNING: "RUNNING",
    PRE_COPY: "RUNNING",
    PRE_COPY_P2P: "PRE_COPY_P2P",
    STOP_COPY: "STOP",
    RESUMING: "STOP",
    RUNNING_P2P: "RUNNING_P2P",
  },
};

/** state_flags_table: whether a driver with these features has the state. */
function hasState({ p2p, preCopy }: MigrationFeatures, state: VfioDeviceState): boolean {
  switch (state) {
    case "RUNNING_P2P":
      return p2p;
    case "PRE_COPY":
      return preCopy;
    case "PRE_COPY_P2P":
      return p2p && preCopy;
    default:
      return true;
  }
}

/**
 * vfio_mig_get_next_state: the next arc on the way from one state to another. Arcs to states that the driver lacks are skipped.
 * @returns undefined where there is no way (EINVAL)
 */
export function nextDeviceState(
  features: MigrationFeatures,
  from: VfioDeviceState,
  to: VfioDeviceState,
): VfioDeviceState | undefined {
  if (to === "ERROR" || !hasState(features, to)) return undefined;
  let next = from;
  do {
    if (next === "ERROR") return undefined;
    next = NEXT[next][to];
  } while (!hasState(features, next));
  return next === "ERROR" ? undefined : next;
}
