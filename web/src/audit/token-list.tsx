import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "../api/session.ts";
import { ActionButton } from "../app/action-button.tsx";
import { Dialog } from "../app/dialog.tsx";
import { Failure } from "../app/failure.tsx";
import { ROLES, usePerson } from "../app/person.tsx";
import { ScrollX } from "../app/scroll-x.tsx";

interface NewToken {
  readonly name: string;
  readonly role: string;
  readonly token: string;
}

/** Who may ask the server, and for what. */
export function TokenList() {
  const queries = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ["tokens"],
    queryFn: async () => (await api.ask("GET /tokens")).items,
  });
  const [made, setMade] = useState<NewToken>();
  const [leaving, setLeaving] = useState<string>();
  const { name: own } = usePerson();
  const reread = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  if (data === undefined) {
    if (error) return <Failure title="Tokens cannot be read" error={error} />;
    return <p className="muted">Reading the tokens…</p>;
  }
  // A dialog may be open with a token that is shown once: it stays, whatever comes of reading the list.
  return (
    <>
      {error && <Failure title="Tokens cannot be read anew" error={error} />}
      <ScrollX label="List of tokens" isCard>
        <table aria-label="Tokens">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Made</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map(({ name, role, createdAt }) => (
              <tr key={name}>
                <th scope="row">
                  {name} {name === own && <span className="muted">(yours)</span>}
                </th>
                <td>{role}</td>
                <td>{new Date(createdAt).toLocaleString()}</td>
                <td>
                  <ActionButton
                    whyNot={name === own ? "It is the one that you are signed in with." : undefined}
                    onClick={() => setLeaving(name)}
                  >
                    Revoke {name}
                  </ActionButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      <TokenMaker
        onMade={(token) => {
          setMade(token);
          void reread();
        }}
      />
      {made !== undefined && <MadeDialog made={made} onClose={() => setMade(undefined)} />}
      {leaving !== undefined && (
        <RevokeDialog
          name={leaving}
          onClose={() => setLeaving(undefined)}
          onRevoked={() => {
            setLeaving(undefined);
            void reread();
          }}
        />
      )}
    </>
  );
}

function TokenMaker({ onMade }: { readonly onMade: (made: NewToken) => void }) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const make = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const role = ROLES.find((each) => each === given.get("role")) ?? "viewer";
    const body = { name: String(given.get("name")).trim(), role };
    setBusy(true);
    api
      .ask("POST /tokens", { body })
      .then(
        (made) => {
          setError(undefined);
          form.reset();
          onMade(made);
        },
        (refused: unknown) => setError(refused),
      )
      .finally(() => setBusy(false));
  };
  return (
    <form className="card padded stack" aria-label="New token" onSubmit={make}>
      <div className="row">
        <label>
          Name
          <input name="name" type="text" required autoComplete="off" spellCheck={false} />
        </label>
        <label>
          Role
          <select name="role" defaultValue="viewer">
            <option value="viewer">viewer: looks</option>
            <option value="operator">operator: changes hosts, too</option>
            <option value="admin">admin: makes tokens, too</option>
          </select>
        </label>
        <ActionButton type="submit" whyNot={isBusy ? "It is being made." : undefined}>
          Make a token
        </ActionButton>
      </div>
      {error !== undefined && <Failure title="It was not made" error={error} />}
    </form>
  );
}

function MadeDialog({ made, onClose }: { readonly made: NewToken; readonly onClose: () => void }) {
  const [told, setTold] = useState("");
  const copy = () => {
    // Without TLS a browser has no clipboard for anything but this machine.
    const copied = navigator.clipboard?.writeText(made.token) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => setTold("Copied."),
      () => setTold("The browser does not let it be copied: mark it, and copy it by hand."),
    );
  };
  return (
    <Dialog title={`The token ${made.name}`} onClose={onClose}>
      <div className="stack">
        <p>It is shown this once: the server keeps nothing of it but a hash. Its role is {made.role}.</p>
        <input aria-label="Token" type="text" readOnly value={made.token} onFocus={({ target }) => target.select()} />
        <div className="row">
          <button type="button" className="primary" onClick={copy}>
            Copy
          </button>
          <button type="button" onClick={onClose}>
            Done
          </button>
          <span role="status">{told}</span>
        </div>
      </div>
    </Dialog>
  );
}

interface RevokeDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onRevoked: () => void;
}

function RevokeDialog({ name, onClose, onRevoked }: RevokeDialogProps) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const revoke = () => {
    setBusy(true);
    api.ask("DELETE /tokens/{name}", { path: { name } }).then(onRevoked, (refused: unknown) => {
      setError(refused);
      setBusy(false);
    });
  };
  return (
    <Dialog title={`Revoke ${name}?`} onClose={onClose}>
      <div className="stack">
        <p>Whoever has it can ask the server for nothing any more, from now on. It cannot be given back.</p>
        {error !== undefined && <Failure title="It was not revoked" error={error} />}
        <div className="row">
          <ActionButton isPrimary whyNot={isBusy ? "It is being revoked." : undefined} onClick={revoke}>
            Revoke it
          </ActionButton>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  );
}
