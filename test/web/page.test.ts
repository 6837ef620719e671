/** The page as a person has it: `npm start`, and a browser. By role and name, and judged by what commands say of the same machines. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";
import { openBrowser, seriousFindings } from "./open-browser.ts";
import { HOST_A, HOST_B, type Started, startVfleet } from "./started.ts";

/** Pictures of the run, to be looked at. */
const SCREENSHOTS = join(ROOT, "dist/screenshots");
const IGB = "0000:01:00.0";
const CONNECTX = "0000:04:00.0";
const PATIENCE_MS = 60_000;

/** The main pages, and what is there when they are. */
const PAGES: readonly (readonly [
  name: string,
  path: string,
  shown: readonly ["button" | "link" | "heading" | "row", { name: RegExp }],
])[] = [
  ["fleet", "/", ["link", { name: /host-b/ }]],
  ["machine", "/hosts/host-a", ["button", { name: /^VF 0 / }]],
  ["panel", `/hosts/host-a?at=${IGB}-vf1`, ["button", { name: /detach/ }]],
  ["change", "/hosts/host-a/change", ["button", { name: /^Edit / }]],
  ["guests", "/hosts/host-a/guests", ["heading", { name: /model:db/ }]],
  ["claims", "/hosts/host-a/claims", ["heading", { name: /New claim/ }]],
  ["operations", "/hosts/host-a/operations", ["link", { name: /Operation 1/ }]],
  ["operation", "/hosts/host-a/operations/1", ["heading", { name: /^Operation 1/ }]],
  ["audit", "/audit", ["heading", { name: /Audit/ }]],
];

interface VfState {
  readonly vfIndex: number;
  readonly bdf: string;
}

