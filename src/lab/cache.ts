import { homedir } from "node:os";
import { join } from "node:path";

/** Where the lab keeps its images: outside the checkout, so that a fresh clone finds them. */
export function labCacheFolder(): string {
  const { XDG_CACHE_HOME } = process.env;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "vfleet", "lab");
}
