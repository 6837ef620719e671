import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { makePrivateFolder, notWritten } from "../../state/private-folder.ts";
import { selfSigned } from "./self-signed.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const KEY_FILE = "key.pem";
const CERT_FILE = "cert.pem";
const DAY_MS = 24 * 60 * 60_000;
/** What browsers take at the most (CA/Browser Forum's 398 days). */
const VALID_DAYS = 397;
const RENEWED_BEFORE_DAYS = 30;
/** Clocks differ a little. */
const EARLIER_MS = 60 * 60_000;

/**
 * A certificate of the server's own in `folder`, made where there is none, and anew before it ends or where it lacks a name. The key
 * stays the same, so that who has pinned it need not ask again.
 * @param names host names and addresses that it is to be for
 * @returns whether it was made now
 * @throws VfleetError VFL-0307
 */
export function keepOwnCertificate(folder: string, names: readonly string[], now: Date): TlsFiles & { isNew: boolean } {
  makePrivateFolder(folder);
  const files = { certFile: join(folder, CERT_FILE), keyFile: join(folder, KEY_FILE) };
  const privateKey = keepKey(files.keyFile);
  if (isGood(files.certFile, privateKey, names, now)) return { ...files, isNew: false };
  const from = new Date(now.getTime() - EARLIER_MS);
  const until = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  replace(files.certFile, selfSigned({ privateKey, names, from, until }));
  return { ...files, isNew: true };
}

function keepKey(file: string): KeyObject {
  if (existsSync(file)) return createPrivateKey(readFileSync(file));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  replace(file, privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  return privateKey;
}

function isGood(file: string, key: KeyObject, names: readonly string[], now: Date): boolean {
  if (!existsSync(file)) return false;
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const endMs = certificate.validToDate.getTime();
    return (
      certificate.checkPrivateKey(key) &&
      endMs - now.getTime() > RENEWED_BEFORE_DAYS * DAY_MS &&
      names.every((name) => isNamed(certificate, name))
    );
  } catch {
    // It was damaged: another takes its place.
    return false;
  }
}

/** Whether a certificate is for a name or an address. */
export function isNamed(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** Whole, or not at all; for the owner alone. */
function replace(file: string, text: string): void {
  try {
    writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  } catch (cause) {
    throw notWritten(file, cause);
  }
}
