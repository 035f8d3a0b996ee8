// The tabs with tables: scores by class, causes of errors, and confusions of classes.

const MAX_CONFUSED = 40;

const points = (score) => (score === null ? "\u2013" : (100 * score).toFixed(1));
const row = (...cells) => element("tr", {}, ...cells);
const cell = (text, className = "number") => element("td", { className, textContent: text });
const heading = (text) => element("h2", { textContent: text });
const paragraph = (text) => element("p", { textContent: text });
const linkTo = (text, filters) =>
  element("a", { textContent: text, href: addressOf({ tab: "objects", ...filters }) });

// A table in a box that scrolls. Cells are elements.
function tableOf(heads, rows, className = "") {
  const head = heads.map((text) => element("th", { scope: "col" }, text));
  const body = element("tbody", {}, ...rows);
  const made = element("table", { className }, element("thead", {}, row(...head)), body);
  const box = { className: "scrolled", tabIndex: 0, role: "group", "aria-label": "Table" };
  return element("div", box, made);
}

// -- scores ---------------------------------------------------------------------------------------

function showScores() {
  const { summary, columns, classes, curves } = page.evaluation;
  const tiles = summary.map(([name, score]) =>
    element("div", {}, element("dt", { textContent: name }), element("dd", {}, points(score))),
  );
  const parts = [element("dl", { className: "tiles" }, ...tiles)];
  if (curves?.classes.length) parts.push(heading("Precision by recall"), curvesOf(curves));
  parts.push(heading("Classes"), paragraph("Scores in percent. A heading sorts the table."));
  parts.push(sortedTable(["class", ...columns], classes));
  $("tab-scores").replaceChildren(...parts);
}

function sortedTable(names, rows) {
  const place = element("div");
  let by = 1;
  let descending = false;
  const draw = () => {
    const value = (values) => values[by] ?? (by ? -1 : "");
    const sorted = [...rows].sort((a, b) => {
      const order = by ? value(a) - value(b) : value(a).localeCompare(value(b), "en");
      return descending ? -order : order;
    });
    const heads = names.map((name, i) => {
      const click = () => {
        descending = by === i && !descending;
        by = i;
        draw();
        place.querySelectorAll("th button")[i].focus();
      };
      const arrow = by === i ? (descending ? " \u25be" : " \u25b4") : "";
      return element("button", { textContent: name + arrow, onclick: click });
    });
    const lines = sorted.map(([name, ...scores]) => {
      const index = page.classes.findIndex((candidate) => candidate.name === name);
      const title = index < 0 ? name : linkTo(name, { class: index });
      return row(element("td", {}, title), ...scores.map((score) => cell(points(score))));
    });
    place.replaceChildren(tableOf(heads, lines));
  };
  draw();
  return place;
}

function curvesOf({ recalls, names, classes }) {
  const plot = element("div", { className: "curves" });
  const choice = element("select");
  classes.forEach(([name], i) => choice.append(element("option", { value: i, textContent: name })));
  choice.onchange = () => {
    const [name, ...series] = classes[choice.value];
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const legend = names.map((text, i) =>
      element(
        "li",
        {},
        element("span", { className: `key curve-${i}` }),
        `${text}: AP ${points(mean(series[i]))}`,
      ),
    );
    const label = `Precision by recall of ${name}`;
    plot.replaceChildren(curvePlot(recalls, series, label), element("ul", {}, ...legend));
  };
  choice.onchange();
  return element("div", {}, element("label", {}, "Class ", choice), plot);
}

// -- causes ---------------------------------------------------------------------------------------

function showCauses() {
  const { errors, mended } = page.evaluation ?? {};
  const parts = [];
  if (errors) parts.push(heading("Types of errors"), ...errorTypes(errors));
  parts.push(heading("Causes of wrong pixels"));
  if (errors?.iou === "box") parts.push(paragraph("Objects are shown as their boxes."));
  if (errors?.protocol === "lvis") {
    const about = "Here, detections of classes that LVIS does not judge in an image count, too.";
    parts.push(paragraph(about));
  }
  parts.push(...causeTotals(mended));
  parts.push(heading("Wrong pixels by class and cause"), ...classesByCause());
  $("tab-causes").replaceChildren(...parts);
}

