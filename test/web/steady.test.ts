/** What is on the page stays, or says why not, when something goes wrong around it: over a server in this process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { type Served, startServed } from "../../src/server/testing/served.ts";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";
import { openBrowser } from "./open-browser.ts";

const PATIENCE_MS = 30_000;
const API = "/api/v1alpha1";

describe("the page when something goes wrong", { skip: requireTool("chromium"), timeout: 300_000 }, () => {
  let served: Served;
  let browser: Browser;
  let page: Page;

  before(
    async () => {
      [served, browser] = await Promise.all([startServed("igb", { page: join(ROOT, "dist/web/") }), openBrowser()]);
      page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.setDefaultTimeout(PATIENCE_MS);
      await page.goto(`${served.server.url}#token=${served.token}`);
      await page.getByRole("link", { name: "lab", exact: true }).first().waitFor();
    },
    { timeout: 180_000 },
  );
  after(async () => {
    await browser?.close();
    await served?.close();
  });

  const open = (path: string) => page.goto(new URL(path, served.server.url).href);
  const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
  const dialog = () => page.getByRole("dialog");
  const yaml = () => page.getByRole("textbox", { name: "YAML" });
  /** Waits until one has the focus. */
  const focused = (locator: Locator) => locator.and(page.locator(":focus")).waitFor();

  test("an answer that is lost is not called nothing", async () => {
    await open("/hosts/lab/change");
    await page.route(`**${API}/plans/*/apply`, (route) => route.abort());
    await page.getByLabel("Number of VFs").fill("2");
    await button("Plan").click();
    await button("Apply").click();
    await dialog().getByText("Whether it was begun is not known").waitFor();
    assert.equal(await dialog().getByText("Nothing was done").count(), 0);
    await dialog().getByRole("link", { name: "Operations of lab" }).waitFor();
    await page.unroute(`**${API}/plans/*/apply`);
    await page.route(`**${API}/plans/*/apply`, (route) => route.fulfill({ status: 429, json: {} }), { times: 1 });
    await button("Plan anew").click();
    await button("Apply").click();
    await dialog().getByText("the plan is kept").waitFor();
    await button("Apply").click();
    await dialog().getByText("verified by reading back").waitFor();
    await button("Done").click();
  });

  test("what was written stays, and is not replaced unasked", async () => {
    await open("/hosts/lab/change?pf=0000:01:00.0");
    await yaml().fill(`# mine\n${await yaml().inputValue()}`);
    await page.getByRole("heading", { name: "By YAML" }).click();
    await page.keyboard.press("p");
    await page.getByRole("link", { name: "Change", exact: true }).click();
    assert.match(await yaml().inputValue(), /^# mine/);
    await page.getByRole("button", { name: /^Edit / }).click();
    await dialog().getByText("Replace what was written?").waitFor();
    await button("Go on with what was written").click();
    assert.match(await yaml().inputValue(), /^# mine/);
    await page.getByRole("button", { name: /^Edit / }).click();
    await button("Replace it").click();
    assert.doesNotMatch(await yaml().inputValue(), /# mine/);
    await focused(page.getByLabel("Document name"));
  });

  test("a claim does not take the place of a document", async () => {
    const { body } = await served.ask(`${API}/hosts/lab/documents`);
    const [{ name }] = body.items;
    await open("/hosts/lab/claims");
    await page.getByLabel("Claim's name").fill(name);
    await page.getByRole("combobox", { name: "Guest" }).fill("web");
    await page.locator(`button[title="A document ${name} is kept already: take another name."]`).waitFor();
  });

  test("the focus goes back to who opened a dialog or a form", async () => {
    await open("/hosts/lab/change");
    const opener = ((await page.getByRole("button", { name: /^Delete / }).textContent()) ?? "").trim();
    await button(opener).click();
    await button("Cancel").click();
    await focused(button(opener));
    await open("/hosts/lab?at=0000:01:00.0-vf0");
    await button("Edit settings").click();
    const form = page.getByRole("form", { name: "Settings" });
    await form.locator(":focus").waitFor();
    await button("Stop editing").click();
    await focused(button("Edit settings"));
  });

  test("Back closes a panel", async () => {
    await open("/hosts/lab");
    await page.getByRole("button", { name: /^PF 0000:01:00.0/ }).click();
    assert.equal(await page.title(), "Machine · lab · vfleet");
    await page.getByRole("complementary").waitFor();
    await page.goBack();
    await page.getByRole("complementary").waitFor({ state: "detached" });
  });

  test("PFs that come back are drawn again", async () => {
    const reset = { status: 410, json: { code: "VFL-0505", detail: "list anew", remedy: "list anew" } };
    const empty = { json: { metadata: { resourceVersion: "0", continue: null }, items: [] } };
    await open("/hosts/lab");
    const pf = page.getByRole("button", { name: /^PF 0000:01:00.0/ });
    await pf.waitFor();
    await page.route(/physicalfunctions\?/, (route) => route.fulfill(empty), { times: 1 });
    await page.route(/\/watch\?/, (route) => route.fulfill(reset), { times: 1 });
    await page.reload();
    await pf.waitFor();
    assert.equal(await page.getByText("No function of this host has SR-IOV").count(), 0);
  });

  test("a part that cannot be loaded says so, and another page is there", async () => {
    await open("/hosts/lab");
    await page.route(/change-workshop/, (route) => route.abort());
    await page.getByRole("link", { name: "Change", exact: true }).click();
    await button("Load the page anew").waitFor();
    await page.getByRole("link", { name: "Operations", exact: true }).click();
    await page.getByRole("link", { name: "Operation 1" }).waitFor();
    await page.unroute(/change-workshop/);
    await open("/hosts/%25");
    await page.getByText("% cannot be shown").waitFor();
  });

  test("an operation that does not exist is asked for once", async () => {
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/operations/999/record")) asked += 1;
    });
    await open("/hosts/lab/operations/999");
    await page.getByText("Operation 999 cannot be shown").waitFor();
    await page.waitForTimeout(1000);
    assert.equal(asked, 1);
  });

  test("the fleet gives no all-clear over what it could not read", async () => {
    await page.route(`**${API}/hosts?*`, (route) => route.abort());
    await open("/");
    await page.getByText("The hosts cannot be read").waitFor();
    assert.equal(await page.getByText("Nothing needs a look").count(), 0);
    await page.unroute(`**${API}/hosts?*`);
    await page.getByRole("link", { name: "lab", exact: true }).waitFor();
  });

  test("a token that is revoked leads to signing in; a new link does in the same tab", async () => {
    const body = { name: "short", role: "viewer" };
    const { token } = (await served.ask(`${API}/tokens`, { method: "POST", body })).body;
    await open("/");
    await page.evaluate(`location.hash = "token=${token}"`);
    await page.getByText("short · viewer").waitFor();
    await page.getByRole("link", { name: "lab", exact: true }).waitFor();
    await served.ask(`${API}/tokens/short`, { method: "DELETE" });
    await page.getByText("The server does not know this token").waitFor();
    await page.evaluate(`location.hash = "token=${served.token}"`);
    await page.getByRole("link", { name: "lab", exact: true }).waitFor();
  });
});
