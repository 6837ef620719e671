/**
 * The page over a real kernel: `vfleet up` in a lab machine, a browser here. What a click makes is judged by that kernel's sysfs
 * (guest/server.ts).
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { findImage } from "../../src/lab/image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { runScript } from "../../src/lab/run-script.ts";
import { requireTool } from "../require-tool.ts";
import { openBrowser } from "../web/open-browser.ts";
import { makeGuestScript } from "./guest-script.ts";
import { layOutProgram } from "./published-program.ts";

const MACHINE_MS = 900_000;
/** Under emulation the server takes seconds for what it does in milliseconds. */
const PATIENCE_MS = 180_000;
const MACHINE_PORT = 7420;
const VFS = 3;
const SKIP = requireTool("lab") || requireTool("chromium");

describe("the page over a real kernel", { skip: SKIP, timeout: 1_500_000 }, () => {
  test("VFs made by a click are in sysfs, and gone when it is undone", { timeout: 1_500_000 }, async () => {
    const image = findImage();
    const machine = MACHINES.find(({ name }) => name === "igb");
    assert.ok(image && machine);
    const script = await makeGuestScript("server.ts");
    const stop = new AbortController();
    try {
      await layOutProgram(join(dirname(script.path), "vfleet"));
      const hostPort = await freePort();
      const ready = Promise.withResolvers<string>();
      let output = "";
      const running = runScript({
        image,
        machine,
        script: script.path,
        timeoutMs: MACHINE_MS,
        signal: stop.signal,
        forward: { hostPort, machinePort: MACHINE_PORT },
        onOutput: (text) => {
          output += text;
        },
        onRecord: ({ kind, link }) => {
          if (kind === "ready") ready.resolve(String(link));
        },
      });
      running.catch(ready.reject);
      const link = new URL(await ready.promise);
      link.port = String(hostPort);
      const { exitCode, records } = await makeAndUndo(link.href, running);
      assert.equal(exitCode, 0, output);
      assert.deepEqual(
        records.filter(({ kind }) => kind === "vfs").map(({ numVfs, links }) => [numVfs, links]),
        [
          [VFS, VFS],
          [0, 0],
        ],
      );
    } finally {
      stop.abort();
      script.remove();
    }
  });
});

/** The machine goes off when what was made is gone; the page is open until then. */
async function makeAndUndo<Result>(link: string, running: Promise<Result>): Promise<Result> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(link);
    await page.getByRole("table").getByRole("link").click();
    await page.getByRole("link", { name: "Change", exact: true }).click();
    await page.getByLabel("Number of VFs").fill(String(VFS));
    await page.getByRole("button", { name: "Plan", exact: true }).click();
    const dialog = page.getByRole("dialog");
    const apply = dialog.getByRole("button", { name: "Apply", exact: true });
    await apply.waitFor();
    assert.equal(await apply.getAttribute("aria-disabled"), "false", await dialog.innerText());
    await apply.click();
    // It can be taken back as soon as its end was seen.
    await dialog.locator("button[aria-disabled=false]", { hasText: "Undo" }).click();
    await dialog.getByText(`${VFS} -> 0`).first().waitFor();
    await apply.click();
    return await running;
  } finally {
    await browser.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
