import type { Page } from "playwright-core";
import { ObjectCache } from "../src/fleet/object-cache.ts";
import { openBrowser } from "../test/web/open-browser.ts";
import { figure } from "./figure.ts";
import { FLEET_HOSTS, FLEET_VFS, fillFleet, fillHost, startFleetServer } from "./fleet-server.ts";
import { hostWith } from "./host.ts";

const LARGE = "large-host";
const PFS = 16;
const LASTS_MS = 3000;
const DRAWING = ".machine-scroller";

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
    const fleet = await frames(page, "section[aria-label='Hosts']", "scroll");
    figure("page of the fleet, longest frame while it scrolls", fleet.longest, "ms", {
      p95: fleet.p95,
      wanted: "<= 50",
    });
    const hostMs = await msUntil(page, `${server.url}/hosts/${LARGE}`, "button", /^PF /);
    figure("page of a host, until it can be used", hostMs, "ms", { vfs: PFS * FLEET_VFS });
    const host = await frames(page, "main", "scroll");
    figure("page of a host, longest frame while it scrolls", host.longest, "ms", { p95: host.p95, wanted: "<= 50" });
    const zoom = await frames(page, DRAWING, "zoom");
    figure("machine drawn, longest frame while it is zoomed", zoom.longest, "ms", { p95: zoom.p95, wanted: "<= 50" });
    for (let step = 0; step < 6; step++) await page.getByRole("button", { name: "Zoom in" }).click();
    const pan = await frames(page, DRAWING, "scroll");
    figure("machine drawn, longest frame while it is panned", pan.longest, "ms", { p95: pan.p95, wanted: "<= 50" });
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Of the browser's, what is used inside it. */
interface InBrowser {
  readonly document: { querySelector(selector: string): Scrolled | null };
  readonly WheelEvent: new (kind: string, of: object) => object;
  requestAnimationFrame(frame: (nowMs: number) => void): number;
}

interface Scrolled {
  scrollTop: number;
  scrollLeft: number;
  readonly scrollHeight: number;
  readonly scrollWidth: number;
  readonly clientHeight: number;
  readonly clientWidth: number;
  getBoundingClientRect(): { readonly left: number; readonly top: number };
  dispatchEvent(event: object): void;
}

/** From the address to something that can be used. */
async function msUntil(page: Page, url: string, role: "link" | "button", name: RegExp): Promise<number> {
  const began = performance.now();
  await page.goto(url);
  await page.getByRole(role, { name }).first().waitFor();
  return performance.now() - began;
}

/** Times between frames while something scrolls to its end and back both ways, or is zoomed in and out again. */
async function frames(
  page: Page,
  selector: string,
  how: "scroll" | "zoom",
): Promise<{ readonly longest: number; readonly p95: number }> {
  const times = await page.evaluate(
    ({ moved, isZoom, lastsMs }) =>
      new Promise<number[]>((resolve) => {
        const { document, requestAnimationFrame, WheelEvent } = globalThis as unknown as InBrowser;
        const element = document.querySelector(moved);
        if (element === null) throw new Error(`there is no ${moved}`);
        const zoom = (isIn: boolean) => {
          const { left, top } = element.getBoundingClientRect();
          const at = { clientX: left + element.clientWidth / 3, clientY: top + element.clientHeight / 3 };
          const deltaY = isIn ? -12 : 12;
          element.dispatchEvent(
            new WheelEvent("wheel", { ...at, deltaY, ctrlKey: true, cancelable: true, bubbles: true }),
          );
        };
        const scroll = (part: number) => {
          const { scrollHeight, clientHeight, scrollWidth, clientWidth } = element;
          element.scrollTop = (scrollHeight - clientHeight) * part;
          element.scrollLeft = (scrollWidth - clientWidth) * part;
        };
        const found: number[] = [];
        const began = performance.now();
        let last = began;
        const frame = (now: number) => {
          found.push(now - last);
          last = now;
          const part = (now - began) / lastsMs;
          if (isZoom) zoom(part < 0.5);
          else scroll(Math.abs(Math.sin(part * Math.PI)));
          if (part < 1) requestAnimationFrame(frame);
          else resolve(found.slice(1).sort((a, b) => a - b));
        };
        requestAnimationFrame(frame);
      }),
    { moved: selector, isZoom: how === "zoom", lastsMs: LASTS_MS },
  );
  return { longest: times.at(-1) ?? Number.NaN, p95: Number((times[Math.floor(times.length * 0.95)] ?? 0).toFixed(1)) };
}