describe("the page", { skip: requireTool("chromium"), timeout: 600_000 }, () => {
  let started: Started;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  before(
    async () => {
      mkdirSync(SCREENSHOTS, { recursive: true });
      [started, browser] = await Promise.all([startVfleet(), openBrowser()]);
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("pageerror", (error) => problems.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(message.text());
      });
    },
    { timeout: 180_000 },
  );
  after(async () => {
    await browser?.close();
    await started?.close();
  });

  const open = (path: string) => page.goto(new URL(path, started.url).href);
  const dialog = () => page.getByRole("dialog");
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  /** Says of the plan in the dialog that it is to be done, and waits for what comes of it. */
  const applyPlan = async () => {
    await dialog().getByRole("button", { name: "Apply", exact: true }).click();
    await dialog().getByText(/✔/).last().waitFor();
    await dialog().getByRole("button", { name: "Done" }).click();
  };
  const picture = (name: string) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  const vfsOf = (source: string, pf: string): readonly VfState[] => {
    const { state } = JSON.parse(started.vfleet("status", "--json", "--source", source));
    return state.pfs.find((each: { bdf: string }) => each.bdf === pf).vfs;
  };
  const holderOf = (source: string, bdf: string): string | undefined => {
    const { guests } = JSON.parse(started.vfleet("guests", "--json", "--source", source));
    return guests.find((guest: { devices: readonly VfState[] }) => guest.devices.some((device) => device.bdf === bdf))
      ?.address;
  };

  test("shows two hosts that are alive", { timeout: 180_000 }, async () => {
    await page.goto(started.url);
    for (const host of ["host-a", "host-b"])
      await page
        .getByRole("row", { name: host })
        .getByText(/as desired$/)
        .waitFor();
    // The token is not left where others read it.
    assert.doesNotMatch(page.url(), /token/);
    assert.deepEqual(await seriousFindings(page), []);
    await picture("fleet");
  });

  test("plans VFs on a PF, and makes them", { timeout: 180_000 }, async () => {
    assert.equal(vfsOf(HOST_A, CONNECTX).length, 0);
    await open(`/hosts/host-a/change?pf=${CONNECTX}`);
    await page.getByLabel("Number of VFs").fill("8");
    await button("Plan").click();
    await dialog()
      .getByRole("table", { name: `Changes of ${CONNECTX}` })
      .getByText("0 -> 8")
      .waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await picture("plan");
    assert.equal(vfsOf(HOST_A, CONNECTX).length, 0, "a plan writes nothing");
    await applyPlan();
    assert.equal(vfsOf(HOST_A, CONNECTX).length, 8);
  });

  test("gives a VF to a guest, and shows its traffic", { timeout: 180_000 }, async () => {
    await open(`/hosts/host-a?at=${IGB}-vf2`);
    const panel = page.getByRole("complementary");
    await panel.getByRole("combobox", { name: "Guest", exact: true }).selectOption("model:batch");
    await panel.getByRole("button", { name: "Plan to attach" }).click();
    await dialog()
      .getByText(/to model:batch/)
      .first()
      .waitFor();
    await applyPlan();
    assert.equal(holderOf(HOST_A, "0000:01:10.4"), "model:batch");
    // What can be chosen is there once somebody goes to it.
    await panel.getByLabel("Send to").focus();
    await panel.getByLabel("Send to").selectOption({ label: "VF 1, model:db" });
    await panel.getByRole("button", { name: "Send" }).click();
    await panel.getByText(/VF 2 to VF 1: 1000 frames\/s/).waitFor();
    await panel.getByText(/transmitted [1-9].*bit\/s/).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await picture("panel");
    await panel.getByRole("button", { name: "Close" }).click();
    await page
      .getByText(/model:batch/)
      .first()
      .waitFor();
    await picture("machine");
  });

  test("refuses to take VFs from who uses them, and says what to do", { timeout: 180_000 }, async () => {
    await open("/hosts/host-a/change");
    await button("Edit tenants").click();
    const yaml = page.getByRole("textbox", { name: "YAML" });
    await yaml.fill((await yaml.inputValue()).replace("numVfs: 6", "numVfs: 1").replace(/ {2}vfs:[\s\S]*$/, ""));
    await button("Plan").click();
    const refused = dialog().getByRole("list", { name: "Refusals" });
    await refused
      .getByText(/model:db|db/)
      .first()
      .waitFor();
    await refused.getByText("Instead:").first().waitFor();
    const apply = dialog().getByRole("button", { name: "Apply", exact: true });
    assert.equal(await apply.getAttribute("aria-disabled"), "true");
    assert.match((await apply.getAttribute("title")) ?? "", /refused/);
    await picture("refusal");
    await dialog().getByRole("button", { name: "Cancel" }).click();
    assert.equal(vfsOf(HOST_A, IGB).length, 6);
  });

  test("moves a guest to the other host", { timeout: 180_000 }, async () => {
    await open("/hosts/host-a/guests?guest=model:web");
    await button("Move model:web").click();
    await dialog().getByRole("list", { name: "What was asked about the move" }).waitFor();
    await picture("move");
    await applyPlan();
    const { guests } = JSON.parse(started.vfleet("guests", "--json", "--source", HOST_B));
    const moved = guests.find(({ address }: { address: string }) => address === "model:web");
    assert.equal(moved?.devices.length, 1, "it has its VF there");
    assert.doesNotMatch(started.vfleet("guests", "--source", HOST_A), /model:web/);
    await picture("guests");
  });

  test("takes a change back", { timeout: 180_000 }, async () => {
    await open("/hosts/host-a/operations");
    await page
      .getByRole("row", { name: /attach .*model:batch/ })
      .getByRole("link")
      .click();
    await button("Undo").click();
    await applyPlan();
    assert.equal(holderOf(HOST_A, "0000:01:10.4"), undefined);
  });

  for (const [scheme, width] of [
    ["light", 400],
    ["dark", 1280],
    ["dark", 400],
  ] as const) {
    test(`is readable ${scheme}, ${width} px wide`, { timeout: 180_000 }, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      for (const [name, path, shown] of PAGES) {
        await open(path);
        await page
          .getByRole(...shown)
          .first()
          .waitFor();
        assert.deepEqual(await seriousFindings(page), [], path);
        const wide = await page.evaluate("document.documentElement.scrollWidth");
        assert.ok(Number(wide) <= width, `${path} is ${wide} px wide`);
        await picture(`${name}-${scheme}-${width}`);
      }
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 1280, height: 800 });
    });
  }

  test("nothing went wrong in the browser", () => {
    assert.deepEqual(problems, []);
  });
});