function errorTypes({ ap, types, iou, threshold, background, protocol }) {
  const meaning = {
    classification: "right place, wrong class",
    localization: `right class, an IoU from ${background} to ${threshold}`,
    both: "neither the right class nor the right place",
    duplicate: "of an object that a better detection has found",
    background: "where no object is",
    missed: "objects without any detection",
  };
  const greatest = Math.max(...types.map(([, , gain]) => gain), 1e-9);
  const rows = types.map(([name, count, gain]) =>
    row(
      element("td", {}, name, element("small", { textContent: meaning[name] })),
      cell(whole(count)),
      cell(`+${points(gain)}`),
      element("td", { className: "wide" }, bar(gain / greatest)),
    ),
  );
  const compared = { mask: "masks", box: "boxes", boundary: "boundaries" }[iou];
  const lvis =
    "Detections of classes that LVIS does not judge in an image do not lower AP, but are counted " +
    "as errors, as in TIDE. These are classes that are neither annotated in the image nor listed " +
    "as absent, and classes of which not all objects are annotated.";
  return [
    paragraph(
      `Detections at an IoU of ${threshold} of their ${compared}, as in TIDE: AP is ` +
        `${points(ap)}, in which classes without true objects count as 0. The gain (dAP) is what ` +
        "it would rise by if all errors of a type were right.",
    ),
    ...(protocol === "lvis" ? [paragraph(lvis)] : []),
    tableOf(["type", "errors", "gain", ""], rows),
  ];
}

function causeTotals(mended) {
  const totals = page.causes.map(() => 0);
  findings.pixels.forEach((area, i) => (totals[findings.cause[i]] += area));
  const sum = totals.reduce((total, area) => total + area, 0);
  const gain = (k) => (mended && mended.causes[k] !== null ? mended.causes[k] - mended.ap : 0);
  const order = page.causes.map((_, k) => k).filter((k) => totals[k]);
  order.sort((a, b) => gain(b) - gain(a) || totals[b] - totals[a]);
  const size = (k) => (mended ? Math.max(0, gain(k)) : totals[k]);
  const greatest = Math.max(...order.map(size), 1e-9);
  const rows = order.map((k) => {
    const { title, spurious, color } = page.causes[k];
    const scores = mended ? [cell(points(mended.causes[k])), cell(signed(gain(k)))] : [];
    return row(
      element("td", {}, swatch(color), " ", linkTo(title, { cause: k, sort: `cause-${k}` })),
      element("td", { textContent: spurious ? "false positive" : "missed" }),
      cell(whole(totals[k])),
      cell(percent(totals[k] / sum)),
      ...scores,
      element("td", { className: "wide" }, bar(size(k) / greatest, color)),
    );
  });
  const about = mended
    ? `AP is ${points(mended.ap)}, the mean over IoU thresholds. The gain is what it would rise ` +
      "by if the pixels of this cause were right, and all others stayed as they are."
    : "Pixels that are missed, or predicted outside of their object.";
  const heads = mended ? ["AP then", "gain"] : [];
  const names = ["cause", "pixels are", "pixels", "share", ...heads, ""];
  return [paragraph(about), tableOf(names, rows)];
}

const signed = (score) => `${score < 0 ? "\u2212" : "+"}${points(Math.abs(score))}`;

function classesByCause() {
  const sums = page.classes.map(() => page.causes.map(() => 0));
  for (let i = 0; i < findings.class.length; i++) {
    for (let p = findings.starts[i]; p < findings.starts[i + 1]; p++) {
      sums[findings.class[i]][findings.cause[p]] += findings.pixels[p];
    }
  }
  const causes = page.causes.map((_, k) => k).filter((k) => sums.some((areas) => areas[k]));
  const total = (areas) => areas.reduce((sum, area) => sum + area, 0);
  const rows = sums
    .map((areas, index) => [index, areas, total(areas)])
    .filter(([, , all]) => all)
    .sort((a, b) => b[2] - a[2])
    .map(([index, areas, all]) => {
      const cells = causes.map((k) => {
        const text = areas[k] ? whole(areas[k]) : "";
        const filters = { class: index, cause: k, sort: `cause-${k}` };
        const made = element("td", { className: "number" }, text && linkTo(text, filters));
        made.style.background = shade(areas[k] / all);
        return made;
      });
      const name = element("td", {}, linkTo(page.classes[index].name, { class: index }));
      return row(name, cell(whole(all)), ...cells);
    });
  const heads = causes.map((k) => {
    const { title, spurious } = page.causes[k];
    const kind = element("small", { textContent: spurious ? "FP" : "missed" });
    return element("span", {}, title, kind);
  });
  return [
    paragraph(
      "The stronger the color of a cell, the greater its share of the wrong pixels of its class.",
    ),
    tableOf(["class", "pixels", ...heads], rows),
  ];
}

