import { OperationList } from "../operation/operation-list.tsx";
import { OperationView } from "../operation/operation-view.tsx";

interface OperationsPageProps {
  readonly host: string;
  /** Of one; undefined: all of them. */
  readonly number: number | undefined;
}

/** What was done to a host, and what came of it. */
export function OperationsPage({ host, number }: OperationsPageProps) {
  return number === undefined ? <OperationList host={host} /> : <OperationView host={host} number={number} />;
}
