/*
 * The simulator's chat page: its state, and what happens when the reader or the bot does something.
 *
 * Hooks for browser tests – `data-testid` attributes that stay put when the looks change:
 *   composer      the text field                      send        the button that sends it
 *   bubble        a message; `data-from` is "customer" or "bot"
 *   reply-button  a reply button under a bubble       list-open   the row that opens a list's sheet
 *   list-sheet    the sheet (a <dialog>)              list-row    a row in it
 *   list-send     the sheet's green button            typing      the bubble with the three dots
 *   new-chat      opens the "Nova conversa" dialog    chat-item   a chat in the list; `data-id` is the customer
 *   faults        the "Simulador" panel (a <details>; its fields have the faults' names)
 * A tick carries `data-tick`: "clock", "sent", "delivered" or "read".
 * The address' fragment (`/#5511911110001`) opens that customer's chat.
 */

import * as api from "./api.js";
import { laterTick, messageLine, reactionMark, tickMark } from "./bubbles.js";
import { byNewest, drawChats } from "./chats.js";
import { byId, closeOnBackdrop, drawIcons, el, trapFocus } from "./dom.js";
import { prepareFaults, showFaults } from "./faults.js";
import { dayOf } from "./format.js";
import { openSheet, prepareSheet } from "./sheet.js";

const NEAR_END = 80;
const LONGEST_TYPING_MS = 25_000;
const TOAST_MS = 5000;

const state = { bots: [], customers: new Map(), messages: new Map(), ticks: new Map(), typing: new Map(), openId: null, atEnd: true, missed: 0, live: false };

const open = () => state.customers.get(state.openId);
const messagesOf = (id) => state.messages.get(id) ?? [];
const botOf = (customer) => state.bots.find((bot) => bot.phone_number_id === customer?.bot) ?? state.bots[0];
const onScreen = () => document.visibilityState === "visible" && byId("log").checkVisibility();

// ── Loading ──────────────────────────────────────────────────────────────────────────────────────────────────────

let loading = Promise.resolve();

/** Fetches everything the page shows. One fetch after the other, so that "Ana" is created once. */
function load() {
  loading = loading.then(fetchAll).catch(complain);
}

async function fetchAll() {
  const { bots, chats: customers, faults } = await api.getChats();
  if (!customers.length) customers.push(await api.addCustomer({ name: "Ana" }));
  state.bots = bots;
  state.customers = new Map(customers.map((customer) => [customer.id, customer]));
  showFaults(faults);
  if (!open()) state.openId = firstChat();
  await openChat(state.openId, { keepScreen: true });
}

function firstChat() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  return state.customers.has(wanted) ? wanted : byNewest(state.customers.values())[0].id;
}

/** Fetches a chat's messages, keeping those that arrived by event while the answer was on its way. */
async function fetchMessages(id) {
  const known = new Set(messagesOf(id).map((message) => message.id));
  const fetched = await api.getMessages(id);
  const listed = new Set(fetched.map((message) => message.id));
  const arrived = messagesOf(id).filter((message) => !known.has(message.id) && !listed.has(message.id));
  for (const message of fetched) keepTick(message);
  state.messages.set(id, [...fetched, ...arrived]);
}

/** Remembers the most advanced tick of a message, whichever report of it comes first. */
function keepTick(message) {
  message.tick = laterTick(state.ticks.get(message.id) ?? "", message.tick ?? "");
  if (message.tick) state.ticks.set(message.id, message.tick);
}

// ── Showing ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function openChat(id, { keepScreen = false } = {}) {
  const another = state.openId !== id;
  state.openId = id;
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  if (!keepScreen) showScreen("chat");
  if (another) {
    state.atEnd = true;
    drawThread();
  }
  drawAround();
  await fetchMessages(id);
  if (state.openId !== id) return;
  drawThread();
  drawAround();
  readOpenChat();
}

function showScreen(name) {
  document.body.dataset.screen = name;
  if (name === "chat") keepAtEnd();
}

/** Everything around the conversation: header, list of chats, typing, the hint. */
function drawAround() {
  const customer = open();
  if (!customer) return;
  const several = state.customers.size > 1;
  byId("bot-name").textContent = botOf(customer)?.name ?? "Robô";
  byId("you").textContent = `você é ${customer.name}`;
  byId("you").hidden = !several;
  drawTyping();
  drawList();
}

function drawList() {
  drawChats(byId("chats"), state.customers.values(), { openId: state.openId, typing: state.typing, onOpen: openFromList });
}

function openFromList(id) {
  openChat(id).catch(complain);
  byId("composer").focus({ preventScroll: true });
}

function drawTyping() {
  const busy = state.typing.has(state.openId);
  byId("typing").hidden = !busy;
  byId("presence").textContent = presence(busy);
  byId("presence").classList.toggle("busy", busy);
}

function presence(busy) {
  if (!state.live) return "conectando…";
  return busy ? "digitando…" : "online";
}

