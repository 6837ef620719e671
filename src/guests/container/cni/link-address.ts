import { CniError } from "./cni-error.ts";
import { linksIn, runIp } from "./ip-command.ts";

/**
 * Gives an interface its MAC address. A VF's driver may refuse any once the PF has set one, even that one (igb's
 * `igb_set_vf_mac_addr`), and takes it over by itself as it is reset, which closing the interface does (`igbvf_down`). The
 * interface is left down or up as it happens to be.
 * @param netns path of the namespace where it is; the host's where left out
 * @throws CniError where it has another address afterwards
 */
export function setAddress(name: string, mac: string, netns?: string): void {
  const answer = runIp([["link", "set", "dev", name, "address", mac]], netns);
  if (answer.ok) return;
  const cycled = runIp(
    [
      ["link", "set", "dev", name, "up"],
      ["link", "set", "dev", name, "down"],
      ["link", "show", "dev", name],
    ],
    netns,
  );
  const shown = cycled.ok ? linksIn(cycled.output)[0]?.address : undefined;
  if (shown === mac) return;
  throw new CniError("refused", `${name} does not take the MAC address ${mac}`, answer.words);
}
