/** What the preflight has against VFs, at the PFs on the page: over a machine whose windows have no room for them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Served, startServed } from "../../src/server/testing/served.ts";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";
import { openBrowser, seriousFindings } from "./open-browser.ts";

/** A port of an 82576, between windows that the firmware made too small and Linux may not move. */
const REFUSED = "0000:01:00.1";
/** The other port, whose VFs have room, though they may not answer. */
const WARNED = "0000:01:00.0";
const SUMMARY = "no address space for VF BAR 3";
const PATIENCE_MS = 60_000;

describe("the preflight on the page", { skip: requireTool("chromium"), timeout: 600_000 }, () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  before(
    async () => {
      [served, browser] = await Promise.all([
        startServed("small-window", { page: join(ROOT, "dist/web/") }),
        openBrowser(),
      ]);
      page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("pageerror", (error) => problems.push(error.message));
      await page.goto(`${served.server.url}#token=${served.token}`);
      await page.getByRole("link", { name: "lab", exact: true }).first().click();
    },
    { timeout: 180_000 },
  );
  after(async () => {
    await browser?.close();
    await served?.close();
  });

  const pf = (bdf: string) => page.getByRole("button", { name: new RegExp(`^PF ${bdf}`) });
  const preflightOf = async (bdf: string) => {
    const { body } = await served.ask(`/api/v1alpha1/hosts/lab/preflights?pf=${bdf}`);
    return body.items[0];
  };

  test("a PF whose VFs are refused is called so, and is among what needs a look", async () => {
    assert.equal((await preflightOf(REFUSED)).verdict, "refuse");
    await page.getByRole("button", { name: new RegExp(`^PF ${REFUSED}.*, preflight refuses VFs$`) }).waitFor();
    await page
      .getByRole("button", { name: new RegExp(`^Show where: ${REFUSED}: VFs are refused: ${SUMMARY}`) })
      .waitFor();
    await page.getByText(`No VF can be made here: the panel of ${REFUSED} says why`).waitFor();
    await page.getByRole("link", { name: `Plan a change of ${WARNED}` }).waitFor();
    await pf(REFUSED).focus();
    await page
      .getByRole("status")
      .filter({ hasText: `VFs are refused: ${SUMMARY}` })
      .waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });

  test("its panel has the finding, the cause and the remedy, as the API has them", async () => {
    const { findings } = await preflightOf(REFUSED);
    const finding = findings.find(({ result }: { result: string }) => result === "refuse");
    await pf(REFUSED).click();
    const told = page.getByRole("complementary").getByRole("region", { name: finding.check });
    await told.getByText(finding.summary).waitFor();
    for (const { fact } of finding.evidence) assert.ok(await told.getByText(fact).first().isVisible(), fact);
    await told.getByText(`What to do: ${finding.remedy}`).waitFor();
    await told.getByText(finding.code).first().waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.screenshot({ path: join(ROOT, "dist/screenshots/preflight.png") });
  });

  test("one whose VFs are possible with a warning is called that, and is no problem", async () => {
    assert.equal((await preflightOf(WARNED)).verdict, "warn");
    assert.match((await pf(WARNED).getAttribute("aria-label")) ?? "", /, preflight warns of VFs$/);
    assert.equal(await page.getByRole("button", { name: new RegExp(`^Show where: ${WARNED}:`) }).count(), 0);
  });

  test("the list says the same", async () => {
    await page.getByLabel("as a list").check();
    await page.getByRole("button", { name: new RegExp(`^PF ${REFUSED}.*preflight refuses VFs.*${SUMMARY}`) }).waitFor();
    assert.deepEqual(problems, []);
  });
});