/** Draws the whole conversation anew. */
function drawThread() {
  const log = byId("log");
  // A screen reader should not read an old conversation aloud when it is opened.
  log.setAttribute("aria-busy", "true");
  byId("days").replaceChildren();
  for (const message of messagesOf(state.openId)) appendLine(message);
  log.setAttribute("aria-busy", "false");
  showHint();
  keepAtEnd();
}

function appendLine(message) {
  const label = dayOf(message.at);
  let day = byId("days").lastElementChild;
  if (day?.dataset.day !== label) {
    day = el("section", { class: "day", "data-day": label }, el("h2", { class: "chip", text: label }));
    byId("days").append(day);
  }
  const first = day.lastElementChild.dataset.from !== message.from;
  const line = messageLine(message, first, chatActions);
  line.dataset.from = message.from;
  day.append(line);
}

function showHint() {
  byId("hint").hidden = messagesOf(state.openId).length > 0;
}

// ── What a bubble may ask for ────────────────────────────────────────────────────────────────────────────────────

const chatActions = {
  nameOf: (from) => (from === "customer" ? "Você" : (botOf(open())?.name ?? "Robô")),
  find: (id) => messagesOf(state.openId).find((message) => message.id === id),
  tap: sendTap,
  openList: (message) => openSheet(message.list, (row) => sendTap(message, row)),
  goTo: goToMessage,
  view: viewPhoto,
};

function sendTap(message, { id, title, description }) {
  return send({ type: "tap", option: id, title, reply_to: message.id, ...(description ? { description } : {}) });
}

function goToMessage(id) {
  const line = byId("days").querySelector(`[data-id="${CSS.escape(id)}"]`);
  if (!line) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  line.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  line.classList.remove("pointed");
  requestAnimationFrame(() => line.classList.add("pointed"));
}

function viewPhoto(url) {
  byId("viewer-image").src = url;
  byId("viewer").showModal();
}

// ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sends as the open customer; false when the simulator did not take it. */
async function send(message) {
  const id = state.openId;
  try {
    const sent = await api.sendMessage(id, message);
    if (sent?.id) receive(id, sent);
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

async function sendText() {
  const field = byId("composer");
  const text = field.value.trim();
  if (!text) return;
  setComposer("");
  // What could not be sent is given back, unless something new was typed already.
  if (!(await send({ type: "text", text })) && !field.value) setComposer(text);
}

async function sendSample(type) {
  toggleSamples(false);
  const caption = type === "image" ? byId("composer").value.trim() : "";
  if (caption) setComposer("");
  await send(type === "image" ? { type, text: caption } : { type });
}

function setComposer(text) {
  byId("composer").value = text;
  fitComposer();
}

function fitComposer() {
  const field = byId("composer");
  byId("send").disabled = !field.value.trim();
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function toggleSamples(shown, focusBack = false) {
  byId("samples").hidden = !shown;
  byId("attach").setAttribute("aria-expanded", String(shown));
  if (shown) byId("samples").querySelector("button").focus();
  else if (focusBack) byId("attach").focus();
}

// ── Receiving ────────────────────────────────────────────────────────────────────────────────────────────────────

/** A message of some chat, seen for the first time or again. */
function receive(id, message) {
  keepTick(message);
  const customer = state.customers.get(id);
  if (!customer) return;
  const messages = messagesOf(id);
  if (messages.some((known) => known.id === message.id)) {
    setTick(id, message.id, message.tick);
    return;
  }
  state.messages.set(id, [...messages, message]);
  if (message.from === "bot") stopTyping(id);
  const shown = id === state.openId;
  if (message.from === "bot" && !(shown && onScreen()) && customer.last?.id !== message.id) customer.unread += 1;
  customer.last = message;
  if (shown) showArrived(message);
  drawAround();
}

function showArrived(message) {
  appendLine(message);
  showHint();
  if (message.from === "customer") state.atEnd = true;
  else if (!state.atEnd) state.missed += 1;
  keepAtEnd();
  if (message.from === "bot") readOpenChat();
}

function setTick(customerId, id, tick) {
  const latest = laterTick(state.ticks.get(id) ?? "", tick);
  state.ticks.set(id, latest);
  const message = messagesOf(customerId).find((known) => known.id === id);
  if (message?.from !== "customer") return;
  message.tick = latest;
  const last = state.customers.get(customerId)?.last;
  if (last?.id === id) last.tick = latest;
  drawTick(id, latest);
  drawList();
}

function setReaction(customerId, id, emoji) {
  const message = messagesOf(customerId).find((known) => known.id === id);
  if (!message) return;
  message.reaction = emoji;
  const box = byId("days").querySelector(`[data-id="${CSS.escape(id)}"] .bubble`);
  box?.querySelector(".reaction")?.remove();
  if (emoji) box?.append(reactionMark(emoji));
}

function drawTick(id, tick) {
  const meta = byId("days").querySelector(`[data-id="${CSS.escape(id)}"] .meta`);
  const mark = tickMark(tick);
  if (!meta || !mark) return;
  meta.querySelector(".tick")?.remove();
  meta.append(mark);
}

/** Tells the simulator that the open chat's messages were seen. */
function readOpenChat() {
  const customer = open();
  if (!customer || !onScreen()) return;
  customer.unread = 0;
  api.markRead(customer.id).catch(complain);
}

function setTyping(id, on) {
  stopTyping(id);
  // A bot that never answers would otherwise type forever; WhatsApp gives up after 25 seconds, too.
  if (on) state.typing.set(id, setTimeout(() => setTyping(id, false), LONGEST_TYPING_MS));
  drawTyping();
  drawList();
}

function stopTyping(id) {
  clearTimeout(state.typing.get(id));
  state.typing.delete(id);
}

const onEvent = {
  message: ({ customer, message }) => receive(customer, message),
  tick: ({ customer, id, tick }) => setTick(customer, id, tick),
  typing: ({ customer, on }) => setTyping(customer, on),
  customer: ({ customer }) => {
    state.customers.set(customer.id, { ...state.customers.get(customer.id), ...customer });
    drawAround();
  },
  reaction: ({ customer, id, emoji }) => setReaction(customer, id, emoji),
  faults: ({ faults }) => showFaults(faults),
};

function setLive(live) {
  state.live = live;
  drawTyping();
}

// ── Scrolling ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Follows the newest message, unless the reader has scrolled up. */
function keepAtEnd() {
  const log = byId("log");
  if (state.atEnd) log.scrollTop = log.scrollHeight;
  drawToEnd();
}

function noteScroll() {
  const log = byId("log");
  state.atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
  drawToEnd();
}

function drawToEnd() {
  if (state.atEnd) state.missed = 0;
  byId("to-end").hidden = state.atEnd;
  byId("missed").hidden = !state.missed;
  byId("missed").textContent = state.missed;
}

// ── Dialogs ──────────────────────────────────────────────────────────────────────────────────────────────────────

function openNewChat() {
  const form = byId("new-form");
  form.reset();
  byId("new-error").hidden = true;
  byId("new-bot").hidden = state.bots.length < 2;
  const choices = state.bots.map((bot) => el("option", { value: bot.phone_number_id, text: bot.name }));
  form.elements.bot.replaceChildren(...choices);
  byId("new-dialog").showModal();
}

async function createChat(event) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  try {
    const customer = await api.addCustomer(newCustomer(fields));
    state.customers.set(customer.id, customer);
    byId("new-dialog").close();
    openFromList(customer.id);
  } catch (error) {
    byId("new-error").textContent = `Não deu para criar: ${error.message}`;
    byId("new-error").hidden = false;
  }
}

function newCustomer({ name, number, bot }) {
  const digits = number.replace(/\D/g, "");
  return { name: name.trim(), ...(digits ? { number: digits } : {}), ...(bot ? { bot } : {}) };
}

let toastTimer = 0;

function complain(error) {
  const toast = byId("toast");
  toast.textContent = `Não deu certo: ${error.message}`;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.hidden = true), TOAST_MS);
}

