import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { marksOf } from "./certificate-pin.ts";
import { keepOwnCertificate } from "./own-certificate.ts";

const NAMES = ["rack-7", "localhost", "10.0.0.5", "fd00::5:0", "::1", "::"];
const DAY_MS = 24 * 60 * 60_000;
const folder = mkdtempSync(join(tmpdir(), "vfleet-certificate-"));
after(() => rmSync(folder, { recursive: true }));

function read(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file));
}

describe("a certificate of the server's own", () => {
  const now = new Date("2031-02-03T04:05:06Z");
  const first = keepOwnCertificate(join(folder, "tls"), NAMES, now);

  it("is for all names and addresses, for servers alone, and for less than 398 days", () => {
    const certificate = read(first.certFile);
    assert.equal(first.isNew, true);
    assert.deepEqual([certificate.ca, certificate.keyUsage], [false, ["1.3.6.1.5.5.7.3.1"]]);
    assert.equal(certificate.subject, "CN=rack-7");
    assert.equal(certificate.verify(certificate.publicKey), true);
    for (const name of ["rack-7", "localhost"]) assert.equal(certificate.checkHost(name), name);
    for (const address of NAMES.slice(2)) assert.ok(certificate.checkIP(address), address);
    assert.deepEqual([certificate.checkHost("rack-8"), certificate.checkIP("10.0.0.6")], [undefined, undefined]);
    assert.ok(certificate.validFromDate < now);
    assert.ok(certificate.validToDate.getTime() - certificate.validFromDate.getTime() < 398 * DAY_MS);
  });

  it("has its key for its owner alone", () => {
    assert.equal(statSync(first.keyFile).mode & 0o777, 0o600);
  });

  it("openssl reads it, too", { skip: requireTool("openssl") }, () => {
    const { stdout, status } = spawnSync("openssl", ["x509", "-in", first.certFile, "-noout", "-text"], {
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.match(stdout, /DNS:rack-7, DNS:localhost, IP Address:10\.0\.0\.5, IP Address:FD00:0:0:0:0:0:5:0/);
    assert.match(stdout, /Key Usage: critical\s+Digital Signature/);
    const verified = spawnSync("openssl", [
      "verify",
      "-attime",
      String(now.getTime() / 1000),
      "-CAfile",
      first.certFile,
      first.certFile,
    ]);
    assert.equal(verified.status, 0, String(verified.stderr));
  });

  it("stays while it serves, and is made anew with the same key before it ends, for another name, and where it is damaged", () => {
    const keep = (names = NAMES, at = now) => keepOwnCertificate(join(folder, "tls"), names, at);
    assert.equal(keep().isNew, false);
    const before = marksOf(read(first.certFile));
    assert.equal(keep(NAMES, new Date(now.getTime() + 360 * DAY_MS)).isNew, false);
    assert.equal(keep(NAMES, new Date(now.getTime() + 370 * DAY_MS)).isNew, true);
    assert.equal(keep([...NAMES, "10.0.0.6"]).isNew, true);
    writeFileSync(first.certFile, "x");
    assert.equal(keep().isNew, true);
    const after = marksOf(read(first.certFile));
    assert.equal(after.pin, before.pin);
    assert.notEqual(after.fingerprint, before.fingerprint);
  });

  it("is not put where others may write", () => {
    const open = join(folder, "open");
    keepOwnCertificate(open, NAMES, now);
    chmodSync(open, 0o777);
    assert.throws(() => keepOwnCertificate(open, NAMES, now), { code: "VFL-0307" });
  });
});
