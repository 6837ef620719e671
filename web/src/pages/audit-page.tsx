import { usePageTitle } from "../app/page-title.ts";
import { useWhyNot } from "../app/person.tsx";
import { AuditLog } from "../audit/audit-log.tsx";
import { TokenList } from "../audit/token-list.tsx";

/** Who changed what, and who may. */
export function AuditPage() {
  usePageTitle("Audit");
  const whyNot = useWhyNot("admin");
  if (whyNot !== undefined) return <p className="page notice">{whyNot}</p>;
  return (
    <div className="page">
      <h1>Audit log</h1>
      <AuditLog />
      <h1>Tokens</h1>
      <TokenList />
    </div>
  );
}
