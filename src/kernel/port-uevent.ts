/** What the kernel tells of a device (lib/kobject_uevent.c). */
export interface Uevent {
  /** `add`, `remove`, `change`, `move`, `online`, `offline`, `bind` or `unbind`. */
  readonly action: string;
  /** Below /sys: `/devices/pci0000:00/…`. */
  readonly devpath: string;
  readonly subsystem: string;
  /** All of the message, the above included, by the kernel's names. */
  readonly properties: Readonly<Record<string, string>>;
}
