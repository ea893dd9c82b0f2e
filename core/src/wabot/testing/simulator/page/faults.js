// The "Simulador" panel: breaking the network on purpose.

import { byId } from "./dom.js";
import { setFaults } from "./api.js";

const NONE = { delay_ms: 0, fail_rate: 0, throttle_rate: 0, pair_rate: 0, reset_rate: 0, timeout_rate: 0, duplicate: 1, shuffle: false, batch: 1, statuses: true, window: false, pair_limit: false, per_second: 0 };
const isRate = (name) => name.endsWith("_rate");

/** Wires the panel once; `onError` hears about a change the simulator refused. */
export function prepareFaults(onError) {
  const apply = (changes) => setFaults(changes).then(showFaults, onError);
  byId("faults-form").addEventListener("change", ({ target }) => target.reportValidity() && apply({ [target.name]: valueOf(target) }));
  byId("faults-form").addEventListener("submit", (event) => event.preventDefault());
  byId("faults-reset").addEventListener("click", () => apply(NONE));
}

// People think in percent, the simulator in parts of one.
function valueOf(input) {
  if (input.type === "checkbox") return input.checked;
  const number = input.value === "" ? NONE[input.name] : Number(input.value);
  return isRate(input.name) ? number / 100 : number;
}

/** Shows the faults in force; a field being edited is left alone. */
export function showFaults(faults) {
  const form = byId("faults-form");
  for (const [name, value] of Object.entries(faults)) {
    const input = form.elements.namedItem(name);
    if (!input || (input === document.activeElement && input.type === "number")) continue;
    if (input.type === "checkbox") input.checked = value;
    else input.value = isRate(name) ? Number((value * 100).toFixed(2)) : value;
  }
  byId("faults-on").hidden = Object.keys(NONE).every((name) => !(name in faults) || faults[name] === NONE[name]);
}
