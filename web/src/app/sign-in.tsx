import { type FormEvent, useId } from "react";
import { session } from "../api/session.ts";

/** Where no token is known, or the one that is known is refused. */
export function SignIn({ refused }: { readonly refused?: string }) {
  const id = useId();
  const signIn = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim();
    if (token === "") return;
    session.signIn(token);
    location.reload();
  };
  return (
    <main className="page">
      <h1>vfleet</h1>
      {refused && (
        <p className="notice bad" role="alert">
          {refused}
        </p>
      )}
      <form className="card padded stack" onSubmit={signIn}>
        <label htmlFor={id}>Token</label>
        <input id={id} name="token" type="password" autoComplete="off" spellCheck={false} required />
        <div>
          <button type="submit" className="primary">
            Sign in
          </button>
        </div>
        <p className="muted">
          The first one is in the file <code>token</code> of the server's state folder; <code>vfleet up</code> prints
          where. Others are made by <code>vfleet token create NAME --role viewer</code>.
        </p>
      </form>
    </main>
  );
}