const shade = (share) =>
  `color-mix(in srgb, var(--accent) ${Math.round(55 * share)}%, transparent)`;

// -- confusion ------------------------------------------------------------------------------------

// The number of objects by true and predicted class; the last row and column are for no object.
function confusions() {
  const none = page.classes.length;
  const counts = new Map();
  const unfound = new Set(["missed", "merged"]);
  for (let i = 0; i < findings.kind.length; i++) {
    const kind = page.kinds[findings.kind[i]];
    const extra = kind === "spurious" || kind === "duplicate";
    const truth = extra ? none : findings.class[i];
    const found = extra ? findings.class[i] : unfound.has(kind) ? none : findings.found[i];
    const key = truth * (none + 1) + found;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function showConfusion() {
  const none = page.classes.length;
  const objects = matrixOf(
    confusions(),
    [...page.classes.map(({ name }) => name), "background"],
    (truth, found) => filtersOf(truth, found, none),
  );
  const parts = [
    heading("Confusion of classes"),
    paragraph(
      "The numbers of objects: rows are true classes, columns are predicted ones. A true object " +
        "in the column background has no prediction of its own; a prediction in the row " +
        "background has no object.",
    ),
    ...objects,
  ];
  if (page.evaluation?.confusion) {
    const { names, pixels } = page.evaluation.confusion;
    const counts = new Map(pixels.map(([truth, found, n]) => [truth * names.length + found, n]));
    parts.push(heading("Confusion of pixels"), ...matrixOf(counts, names, null));
  }
  $("tab-confusion").replaceChildren(...parts);
}

// A confusion matrix of the classes with most confusions; the last class comes first.
function matrixOf(counts, names, filters) {
  const size = names.length;
  const wrong = new Float64Array(size);
  const totals = new Float64Array(size);
  const occurring = new Set();
  for (const [key, count] of counts) {
    const [truth, found] = [Math.floor(key / size), key % size];
    totals[truth] += count;
    for (const index of [truth, found]) {
      occurring.add(index);
      if (truth !== found) wrong[index] += count;
    }
  }
  if (filters) occurring.delete(size - 1);
  const most = [...occurring].sort((a, b) => wrong[b] - wrong[a] || a - b).slice(0, MAX_CONFUSED);
  const shown = [...(filters ? [size - 1] : []), ...most.sort((a, b) => a - b)];
  const rows = shown.map((truth) => {
    const cells = shown.map((found) => {
      const count = counts.get(truth * size + found) ?? 0;
      const title = `${names[truth]} predicted as ${names[found]}: ${whole(count)}`;
      const text = count ? whole(count) : "";
      const content = filters && count ? linkTo(text, filters(truth, found)) : text;
      const made = element("td", { className: "number", title }, content);
      if (count) made.style.background = shade(count / totals[truth]);
      if (truth === found && !(filters && truth === size - 1)) made.classList.add("diagonal");
      return made;
    });
    return row(element("th", { scope: "row", textContent: names[truth] }), ...cells);
  });
  const heads = shown.map((index) => element("span", { textContent: names[index] }));
  const note =
    occurring.size > MAX_CONFUSED
      ? [paragraph(`The ${MAX_CONFUSED} of ${whole(occurring.size)} classes with most confusions.`)]
      : [];
  return [...note, tableOf(["", ...heads], rows, "matrix")];
}

function filtersOf(truth, found, none) {
  if (truth === none) return { kind: "extra", class: found };
  if (found === none) return { kind: "unfound", class: truth };
  return { kind: "found", class: truth, found };
}
