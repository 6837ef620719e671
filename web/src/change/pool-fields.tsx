import type { PoolForm, Switch } from "./policy-form.ts";

interface PoolFieldsProps {
  readonly pool: PoolForm;
  /** Counted from 1. */
  readonly place: number;
  readonly onChange: (pool: PoolForm) => void;
  readonly onRemove: () => void;
}

const DRIVERS = ["default", "none", "vfio", "vfio-pci"];

/** VFs of a range, and what they are to be like. */
export function PoolFields({ pool, place, onChange, onRemove }: PoolFieldsProps) {
  const set = (change: Partial<PoolForm>) => onChange({ ...pool, ...change });
  const text = (label: string, key: "range" | "pool" | "vlan" | "minTxRateMbps" | "maxTxRateMbps", hint: string) => (
    <label className="field">
      {label}
      <input
        type="text"
        value={pool[key]}
        placeholder={hint}
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => set({ [key]: target.value })}
      />
    </label>
  );
  return (
    <fieldset className="pool-fields">
      <legend>Pool {place}</legend>
      {text("VFs", "range", "0-3, 4-")}
      {text("Pool's name", "pool", "in none")}
      <label className="field">
        Driver
        <select value={pool.driver} onChange={({ target }) => set({ driver: target.value })}>
          <option value="">as it is</option>
          {[...DRIVERS, ...(pool.driver === "" || DRIVERS.includes(pool.driver) ? [] : [pool.driver])].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        MAC address
        <select value={pool.mac} onChange={({ target }) => set({ mac: target.value as PoolForm["mac"] })}>
          <option value="">as it is</option>
          <option value="auto">auto</option>
          <option value="random">random</option>
          <option value="keep">keep</option>
        </select>
      </label>
      {text("VLAN", "vlan", "0: none")}
      <SwitchField label="Spoof check" value={pool.spoofCheck} onChange={(spoofCheck) => set({ spoofCheck })} />
      <SwitchField label="Trust" value={pool.trust} onChange={(trust) => set({ trust })} />
      {text("Min rate, Mbit/s", "minTxRateMbps", "0: none")}
      {text("Max rate, Mbit/s", "maxTxRateMbps", "0: no limit")}
      <button type="button" aria-label={`Remove pool ${place}`} onClick={onRemove}>
        Remove
      </button>
    </fieldset>
  );
}

interface SwitchFieldProps {
  readonly label: string;
  readonly value: Switch;
  /** What on and off are called. */
  readonly words?: readonly [on: string, off: string];
  readonly onChange: (value: Switch) => void;
}

export function SwitchField({ label, value, words: [on, off] = ["on", "off"], onChange }: SwitchFieldProps) {
  return (
    <label className="field">
      {label}
      <select value={value} onChange={({ target }) => onChange(target.value as Switch)}>
        <option value="">as it is</option>
        <option value="on">{on}</option>
        <option value="off">{off}</option>
      </select>
    </label>
  );
}
