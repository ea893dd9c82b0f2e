// The simulator's HTTP interface, and its stream of events.

const ROOT = "/simulator";
const AGAIN_MS = 2000;

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(ROOT + path, options);
  if (!response.ok) throw new Error(await reasonOf(response));
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

async function reasonOf(response) {
  try {
    const { detail, error } = await response.json();
    return String(detail ?? error?.message ?? error ?? response.status);
  } catch {
    return `o simulador respondeu ${response.status}`;
  }
}

const chat = (id) => `/chats/${encodeURIComponent(id)}`;

export const getChats = () => call("/chats");
export const addCustomer = (customer) => call("/chats", customer);
export const getMessages = (id) => call(`${chat(id)}/messages`);
export const sendMessage = (id, message) => call(`${chat(id)}/messages`, message);
export const markRead = (id) => call(`${chat(id)}/read`, {});
export const setFaults = (faults) => call("/faults", faults);

/** Calls `onEvent` for each event, `onOpen` at every (re)connection and `onLost` when the stream breaks. */
export function listen({ onEvent, onOpen, onLost }) {
  const source = new EventSource(`${ROOT}/events`);
  source.onopen = onOpen;
  source.onmessage = (event) => onEvent(JSON.parse(event.data));
  source.onerror = () => {
    onLost();
    // EventSource comes back by itself after a broken connection, but gives up for good after an HTTP error.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen({ onEvent, onOpen, onLost }), AGAIN_MS);
  };
  // Otherwise the browser reports the broken stream as an error of a page that is going away.
  addEventListener("pagehide", () => source.close(), { once: true });
  addEventListener("pageshow", (event) => event.persisted && location.reload(), { once: true });
}
