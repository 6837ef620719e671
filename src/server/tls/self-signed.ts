import { createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import { der } from "./der.ts";

export interface CertificateRequest {
  /** Of a key on an elliptic curve. */
  readonly privateKey: KeyObject;
  /** Host names and IP addresses; the first is the subject's. */
  readonly names: readonly string[];
  readonly from: Date;
  readonly until: Date;
}

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const EXTENSION = { basicConstraints: "2.5.29.19", keyUsage: "2.5.29.15", names: "2.5.29.17", usage: "2.5.29.37" };
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const DNS_NAME = 2;
const IP_ADDRESS = 7;
const VERSION_3 = 2;
const SERIAL_BYTES = 16;
/** digitalSignature is the first bit of a bit string, of which seven are unused. */
const DIGITAL_SIGNATURE = Buffer.from([0x80]);
const MOST_COMMON_NAME = 64;

/** A certificate for a TLS server, signed by its own key (RFC 5280), in PEM. */
export function selfSigned({ privateKey, names, from, until }: CertificateRequest): string {
  const algorithm = der.sequence(der.oid(ECDSA_WITH_SHA256));
  const subject = der.sequence(
    der.set(der.sequence(der.oid(COMMON_NAME), der.text((names[0] ?? "vfleet").slice(0, MOST_COMMON_NAME)))),
  );
  // Positive, and never zero.
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(SERIAL_BYTES - 1)]);
  const certificate = der.sequence(
    der.explicit(0, der.integer(Buffer.from([VERSION_3]))),
    der.integer(serial),
    algorithm,
    subject,
    der.sequence(der.time(from), der.time(until)),
    subject,
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    der.explicit(
      3,
      der.sequence(
        extension(EXTENSION.basicConstraints, der.sequence(), true),
        extension(EXTENSION.keyUsage, der.bits(DIGITAL_SIGNATURE, 7), true),
        extension(EXTENSION.usage, der.sequence(der.oid(SERVER_AUTH)), false),
        extension(EXTENSION.names, der.sequence(...names.map(nameOf)), false),
      ),
    ),
  );
  const whole = der.sequence(certificate, algorithm, der.bits(sign("sha256", certificate, privateKey)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, value: Uint8Array, isCritical: boolean): Buffer {
  return der.sequence(der.oid(id), ...(isCritical ? [der.isTrue()] : []), der.octets(value));
}

function nameOf(name: string): Buffer {
  return isIP(name) === 0 ? der.implicit(DNS_NAME, Buffer.from(name)) : der.implicit(IP_ADDRESS, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // As a URL has it: in hexadecimal groups alone.
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >>> 8, group & 0xff]));
}
