// From data to words: WhatsApp's text formatting, times, days and one-line previews.

import { el } from "./dom.js";

const DEEPEST = 4;
const TAGS = { "*": "strong", _: "em", "~": "s" };

// A marker counts only at a word's edge, around something that neither starts nor ends with a space, on one line.
const MARKUP = new RegExp(
  [
    "```(?<block>[\\s\\S]+?)```",
    "`(?<code>[^`\\n]+)`",
    "(?<link>https?:\\/\\/[^\\s<>\"]+)",
    "(?<![\\p{L}\\p{N}])(?<mark>[*_~])(?=\\S)(?!\\k<mark>)(?<inner>[^\\n]*?[^\\s])\\k<mark>(?![\\p{L}\\p{N}])",
  ].join("|"),
  "gu",
);

/** A message's text as nodes: *bold*, _italic_, ~strike~, ```mono``` and links. */
export function formatted(text, depth = 0) {
  const nodes = document.createDocumentFragment();
  let done = 0;
  for (const match of text.matchAll(MARKUP)) {
    const piece = pieceOf(match.groups, depth);
    if (!piece) continue;
    nodes.append(text.slice(done, match.index), piece.node);
    done = match.index + (piece.length ?? match[0].length);
  }
  nodes.append(text.slice(done));
  return nodes;
}

function pieceOf({ block, code, link, mark, inner }, depth) {
  if (block ?? code) return { node: el("code", { text: block ?? code }) };
  if (link) return linkTo(link);
  if (depth >= DEEPEST) return null;
  return { node: el(TAGS[mark], {}, formatted(inner, depth + 1)) };
}

// A sentence's full stop after an address is not part of it.
function linkTo(found) {
  const address = found.replace(/[.,;:!?'")\]*_~]+$/u, "");
  const node = el("a", { href: address, target: "_blank", rel: "noopener noreferrer", text: address });
  return { node, length: address.length };
}

const EMOJI = /^(?:(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F?)(?:\p{EMod}|\u200D\p{Extended_Pictographic}\uFE0F?)*\s*){1,3}$/u;

/** Whether the text is one to three emoji and nothing else, which WhatsApp shows large. */
export const isJumbo = (text) => text.length <= 40 && EMOJI.test(text);

/** The text without its formatting marks, for one-line previews. */
export function plain(text) {
  const holder = el("span");
  holder.append(formatted(text));
  return holder.textContent.replace(/\s+/g, " ").trim();
}

const CLOCK = new Intl.DateTimeFormat("pt-BR", { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat("pt-BR", { day: "2-digit", month: "2-digit", year: "numeric" });

export const timeOf = (at) => CLOCK.format(new Date(at));

/** "Hoje", "Ontem" or the date. */
export function dayOf(at, now = new Date()) {
  const day = DATE.format(new Date(at));
  if (day === DATE.format(now)) return "Hoje";
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  return day === DATE.format(yesterday) ? "Ontem" : day;
}

/** When a chat last moved, as the chat list says it. */
export function shortWhen(at) {
  const day = dayOf(at);
  return day === "Hoje" ? timeOf(at) : day;
}

/** A number as it is written: Brazilian ones in groups, others as they are. */
export function phoneNumber(number) {
  const parts = /^55(\d{2})(\d{4,5})(\d{4})$/.exec(number);
  return parts ? `+55 ${parts[1]} ${parts[2]}-${parts[3]}` : `+${number}`;
}

const KINDS = {
  image: ["photo", "Foto"],
  audio: ["mic", "Mensagem de voz"],
  location: ["pin", "Localização"],
  sticker: ["sticker", "Figurinha"],
  list: ["list", "Lista"],
  document: ["file", "Documento"],
  video: ["play", "Vídeo"],
  contacts: ["person", "Contato"],
};

/** One line about a message: the icon of its kind (or null) and words. */
export function preview(message) {
  const [picture, kind] = KINDS[message.type] ?? [null, "Mensagem"];
  return { icon: picture, words: plain(message.text || message.header || "") || kind };
}
