// One message as WhatsApp draws it.

import { el, icon } from "./dom.js";
import { formatted, isJumbo, preview, timeOf } from "./format.js";

const TICKS = {
  clock: ["clock", "Enviando"],
  sent: ["tick", "Enviada"],
  delivered: ["ticks", "Entregue"],
  read: ["ticks", "Lida"],
};
const ORDER = ["", "clock", "sent", "delivered", "read"];

/** The more advanced of two ticks: reports may arrive out of order, and a tick never goes back. */
export const laterTick = (one, other) => (ORDER.indexOf(one) >= ORDER.indexOf(other) ? one : other);

/** The tick's picture, or null when there is nothing to show. */
export function tickMark(tick) {
  if (!(tick in TICKS)) return null;
  const [picture, words] = TICKS[tick];
  return el("span", { class: `tick ${tick}`, "data-tick": tick, role: "img", "aria-label": words }, icon(picture));
}

/**
 * A message's line in the conversation.
 * `chat` offers: nameOf(from), find(id), tap(message, option), openList(message, opener), goTo(id), view(url).
 */
export function messageLine(message, first, chat) {
  const mine = message.from === "customer";
  const line = el("div", { class: `line ${mine ? "mine" : "theirs"}${first ? " first" : ""}`, "data-id": message.id });
  line.append(bubble(message, mine, chat));
  return line;
}

function bubble(message, mine, chat) {
  const media = mediaOf(message, chat);
  const box = el("div", {
    class: `bubble is-${message.type}${media ? " has-media" : ""}`,
    "data-testid": "bubble",
    "data-from": message.from,
  });
  box.append(el("span", { class: "unseen", text: `${chat.nameOf(message.from)}: ` }));
  box.append(...[quote(message, chat), media, fileLink(message), words(message, mine, media), options(message, chat)].filter(Boolean));
  if (message.reaction) box.append(reactionMark(message.reaction));
  return box;
}

/** The emoji somebody put on a message. */
export const reactionMark = (emoji) => el("span", { class: "reaction", role: "img", "aria-label": `Reação: ${emoji}`, text: emoji });

// Addresses come from the bot: only what a browser opens safely becomes a link.
function safeLink(address, attributes, ...children) {
  const url = URL.canParse(address, location.href) ? new URL(address, location.href) : null;
  if (!["http:", "https:"].includes(url?.protocol)) return null;
  return el("a", { ...attributes, href: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

function fileLink({ type, file, header }) {
  if (!file) return null;
  const [picture, name] = type === "video" ? ["play", header || "Vídeo"] : ["file", header || "Documento"];
  return safeLink(file, { class: "file" }, icon(picture), el("span", { text: name }));
}

/** The words with the time at their lower right; without words, the time alone. */
function words(message, mine, media) {
  const body = el("div", { class: "words" });
  if (message.header && !message.file) body.append(el("p", { class: "header", text: message.header }));
  if (message.text) body.append(el("p", { class: `text${isJumbo(message.text) ? " jumbo" : ""}` }, formatted(message.text)));
  if (message.footer) body.append(el("p", { class: "footer" }, formatted(message.footer)));
  if (!body.hasChildNodes() && !media && !message.file) body.append(el("p", { class: "text unknown", text: "Esta mensagem não pode ser mostrada aqui." }));
  if (!body.hasChildNodes()) body.classList.add("bare");
  // Reserves room for the time at the end of the last line, so that they share it when it fits.
  body.lastElementChild?.append(el("span", { class: mine ? "room ticked" : "room", "aria-hidden": "true" }));
  body.append(el("span", { class: "meta" }, el("time", { datetime: message.at, text: timeOf(message.at) }), tickMark(mine ? message.tick : "")));
  return body;
}

/** The small preview of the message this one answers. */
function quote(message, chat) {
  const answered = message.reply_to && chat.find(message.reply_to);
  if (!answered) return null;
  const about = preview(answered);
  const line = el("span", { class: "gist" }, about.icon ? icon(about.icon) : null, about.words);
  const who = el("b", { text: chat.nameOf(answered.from) });
  const attributes = { class: `quote of-${answered.from}`, type: "button", "aria-label": `Em resposta a: ${about.words}` };
  return el("button", { ...attributes, onclick: () => chat.goTo(answered.id) }, who, line);
}

function mediaOf(message, chat) {
  if (message.image && message.type !== "sticker") return photo(message, chat);
  if (message.type === "audio") return voice();
  if (message.type === "location") return place();
  if (message.type === "sticker") return sticker(message);
  return message.type === "image" ? brokenPhoto() : null;
}

function photo(message, chat) {
  const image = el("img", { alt: message.text ? "Foto com legenda" : "Foto", decoding: "async", referrerpolicy: "no-referrer" });
  const frame = el("button", { class: "photo", type: "button", "aria-label": "Abrir foto", onclick: () => chat.view(message.image) }, image);
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.addEventListener("error", () => frame.replaceWith(brokenPhoto()));
  image.src = message.image;
  return frame;
}

const brokenPhoto = () => el("div", { class: "photo broken", role: "img", "aria-label": "Foto indisponível" }, icon("photo"));

// The simulator has no sound or map: these are drawings with the right shape.
function voice() {
  const bars = el("span", { class: "wave" });
  for (const height of [3, 5, 8, 4, 9, 12, 7, 10, 5, 8, 11, 6, 4, 9, 12, 8, 5, 10, 6, 3, 7, 9, 5, 3]) {
    const bar = el("i");
    bar.style.height = `${height * 1.6}px`;
    bars.append(bar);
  }
  const length = el("span", { class: "length", text: "0:07" });
  return el("div", { class: "voice", role: "img", "aria-label": "Mensagem de voz, 7 segundos" }, icon("play"), bars, length, el("span", { class: "face" }, icon("mic")));
}

const place = () => el("div", { class: "map", role: "img", "aria-label": "Localização no mapa" }, icon("pin"));

function sticker(message) {
  if (!message.image) return el("div", { class: "sticker-art", role: "img", "aria-label": "Figurinha" });
  const image = el("img", { class: "sticker-art own", alt: "Figurinha", referrerpolicy: "no-referrer" });
  image.src = message.image;
  return image;
}

function options(message, chat) {
  if (message.list) return el("div", { class: "options" }, listOpener(message, chat));
  if (!message.buttons?.length) return null;
  return el("div", { class: "options" }, ...message.buttons.map((option) => replyButton(message, option, chat)).filter(Boolean));
}

const OPTION_ICONS = { location: "pin", contact: "person" };

function replyButton(message, option, chat) {
  if (option.kind === "url") return safeLink(option.url, { class: "option" }, icon("open"), el("span", { text: option.title }));
  const attributes = { class: "option", type: "button", "data-testid": "reply-button", onclick: () => chat.tap(message, option) };
  return el("button", attributes, icon(OPTION_ICONS[option.kind] ?? "reply"), el("span", { text: option.title }));
}

function listOpener(message, chat) {
  const attributes = { class: "option", type: "button", "data-testid": "list-open", "aria-haspopup": "dialog" };
  return el("button", { ...attributes, onclick: () => chat.openList(message) }, icon("list"), el("span", { text: message.list.button }));
}