// ── Wiring ───────────────────────────────────────────────────────────────────────────────────────────────────────

function wireComposer() {
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    sendText();
  });
  byId("composer").addEventListener("input", fitComposer);
  byId("composer").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    sendText();
  });
}

function wireSamples() {
  const samples = byId("samples");
  byId("attach").addEventListener("click", () => toggleSamples(samples.hidden));
  samples.addEventListener("click", ({ target }) => {
    const sample = target.closest("[data-sample]");
    if (sample) sendSample(sample.dataset.sample).then(() => byId("composer").focus());
  });
  byId("form").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !samples.hidden) toggleSamples(false, true);
  });
  document.addEventListener("click", ({ target }) => {
    if (!samples.hidden && !target.closest("#samples, #attach")) toggleSamples(false);
  });
}

function wireScreens() {
  byId("back").addEventListener("click", () => {
    showScreen("list");
    byId("chats").querySelector("[aria-current]")?.focus();
  });
  byId("to-end").addEventListener("click", () => {
    state.atEnd = true;
    keepAtEnd();
  });
  byId("log").addEventListener("scroll", noteScroll, { passive: true });
  // Pictures that finish loading, the keyboard and the window's size all move the end.
  const follower = new ResizeObserver(keepAtEnd);
  follower.observe(byId("log"));
  follower.observe(byId("thread"));
  document.addEventListener("visibilitychange", readOpenChat);
}

function wireDialogs() {
  byId("new-chat").addEventListener("click", openNewChat);
  byId("new-cancel").addEventListener("click", () => byId("new-dialog").close());
  byId("new-form").addEventListener("submit", createChat);
  byId("viewer-close").addEventListener("click", () => byId("viewer").close());
  for (const dialog of [byId("new-dialog"), byId("viewer")]) {
    trapFocus(dialog);
    closeOnBackdrop(dialog);
  }
  prepareSheet();
}

drawIcons();
wireComposer();
wireSamples();
wireScreens();
wireDialogs();
prepareFaults(complain);
load();
api.listen({
  onEvent: (event) => onEvent[event.kind]?.(event),
  onOpen: () => {
    setLive(true);
    // Whatever happened before the stream was open went unheard.
    load();
  },
  onLost: () => setLive(false),
});
