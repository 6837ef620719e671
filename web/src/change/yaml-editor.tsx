import { useId, useRef } from "react";
import type { TextError } from "./read-text.ts";

interface YamlEditorProps {
  readonly label: string;
  readonly text: string;
  readonly error: TextError | undefined;
  readonly onChange: (text: string) => void;
}

const LEAST_LINES = 14;
const MOST_LINES = 40;

/** YAML with the numbers of its lines; the one that is wrong is marked, and what is wrong is below, as the commands tell it. */
export function YamlEditor({ label, text, error, onChange }: YamlEditorProps) {
  const gutter = useRef<HTMLDivElement>(null);
  const id = useId();
  const lines = text.split("\n").length;
  return (
    <div className="yaml-editor">
      <div className="yaml-text">
        <div ref={gutter} className="yaml-gutter" aria-hidden="true">
          {Array.from({ length: lines }, (_, index) => index + 1).map((line) => (
            <div key={line} className={line === error?.line ? "wrong" : undefined}>
              {line === error?.line && "▸"}
              {line}
            </div>
          ))}
        </div>
        <textarea
          aria-label={label}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : id}
          spellCheck={false}
          wrap="off"
          rows={Math.min(Math.max(lines, LEAST_LINES), MOST_LINES)}
          value={text}
          onChange={({ target }) => onChange(target.value)}
          onScroll={({ currentTarget }) => {
            if (gutter.current) gutter.current.scrollTop = currentTarget.scrollTop;
          }}
        />
      </div>
      {error !== undefined && (
        <pre id={id} className="notice bad yaml-error" role="status">
          {error.message}
        </pre>
      )}
    </div>
  );
}
