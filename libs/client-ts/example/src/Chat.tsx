import { type ChatMessage, type Conversation, nameOf } from "@mylg/client"
import { useMessages, useMylg, usePeople, usePresence, useSend, useSession, useTyping } from "@mylg/client/react"
import { type FormEvent, memo, useEffect, useRef, useState } from "react"

/** One conversation: its messages, who types, and what to write. */
export function Chat({ conversation, title }: { conversation: Conversation; title: string }) {
  const id = conversation.conversationId
  const mylg = useMylg()
  const { user } = useSession()
  const { messages, hasOlder, loadOlder } = useMessages(id)
  const send = useSend(id)
  const { typing, type } = useTyping(id)
  const others = conversation.participants.filter(({ userId }) => userId !== user?.userId)
  const people = usePeople(conversation.participants.map(({ userId }) => userId))
  const end = useRef<HTMLDivElement>(null)
  const [text, setText] = useState("")
  const last = messages.at(-1)
  useEffect(() => {
    end.current?.scrollIntoView({ block: "end" })
    if (document.visibilityState === "visible") void mylg.chat.markRead(id)
  }, [mylg, id, last?.key])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void send(text)
    setText("")
  }
  const read = others.length > 0 ? Math.min(...others.map(({ readSeq }) => readSeq)) : 0
  return (
    <div className="chat">
      <header>
        <h2>{title}</h2>
        {others.map(({ userId }) => <Online key={userId} userId={userId} name={nameOf(people.get(userId))} />)}
      </header>
      <div className="messages" role="log" aria-label="Messages">
        {hasOlder ? <button className="quiet" onClick={() => void loadOlder()}>Older</button> : null}
        {messages.map(one => <Entry key={one.key} message={one} author={nameOf(people.get(one.senderId))} isMine={one.senderId === user?.userId} isRead={one.seq > 0 && one.seq <= read} />)}
        <div ref={end} />
      </div>
      <p className="typing" aria-live="polite">{typing.length > 0 ? `${typing.map(userId => nameOf(people.get(userId))).join(", ")} is typing…` : ""}</p>
      <form onSubmit={submit}>
        <input aria-label="Message" value={text} onChange={event => (setText(event.target.value), type())} placeholder="Write a message" required />
        <button>Send</button>
      </form>
    </div>
  )
}

function Online({ userId, name }: { userId: string; name: string }) {
  const isOnline = usePresence(userId)
  return <span className={isOnline ? "online" : "offline"} title={isOnline ? "online" : "offline"}>{name}</span>
}

const Entry = memo(function Entry({ message, author, isMine, isRead }: { message: ChatMessage; author: string; isMine: boolean; isRead: boolean }) {
  const { chat, outbox, session } = useMylg()
  const [draft, setDraft] = useState<string>()
  const { messageId, text, deleted, status, reactions, error, optimisticId } = message
  const me = session.state.get().user?.userId ?? ""
  const save = (event: FormEvent) => {
    event.preventDefault()
    void chat.edit(messageId, draft ?? "").catch(() => undefined)
    setDraft(undefined)
  }
  return (
    <article className={isMine ? "mine" : ""}>
      <small>{author} {message.editedAt ? "(edited)" : ""} {isMine && status === "sent" ? (isRead ? "✓✓" : "✓") : status === "sending" ? "…" : ""}</small>
      {draft !== undefined ? <form onSubmit={save}><input aria-label="Change the message" value={draft} onChange={event => setDraft(event.target.value)} autoFocus /></form> : <p>{deleted ? <em>deleted</em> : text}</p>}
      {status === "failed" ? <p role="alert">{error?.message} <button onClick={() => void outbox.retry(optimisticId!)}>Again</button><button onClick={() => void outbox.discard(optimisticId!)}>Discard</button></p> : null}
      {status === "sent" && !deleted ? (
        <footer>
          {Object.entries(reactions).map(([emoji, users]) => <button key={emoji} onClick={() => void chat.react(messageId, emoji, !users.includes(me))}>{emoji} {users.length}</button>)}
          <button className="quiet" aria-label="Like" onClick={() => void chat.react(messageId, "👍", true)}>👍</button>
          {isMine ? <button className="quiet" onClick={() => setDraft(text ?? "")}>Edit</button> : null}
          {isMine ? <button className="quiet" onClick={() => void chat.delete(messageId)}>Delete</button> : null}
        </footer>
      ) : null}
    </article>
  )
})
