import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/session.ts";
import "./error-code.css";

/** A code of the catalogue, which explains itself where it stands. */
export function ErrorCode({ code }: { readonly code: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="error-code" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary aria-label={`${code}: what it means`}>
        <code>{code}</code>
      </summary>
      {isOpen && <Explanation code={code} />}
    </details>
  );
}

function Explanation({ code }: { readonly code: string }) {
  const { data, error } = useQuery({
    queryKey: ["errors", code],
    queryFn: () => api.ask("GET /errors/{code}", { path: { code } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) {
    return (
      <p className="bad">
        {code} cannot be explained here: {error.message}
      </p>
    );
  }
  if (data === undefined) return <p className="muted">Looking it up…</p>;
  return (
    <p>
      <strong>{data.title}.</strong> {data.explanation} In general: {data.remedy}.
    </p>
  );
}
