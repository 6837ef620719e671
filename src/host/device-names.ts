/** What vendors and devices are called, by their IDs. */
export type DeviceNames = (vendorId: number | undefined, deviceId: number | undefined) => string;
