import { Link } from "wouter";

/** To what is of a host, in its machine: a PF, a VF, a guest, any function. */
export function PanelLink({
  host,
  name,
  label = name,
}: {
  readonly host: string;
  readonly name: string;
  readonly label?: string;
}) {
  return <Link href={`/hosts/${encodeURIComponent(host)}?at=${encodeURIComponent(name)}`}>{label}</Link>;
}
