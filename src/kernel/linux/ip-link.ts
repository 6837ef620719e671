import { execFile } from "node:child_process";
import { type Observed, unread } from "../port.ts";

const DEADLINE_MS = 5000;
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/**
 * What iproute2 prints of one network interface, as JSON, its VFs included. The kernel answers only when it gets the
 * RTNL, so there is a deadline.
 */
export function readIpLink(netdev: string): Promise<Observed<string>> {
  const args = ["-json", "-details", "link", "show", "dev", netdev];
  const path = `ip ${args.join(" ")}`;
  const options = {
    timeout: DEADLINE_MS,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_LIMIT_BYTES,
    env: ENVIRONMENT,
  } as const;
  return new Promise((settle) => {
    execFile("ip", args, options, (error, stdout, stderr) => {
      if (!error) settle(stdout);
      else if (error.code === "ENOENT") settle(unread(path, "ENOENT", "iproute2 (ip) is not installed"));
      else if (error.killed) settle(unread(path, "ETIMEDOUT"));
      else settle(unread(path, "ENODEV", stderr.trim() || "ip could not read the interface"));
    });
  });
}
