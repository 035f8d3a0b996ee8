// The panels around the image: legends, objects, the selected object, forms.

function showMeaning() {
  const parts = [];
  const add = (color, text) => parts.push(element("span", {}, swatch(color), text));
  if (state.view === "Difference") for (const [text, color] of STATES) add(color, text);
  if (state.view === "Causes") {
    add(STATES[0][1], "right");
    for (const spurious of [false, true]) {
      parts.push(element("b", { textContent: spurious ? "false positive:" : "missed:" }));
      const causes = page.causes.filter((cause) => cause.spurious === spurious);
      for (const cause of causes) add(cause.color, cause.title);
    }
  }
  const texts = {
    Semantic: "One color per class: all objects of a class share one label.",
    Instance: "One color per object: each object is a mask of its own.",
    Panoptic: "One segment per pixel: the class color, in another shade for each object.",
  };
  if (texts[state.view]) parts.push(element("span", { textContent: texts[state.view] }));
  $("meaning").replaceChildren(...parts);
}

function titleOf(item) {
  if (!state.image.rows) return `${nameOf(item)} #${item.id}`;
  if (item.object) return `${nameOf(item.object)} #${item.object.id}`;
  return predictedName(item.found[0]);
}

// The name of a prediction. Its id may also be the id of a true object.
const predictedName = (object) => `predicted ${nameOf(object)} #${object.id}`;

// The kind of a row, with the predicted class of a confused object.
function statusOf(row) {
  return row.kind === "confused" ? `confused: ${nameOf(row.found[0])}` : row.kind;
}

function showObjects() {
  const { image } = state;
  const items = listed();
  const order = items.map((_, i) => i);
  if (!image.rows) order.sort((a, b) => items[b].area - items[a].area);
  $("objects-title").textContent = image.rows
    ? `Objects: ${whole(items.length)}, the worst first`
    : `Objects: ${whole(items.length)}, the largest first`;
  const buttons = order.map((i) => {
    const item = items[i];
    let right = `${whole(item.area)} px`;
    if (image.rows) right = item.kind === "matched" ? item.iou.toFixed(3) : statusOf(item);
    const button = element(
      "button",
      { onclick: () => select(item), "aria-pressed": "false" },
      swatch((image.rows ? (item.object ?? item.found[0]) : item).color),
      element("span", { textContent: titleOf(item) }),
      element("span", {
        className: image.rows && item.kind !== "matched" ? "number bad" : "number",
        textContent: right,
      }),
    );
    button.dataset.index = i;
    return button;
  });
  $("objects").replaceChildren(...buttons);
}

function select(item) {
  state.selected = item === state.selected ? null : item;
  update();
  scrollToSelected();
}

function scrollToSelected() {
  const button = $("objects").querySelector('[aria-pressed="true"]');
  if (button) button.scrollIntoView({ block: "nearest" });
}

function describe(object) {
  const [x0, y0, x1, y1] = object.box;
  const facts = [
    ["class", nameOf(object)],
    ["id", object.id],
    ["area", `${whole(object.area)} px, ${percent(object.area / state.image.pixels)}`],
    ["box", `x ${x0} to ${x1}, y ${y0} to ${y1}`],
  ];
  if (object.score !== undefined) facts.push(["score", object.score.toFixed(3)]);
  if (object.crowd) facts.push(["crowd", "a region of many objects"]);
  return facts;
}

function showSelected() {
  const { selected, image } = state;
  if (!selected) {
    $("selected").replaceChildren(
      element("p", { className: "hint", textContent: "Click an object to see its details." }),
    );
    return;
  }
  const object = image.rows ? (selected.object ?? selected.found[0]) : selected;
  const facts = describe(object);
  const parts = [element("h2", { textContent: titleOf(selected) })];
  if (image.rows) {
    facts.push(["status", `${statusOf(selected)}, IoU ${selected.iou.toFixed(3)}`]);
    const label = (object) => `${nameOf(object)} #${object.id}`;
    const merged = selected.kind === "merged";
    const ids = selected.found.map(merged ? predictedName : label).join(", ");
    const relation = merged ? "covered by" : "predicted as";
    if (selected.object && ids) facts.push([relation, ids]);
    if (selected.copied) facts.push(["duplicate of", label(selected.copied)]);
  }
  const list = element("dl");
  for (const [name, value] of facts) {
    list.append(element("dt", { textContent: name }), element("dd", { textContent: value }));
  }
  parts.push(list);
  if (image.rows) parts.push(...causesOf(selected));
  $("selected").replaceChildren(...parts);
}

function causesOf(row) {
  const parts = [];
  for (const spurious of [false, true]) {
    const found = row.parts.filter((part) => part.spurious === spurious);
    const sum = found.reduce((total, part) => total + part.area, 0);
    const kind = spurious ? "false-positive" : "missed";
    parts.push(element("p", { textContent: `${whole(sum)} ${kind} pixels${sum ? ":" : "."}` }));
    const table = element("table");
    const common = (part) => page.causes[part.cause].common; // common causes come last
    const ordered = [...found].sort((a, b) => common(a) - common(b) || b.area - a.area);
    for (const part of ordered) {
      const { title, color } = page.causes[part.cause];
      const fill = element("i");
      fill.style.width = `${(100 * part.area) / sum}%`;
      fill.style.background = color;
      table.append(
        element(
          "tr",
          {},
          element("td", { textContent: title }),
          element("td", {}, element("div", { className: "bar" }, fill)),
          element("td", { className: "number", textContent: whole(part.area) }),
        ),
      );
    }
    parts.push(table);
  }
  if (row.into.length) {
    const names = row.into.map(([i, area]) => {
      const object = state.image.Truth.objects[i];
      return `${nameOf(object)} #${object.id} (${whole(area)} px)`;
    });
    parts.push(element("p", { textContent: `It bleeds into ${names.join(", ")}.` }));
  }
  return parts;
}

function showLegend() {
  const counts = new Map();
  const { image } = state;
  const sides = page.compared ? SIDES : SIDES.slice(0, 1);
  for (const side of sides) {
    for (const object of image[side].objects) {
      const count = counts.get(object.class) ?? { Truth: 0, Prediction: 0 };
      count[side] += 1;
      counts.set(object.class, count);
    }
  }
  const lines = [...counts.keys()].sort((a, b) => a - b).map((index) => {
    const { name, color } = page.classes[index];
    const count = counts.get(index);
    const box = element("input", { type: "checkbox", checked: !state.hidden.has(index) });
    box.onchange = () => {
      if (box.checked) state.hidden.delete(index);
      else state.hidden.add(index);
      state.selected = null;
      update();
    };
    const text = sides.map((side) => whole(count[side])).join(" / ");
    return element(
      "label",
      {},
      box,
      swatch(color),
      element("span", { textContent: name }),
      element("span", { className: "number", textContent: text }),
    );
  });
  $("legend").replaceChildren(...lines);
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function showForms() {
  const head = ["", "shape, dtype", "values", "dense", "RLE"];
  const table = element(
    "table",
    {},
    element("tr", {}, ...head.map((text) => element("th", { textContent: text }))),
  );
  for (const form of state.image.forms) {
    const cells = [
      form.name,
      `${form.shape} ${form.dtype}`,
      whole(form.values),
      bytes(form.dense),
      bytes(form.rle),
    ];
    table.append(element("tr", {}, ...cells.map((text) => element("td", { textContent: text }))));
  }
  const lines = state.image.lost.map((text) => element("p", { textContent: text }));
  $("forms").replaceChildren(table, ...lines);
}
