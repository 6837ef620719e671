import type { Content, FileOperations, FileTable } from "./sysfs-tree.ts";

/** An attribute of all objects of a kind (`struct device_attribute`). */
export interface Attribute<T> {
  readonly name: string;
  /** 0444, 0200 or 0644 by what there is of `show` and `store`, where left out. */
  readonly mode?: number;
  /** `is_visible` of its group. */
  readonly visible?: (of: T) => boolean;
  /** Without the newline at the end. */
  readonly show?: (of: T) => string | Promise<string>;
  /** As `show`, of an attribute that gives bytes, or text as it is. */
  readonly showRaw?: (of: T, limitBytes: number) => Content | Promise<Content>;
  readonly store?: (of: T, text: string) => void | Promise<void>;
  readonly storeRaw?: (of: T, written: Uint8Array) => void | Promise<void>;
}

const decoder = new TextDecoder();

/** The attributes of one object as files. */
export function attributeFiles<T>(of: T, attributes: ReadonlyMap<string, Attribute<T>>): FileTable {
  return {
    names: () => [...attributes.values()].filter(({ visible }) => visible?.(of) ?? true).map(({ name }) => name),
    file(name) {
      const attribute = attributes.get(name);
      return attribute === undefined || attribute.visible?.(of) === false ? undefined : operations(of, attribute);
    },
  };
}

export function attributeTable<T>(attributes: readonly Attribute<T>[]): ReadonlyMap<string, Attribute<T>> {
  return new Map(attributes.map((attribute) => [attribute.name, attribute]));
}

function operations<T>(of: T, { mode, show, showRaw, store, storeRaw }: Attribute<T>): FileOperations {
  const readable = show !== undefined || showRaw !== undefined;
  const writable = store !== undefined || storeRaw !== undefined;
  return {
    mode: mode ?? (readable ? 0o444 : 0) | (writable ? 0o200 : 0),
    ...(show === undefined ? {} : { show: async () => `${await show(of)}\n` }),
    ...(showRaw === undefined ? {} : { show: (limitBytes: number) => showRaw(of, limitBytes) }),
    ...(store === undefined ? {} : { store: (written: Uint8Array) => store(of, decoder.decode(written)) }),
    ...(storeRaw === undefined ? {} : { store: (written: Uint8Array) => storeRaw(of, written) }),
  };
}
