import { createHash, type X509Certificate } from "node:crypto";

/** What a certificate is recognised by. */
export interface CertificateMarks {
  /** SHA-256 of the certificate, as browsers and openssl show it; another after a renewal. */
  readonly fingerprint: string;
  /** SHA-256 of its public key, as `curl --pinnedpubkey` takes it; a renewal keeps it. */
  readonly pin: string;
}

export function marksOf(certificate: X509Certificate): CertificateMarks {
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return {
    fingerprint: certificate.fingerprint256,
    pin: `sha256//${createHash("sha256").update(key).digest("base64")}`,
  };
}
