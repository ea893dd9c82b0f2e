// Draws every table with data-grafico above itself. The table is all that is known here; without this script it is
// all there is. Whatever people read, the tips too, are the table's own words: only axes are formatted here.
"use strict";

const COLOURS = ["#206bc4", "#f76707", "#2fb344", "#d63939"];
const AXES = {
  numero: (value) => value.toLocaleString("pt-BR"),
  reais: (value) => (value / 100).toLocaleString("pt-BR", { style: "currency", currency: "BRL", maximumFractionDigits: 0 }),
  tempo: (value) => `${(value / 1000).toLocaleString("pt-BR")} s`,
};

// In lines of about 18 letters: a phone has no room for more beside the bars.
function inLines(words) {
  return (words.match(/.{1,18}(?=\s|$)|\S+/g) ?? []).map((line) => line.trim());
}

function series(table) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const drawn = heads.map((head, place) => ({ head, place })).filter(({ head }) => "serie" in head.dataset);
  return {
    labels: rows.map((row) => inLines(row.cells[0].textContent.trim())),
    datasets: drawn.map(({ head, place }, nth) => ({
      label: head.textContent.trim(),
      data: rows.map((row) => (row.cells[place].dataset.valor ? Number(row.cells[place].dataset.valor) : null)),
      words: rows.map((row) => row.cells[place].textContent.trim()),
      backgroundColor: COLOURS[nth],
      borderColor: COLOURS[nth],
      maxBarThickness: 32,
      borderWidth: table.dataset.grafico === "linhas" ? 2 : 0,
      pointRadius: rows.length > 31 ? 0 : 2,
    })),
  };
}

function draw(table) {
  const box = document.createElement("div");
  const canvas = document.createElement("canvas");
  const details = table.closest("details");
  const lying = table.dataset.grafico === "deitadas";
  box.className = "grafico";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Gráfico: ${table.caption.textContent}. Os números estão na tabela abaixo.`);
  box.append(canvas);
  details.before(box);
  details.open = false;

  const values = { beginAtZero: true, ticks: { callback: AXES[table.dataset.formato], precision: 0, maxTicksLimit: 6 } };
  const names = { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 12 } };
  new Chart(canvas, {
    type: table.dataset.grafico === "linhas" ? "line" : "bar",
    data: series(table),
    options: {
      indexAxis: lying ? "y" : "x",
      scales: lying ? { x: values, y: { ...names, ticks: { autoSkip: false } } } : { x: names, y: values },
      interaction: { mode: "index", axis: lying ? "y" : "x", intersect: false },
      plugins: {
        legend: { display: table.querySelectorAll("th[data-serie]").length > 1, position: "bottom", labels: { boxWidth: 12 } },
        tooltip: { callbacks: { label: ({ dataset, dataIndex }) => ` ${dataset.label}: ${dataset.words[dataIndex]}` } },
      },
    },
  });
}

Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.color = "#6b7280";
Chart.defaults.borderColor = "rgba(128, 128, 128, 0.2)";
document.querySelectorAll("table[data-grafico]").forEach(draw);
