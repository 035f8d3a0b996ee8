// Plots as SVG.

const SVG = $("empty-plot").namespaceURI;

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Precision by recall: one line of points per series.
function curvePlot(recalls, series, label) {
  const [width, height, left, bottom, edge] = [520, 360, 46, 40, 12];
  const x = (value) => left + value * (width - left - edge);
  const y = (value) => height - bottom - value * (height - bottom - edge);
  const parts = [];
  for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    parts.push(
      shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: y(0), y2: y(1) }),
      shape("line", { class: "grid", x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }),
      shape("text", { x: x(tick), y: y(0) + 16, "text-anchor": "middle" }, tick.toFixed(1)),
      shape("text", { x: x(0) - 7, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(1)),
    );
  }
  const middle = y(0.5);
  parts.push(
    shape("text", { x: x(0.5), y: height - 6, "text-anchor": "middle" }, "recall"),
    shape(
      "text",
      { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` },
      "precision",
    ),
  );
  series.forEach((points, i) => {
    const line = points.map((value, k) => `${x(recalls[k]).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(shape("polyline", { class: `curve curve-${i}`, points: line.join(" ") }));
  });
  const attributes = { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label };
  return shape("svg", { class: "plot", ...attributes }, ...parts);
}

// A bar for a cell of a table: a share of the greatest value.
function bar(share, color) {
  const width = Math.max(0, Math.min(1, share)) * 100;
  const rectangle = { class: "bar-fill", width, height: 10, rx: 1.5 };
  const fill = shape("rect", color ? { ...rectangle, style: `fill: ${color}` } : rectangle);
  const view = { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" };
  return shape("svg", { class: "bar-plot", ...view }, fill);
}
