/** The conversation about a change, as a person has it: written, planned, done, taken back. By role and name. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { requireTool } from "../require-tool.ts";
import { openBrowser, seriousFindings } from "./open-browser.ts";
import { type Started, startVfleet } from "./started.ts";

const PATIENCE_MS = 60_000;
/** Nobody has VFs of it before. */
const PF = "0000:01:00.1";

/** The first start of a browser and of two machines, beside other tests. */
const START_MS = 180_000;

describe("a change on the page", { skip: requireTool("chromium"), timeout: 600_000 }, () => {
  let started: Started;
  let browser: Browser;
  let page: Page;
  /** As the page calls it: `Operation 2`. */
  let operation = "";

  before(
    async () => {
      [started, browser] = await Promise.all([startVfleet(), openBrowser()]);
      page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.setDefaultTimeout(PATIENCE_MS);
      await page.goto(started.url);
      // Whoever plans while it is set up is told that the host has moved.
      await page
        .getByRole("row", { name: "host-a" })
        .getByText(/ as desired$/)
        .waitFor({ timeout: START_MS });
      await page.goto(new URL(`/hosts/host-a/change?pf=${PF}`, started.url).href);
    },
    { timeout: START_MS },
  );
  after(async () => {
    await browser?.close();
    await started?.close();
  });

  test("what is typed in the form is in the YAML at once", async () => {
    await page.getByLabel("Number of VFs").fill("2");
    const text = await page.getByLabel("YAML", { exact: true }).inputValue();
    assert.match(text, /select: \{bdf: 0000:01:00\.1\}\n {2}numVfs: 2\n/);
  });

  test("a wrong YAML is told with its line, and cannot be planned", async () => {
    const yaml = page.getByLabel("YAML", { exact: true });
    const text = await yaml.inputValue();
    await yaml.fill(text.replace("numVfs", "numVFs"));
    await page.getByText("did you mean numVfs?").waitFor();
    const plan = page.getByRole("button", { name: "Plan", exact: true });
    assert.equal(await plan.getAttribute("aria-disabled"), "true");
    await yaml.fill(text);
  });

  test("the plan tells what would change; nothing is done before it is said", async () => {
    await page.getByRole("button", { name: "Plan", exact: true }).click();
    await page.getByRole("row", { name: "numVfs 0 -> 2" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });

  test("it is done where it was planned, and what has come of it stays there", async () => {
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await page.getByText("verified by reading back").waitFor();
    await page.getByRole("list", { name: "Steps" }).getByText("VFs created").waitFor();
    operation = (await page.getByRole("link", { name: /^Operation \d+$/ }).textContent()) ?? "";
    assert.deepEqual(await seriousFindings(page), []);
  });

  test("it is taken back in the same place", async () => {
    // Whether it can be is asked first.
    const undo = page.getByRole("button", { name: "Undo", exact: true, disabled: false });
    await undo.click();
    await page.getByRole("row", { name: "numVfs 2 -> 0" }).waitFor();
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await page.getByText("verified by reading back").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
  });

  test("it is among the operations, with all that was written down", async () => {
    await page.getByRole("link", { name: "Operations" }).click();
    await page.getByRole("link", { name: operation, exact: true }).click();
    await page.getByRole("list", { name: "What was written down" }).getByText("numVfs 0 -> 2").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });
});
