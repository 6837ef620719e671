import type { Page } from "playwright-core";
import { ObjectCache } from "../src/fleet/object-cache.ts";
import { openBrowser } from "../test/web/open-browser.ts";
import { figure } from "./figure.ts";
import { FLEET_HOSTS, FLEET_VFS, fillFleet, fillHost, startFleetServer } from "./fleet-server.ts";
import { hostWith } from "./host.ts";

const LARGE = "large-host";
const PFS = 16;
const SCROLL_MS = 3000;

/**
 * The page in Chromium, without a graphics processor: how long until a person can work with it, and its frames while it scrolls.
 * @param built where the page was built to
 */
export async function pageFigures(built: string): Promise<void> {
  const cache = new ObjectCache("bench");
  fillFleet(cache);
  fillHost(cache, LARGE, hostWith(PFS, FLEET_VFS));
  const server = await startFleetServer(cache, built);
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${server.url}/#token=${server.token}`);
    await page.getByRole("link", { name: "host-0", exact: true }).waitFor();
    const fleetMs = await msUntil(page, `${server.url}/`, "link", /^host-0$/);
    figure("page of the fleet, until it can be used", fleetMs, "ms", { hosts: FLEET_HOSTS });
    const fleet = await frames(page, "section[aria-label='Hosts']");
    figure("page of the fleet, longest frame while it scrolls", fleet.longest, "ms", {
      p95: fleet.p95,
      wanted: "<= 50",
    });
    const hostMs = await msUntil(page, `${server.url}/hosts/${LARGE}`, "button", /^PF /);
    figure("page of a host, until it can be used", hostMs, "ms", { vfs: PFS * FLEET_VFS });
    const host = await frames(page, "main");
    figure("page of a host, longest frame while it scrolls", host.longest, "ms", { p95: host.p95, wanted: "<= 50" });
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Of the browser's, what is used inside it. */
interface InBrowser {
  readonly document: {
    querySelector(
      selector: string,
    ): { scrollTop: number; readonly scrollHeight: number; readonly clientHeight: number } | null;
  };
  requestAnimationFrame(frame: (nowMs: number) => void): number;
}

/** From the address to something that can be used. */
async function msUntil(page: Page, url: string, role: "link" | "button", name: RegExp): Promise<number> {
  const began = performance.now();
  await page.goto(url);
  await page.getByRole(role, { name }).first().waitFor();
  return performance.now() - began;
}

/** Times between frames while something scrolls to its end and back. */
async function frames(page: Page, selector: string): Promise<{ readonly longest: number; readonly p95: number }> {
  const times = await page.evaluate(
    ({ scrolled, lastsMs }) =>
      new Promise<number[]>((resolve) => {
        const { document, requestAnimationFrame } = globalThis as unknown as InBrowser;
        const element = document.querySelector(scrolled);
        if (element === null) throw new Error(`there is no ${scrolled}`);
        const found: number[] = [];
        const began = performance.now();
        let last = began;
        const frame = (now: number) => {
          found.push(now - last);
          last = now;
          const way = element.scrollHeight - element.clientHeight;
          element.scrollTop = way * Math.abs(Math.sin(((now - began) / lastsMs) * Math.PI));
          if (now - began < lastsMs) requestAnimationFrame(frame);
          else resolve(found.slice(1).sort((a, b) => a - b));
        };
        requestAnimationFrame(frame);
      }),
    { scrolled: selector, lastsMs: SCROLL_MS },
  );
  return { longest: times.at(-1) ?? Number.NaN, p95: Number((times[Math.floor(times.length * 0.95)] ?? 0).toFixed(1)) };
}
