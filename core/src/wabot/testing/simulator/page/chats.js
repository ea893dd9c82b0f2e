// The list of chats at the left (or on its own screen on a phone).

import { avatar, el, icon } from "./dom.js";
import { phoneNumber, preview, shortWhen } from "./format.js";
import { tickMark } from "./bubbles.js";

/** Newest first; a chat without messages stays at the end. */
export function byNewest(customers) {
  return [...customers].sort((one, other) => (other.last?.at ?? "").localeCompare(one.last?.at ?? ""));
}

/** Draws the list, keeping the focus on the chat that had it. */
export function drawChats(place, customers, { openId, typing, onOpen }) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  place.replaceChildren(...byNewest(customers).map((customer) => chatItem(customer, openId, typing, onOpen)));
  if (focused) place.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function chatItem(customer, openId, typing, onOpen) {
  const { id, name, last } = customer;
  const unread = id === openId ? 0 : customer.unread;
  const top = el("span", { class: "top" }, el("b", { text: name }), last ? el("time", { datetime: last.at, text: shortWhen(last.at) }) : null);
  const badge = unread ? el("b", { class: "badge", "aria-label": `${unread} não lidas`, text: unread }) : null;
  const bottom = el("span", { class: "bottom" }, typing.has(id) ? el("span", { class: "gist busy", text: "digitando…" }) : gist(customer), badge);
  const attributes = {
    class: `chat-item${unread ? " unread" : ""}`,
    type: "button",
    "data-testid": "chat-item",
    "data-id": id,
    "aria-current": id === openId ? "true" : null,
    onclick: () => onOpen(id),
  };
  return el("li", {}, el("button", attributes, avatar(name, id), el("span", { class: "lines-of-two" }, top, bottom)));
}

function gist({ number, last }) {
  if (!last) return el("span", { class: "gist", text: phoneNumber(number) });
  const about = preview(last);
  const tick = last.from === "customer" ? tickMark(last.tick) : null;
  return el("span", { class: "gist" }, tick, about.icon ? icon(about.icon) : null, about.words);
}
