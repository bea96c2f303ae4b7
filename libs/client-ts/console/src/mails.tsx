import { useState } from "react"
import { useControl, useStack } from "./hooks.js"

interface Mail {
  id: number
  at: string
  from: string
  to: string
  subject: string
  text: string
}

/** The mails that the backend sent, and the links in them. */
export function Mails() {
  const { state } = useStack()
  const { value, problem } = useControl<{ items: Mail[] }>("mails", 2_000)
  const [selected, select] = useState<number>()
  const mails = value?.items ?? []
  const mail = mails.find(({ id }) => id === selected) ?? mails[0]
  const links = mail ? [...new Set(mail.text.match(/https?:\/\/[^\s]+/g) ?? [])] : []
  return (
    <div className="columns narrow">
      <section aria-label="Mails">
        <h2>Mails <b className="badge">{mails.length}</b></h2>
        {problem ? <p role="alert">{problem}</p> : null}
        {mails.length === 0 ? <p className="hint">No mail yet. Forgotten passwords, invitations and new addresses send some.</p> : null}
        <ul className="cards">
          {mails.map(one => (
            <li key={one.id} aria-current={one === mail}>
              <button className="link" onClick={() => select(one.id)}><strong>{one.subject}</strong></button>
              <small>to {one.to}, {new Date(one.at).toLocaleString()}</small>
            </li>
          ))}
        </ul>
      </section>
      <section aria-label="The mail">
        {mail ? (
          <>
            <h2>{mail.subject}</h2>
            <p>From {mail.from} to {mail.to}</p>
            {links.length > 0 ? <ul className="plain" aria-label="Links in the mail">{links.map(link => <li key={link}><a href={link} target="_blank" rel="noreferrer">{link}</a></li>)}</ul> : null}
            <iframe title="The mail as its reader sees it" sandbox="allow-popups allow-popups-to-escape-sandbox" src={`${state.mail}/mails/${mail.id}/html`} />
          </>
        ) : null}
      </section>
    </div>
  )
}
