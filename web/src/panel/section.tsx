import { type ReactNode, useState } from "react";

interface SectionProps {
  readonly title: string;
  /** Beside the title: what one sees of it while it is closed. */
  readonly brief?: ReactNode;
  readonly isOpenAtFirst?: boolean;
  /** Rendered while it is open only: what it shows may be costly to ask for. */
  readonly children: () => ReactNode;
}

/** A part of a panel that can be closed. */
export function Section({ title, brief, isOpenAtFirst = false, children }: SectionProps) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  return (
    <details className="panel-section" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <h3>{title}</h3>
        {brief !== undefined && <span className="muted">{brief}</span>}
      </summary>
      {isOpen && <div className="stack">{children()}</div>}
    </details>
  );
}
