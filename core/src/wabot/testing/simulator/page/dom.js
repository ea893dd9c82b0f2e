// Building DOM nodes. Text only ever enters through textContent: every text here may come from an attacker.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `el("p", {class: "hint", text: "oi", "aria-hidden": "true"}, child, …)`. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

// Drawn here, so that no icon is fetched: "f" shapes are filled, "s" shapes are lines.
const ICONS = {
  back: ["s", 24, "M20 12H5 M11 5l-7 7 7 7"],
  close: ["s", 24, "M6 6l12 12 M18 6L6 18"],
  plus: ["s", 24, "M12 5v14 M5 12h14"],
  down: ["s", 24, "M6 9.5l6 6 6-6"],
  send: ["f", 24, "M3.4 20.4 21.6 12.7a.8.8 0 0 0 0-1.4L3.4 3.6a.7.7 0 0 0-1 .800L4.3 10.6 13.5 12 4.3 13.4 2.4 19.6a.7.7 0 0 0 1 .800z"],
  compose: ["s", 24, "M12 4.5H7A2.5 2.5 0 0 0 4.5 7v10A2.5 2.5 0 0 0 7 19.5h10a2.5 2.5 0 0 0 2.5-2.5v-5 M17 3.5v7 M13.5 7h7"],
  tune: ["s", 24, "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 4.8v4.4 M9 14.8v4.4"],
  list: ["s", 24, "M9 6.5h11 M9 12h11 M9 17.5h11 M4.5 6.5h.1 M4.5 12h.1 M4.5 17.5h.1"],
  reply: ["f", 24, "M10 8.5V4.3L2.8 11.5 10 18.7v-4.3c5.2 0 8.8 1.7 11.4 5.3-1-5.2-4.1-10.2-11.4-11.2z"],
  shop: ["f", 24, "M5 4h14l2 5a2.8 2.8 0 0 1-2 2.7V19a1 1 0 0 1-1 1h-4.5v-5h-3v5H6a1 1 0 0 1-1-1v-7.3A2.8 2.8 0 0 1 3 9z"],
  photo: ["f", 24, "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zm.5 13h13l-4.2-5.6-3.3 4.2-2.2-2.7zM8.5 10.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z"],
  pin: ["f", 24, "M12 2.5a6.8 6.8 0 0 0-6.8 6.8c0 5 6.8 12.2 6.8 12.2s6.8-7.2 6.8-12.2A6.8 6.8 0 0 0 12 2.5zm0 9.3a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5z"],
  headphones: ["f", 24, "M12 3.5a8.5 8.5 0 0 0-8.5 8.5v6A2.5 2.5 0 0 0 6 20.5h2.5v-7h-3V12a6.5 6.5 0 0 1 13 0v1.5h-3v7H18a2.5 2.5 0 0 0 2.5-2.5v-6A8.5 8.5 0 0 0 12 3.5z"],
  sticker: ["f", 24, "M5.5 3h13A2.5 2.5 0 0 1 21 5.5V13h-4a4 4 0 0 0-4 4v4H5.5A2.5 2.5 0 0 1 3 18.5v-13A2.5 2.5 0 0 1 5.5 3zM15 20.8V17a2 2 0 0 1 2-2h3.8z"],
  mic: ["f", 24, "M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zm5.3-3a5.3 5.3 0 0 1-10.6 0H5a7 7 0 0 0 6.1 6.9V21h1.8v-2.6a7 7 0 0 0 6.1-6.9z"],
  play: ["f", 24, "M7 4.5v15l13-7.5z"],
  file: ["f", 24, "M6.5 2.5H14l5 5v12a2 2 0 0 1-2 2H6.5a2 2 0 0 1-2-2v-15a2 2 0 0 1 2-2zm7 1.7V8h3.8z"],
  person: ["f", 24, "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0 2c-4 0-7.5 2-7.5 5V20h15v-1.5c0-3-3.5-5-7.5-5z"],
  open: ["s", 24, "M13 5h6v6 M19 5l-9 9 M10 6H6.5A1.5 1.5 0 0 0 5 7.5v10A1.5 1.5 0 0 0 6.5 19h10a1.5 1.5 0 0 0 1.5-1.5V14"],
  clock: ["s", 16, "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11 M8 5v3.2l2 1.3"],
  tick: ["s", 16, "M3 8.8 6 12l6.5-7.5"],
  ticks: ["s", 16, "M.8 8.8 3.8 12l6.5-7.5 M8.2 11.4l.6.6 6.5-7.5"],
};

/** A decorative picture: whoever uses it gives the words. */
export function icon(name) {
  const [kind, size, path] = ICONS[name];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("class", `icon ${kind === "s" ? "lines" : "solid"}`);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** Gives the icons of index.html their drawings. */
export function drawIcons(root = document) {
  for (const place of root.querySelectorAll("[data-icon]")) place.prepend(icon(place.dataset.icon));
}

/** A round picture with a person's initials, in a colour that stays the same for that person. */
export function avatar(name, seed) {
  const words = name.trim().split(/\s+/).filter((word) => /\p{L}|\p{N}/u.test(word));
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const initials = picked.map((word) => Array.from(word)[0].toUpperCase()).join("") || "?";
  let sum = 0;
  for (const character of seed) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return el("span", { class: `avatar tint-${sum % 6}`, "aria-hidden": "true", text: initials });
}

/** Keeps Tab inside an open dialog; the browser itself does Escape and the inert page behind. */
export function trapFocus(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const stops = focusStops(dialog);
    const first = stops[0];
    const last = stops[stops.length - 1];
    const leaving = event.shiftKey ? first : last;
    if (document.activeElement !== leaving) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  });
}

function focusStops(dialog) {
  const all = [...dialog.querySelectorAll("button, input, select, textarea, a[href]")];
  return all.filter((node) => !node.disabled && node.offsetParent !== null && !isOtherRadio(node));
}

// Tab stops once in a radio group: at the chosen one, else at the first.
function isOtherRadio(node) {
  if (node.type !== "radio") return false;
  const group = [...node.form.querySelectorAll(`input[type="radio"][name="${node.name}"]`)];
  return node !== (group.find((radio) => radio.checked) ?? group[0]);
}

/** A click on the dark area around a dialog closes it. */
export function closeOnBackdrop(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
