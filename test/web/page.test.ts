/** The page as a person has it: `npm start`, and a browser. By role and name. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { requireTool } from "../require-tool.ts";
import { openBrowser, seriousFindings } from "./open-browser.ts";
import { type Started, startVfleet } from "./started.ts";

describe("the page", { skip: requireTool("chromium") }, () => {
  let started: Started;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  before(async () => {
    [started, browser] = await Promise.all([startVfleet(), openBrowser()]);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
  });
  after(async () => {
    await browser?.close();
    await started?.close();
  });

  test("shows two hosts that are alive", async () => {
    await page.goto(started.url);
    await page.getByRole("link", { name: "host-a" }).waitFor();
    await page.getByRole("link", { name: "host-b" }).waitFor();
    // The token is not left where others read it.
    assert.doesNotMatch(page.url(), /token/);
    assert.deepEqual(await seriousFindings(page), []);
  });

  test("nothing went wrong in the browser", () => {
    assert.deepEqual(problems, []);
  });
});
