// The page: what is chosen (`state`), and functions that show it.

const $ = (id) => document.getElementById(id);
const index = JSON.parse($("index").textContent);
const VIEWS = ["Semantic", "Instance", "Panoptic"].concat(
  index.compared ? ["Difference", "Causes"] : [],
);
const SIDES = ["Truth", "Prediction"];
const STATES = [
  ["both", "#b9bfc6"],
  ["only in the truth", "#d61c30"],
  ["only in the prediction", "#4082dc"],
];

const state = {
  picture: null, // the image that is shown, as load returns it
  view: index.compared ? "Difference" : "Instance",
  side: "Truth",
  hidden: new Set(), // classes, by their places
  selected: null, // one of listed()
  opacity: 1,
  outlines: false,
  scale: 1,
  x: 0, // where the image's corner is on the stage
  y: 0,
  fitted: true,
};
let shown = null; // the map that is drawn: {map, height, width}

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

const swatch = (color) => {
  const made = element("span", { className: "swatch" });
  made.style.background = color;
  return made;
};
const first = ([item]) => item;
const whole = (number) => number.toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)}%`;
const nameOf = (object) => index.classes[object.class].name;

// -- images ---------------------------------------------------------------------------------------

const loaded = new Map(); // a few images, the last one used at the end

function load(place) {
  let picture = loaded.get(place);
  loaded.delete(place);
  if (!picture) {
    picture = JSON.parse($(`picture-${place}`).textContent);
    const pixels = picture.height * picture.width;
    for (const side of SIDES) {
      for (const [i, object] of (picture[side]?.objects ?? []).entries()) {
        object.ends = decodeCounts(object.counts, pixels);
        object.side = side;
        object.place = i;
      }
    }
    for (const row of picture.rows ?? []) prepare(row, picture, pixels);
    picture.place = place;
    picture.pixels = pixels;
  }
  loaded.set(place, picture);
  if (loaded.size > 8) loaded.delete(loaded.keys().next().value);
  return picture;
}

// Give a row of the comparison its masks: of the true object, and of all that was predicted of it.
function prepare(row, picture, pixels) {
  row.object = row.true === null ? null : picture.Truth.objects[row.true];
  row.found = row.predicted.map((i) => picture.Prediction.objects[i]);
  row.copied = row.original === null ? null : picture.Truth.objects[row.original];
  row.truth = row.object ? row.object.ends : [];
  row.predicted = row.found.reduce((ends, each) => combine(ends, each.ends, either), []);
  // The rest of a prediction of several objects is shown with the one that it is counted for.
  if (row.kind === "merged") row.predicted = combine(row.predicted, row.truth, both);
  row.known = row.copied ? row.copied.ends : row.truth; // what is no false positive
  row.class = (row.object ?? row.found[0]).class;
  row.thing = index.classes[row.class].thing;
  for (const part of row.parts) part.ends = decodeCounts(part.counts, pixels);
}

// What the list shows: objects, or in a comparison rows, which are an object and what was predicted.
function listed() {
  return state.picture.rows ?? state.picture.Truth.objects;
}

function show(place) {
  state.picture = load((place + index.pictures.length) % index.pictures.length);
  state.selected = null;
  const { photograph, height, width, place: at } = state.picture;
  $("photograph").hidden = !photograph;
  if (photograph) $("photograph").src = photograph;
  $("photograph").alt = photograph ? index.pictures[at].name : "";
  for (const canvas of [$("masks"), $("marks")]) {
    canvas.height = height;
    canvas.width = width;
  }
  for (const [i, button] of [...$("pictures").children].entries()) {
    button.setAttribute("aria-pressed", i === at);
    if (i === at) button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  $("tip").hidden = true;
  fit();
  showForms();
  showLegend();
  showObjects();
  update();
}

function listPictures() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      seen.unobserve(entry.target);
      drawThumbnail(entry.target);
    }
  });
  index.pictures.forEach((picture, i) => {
    const canvas = element("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    canvas.dataset.place = i;
    const step = Math.max(picture.height / 84, picture.width / 136);
    canvas.width = Math.max(1, Math.round(picture.width / step));
    canvas.height = Math.max(1, Math.round(picture.height / step));
    const button = element(
      "button",
      { onclick: () => show(i), "aria-pressed": "false" },
      canvas,
      picture.name,
      element("small", { textContent: picture.note }),
    );
    $("pictures").append(button);
    seen.observe(canvas);
  });
}

function drawThumbnail(canvas) {
  const picture = load(Number(canvas.dataset.place));
  const { width, height } = canvas;
  const positions = [];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const column = Math.floor(((x + 0.5) * picture.width) / width);
      positions.push(column * picture.height + Math.floor(((y + 0.5) * picture.height) / height));
    }
  }
  const map = new Uint32Array(positions.length);
  const { objects } = picture.Truth;
  objects.forEach((object, i) => sample(map, positions, object.ends, i + 1));
  const colors = [0, ...objects.map((object) => packed(index.classes[object.class].color, 1))];
  drawMap(canvas.getContext("2d"), map, height, width, Uint32Array.from(colors));
}

// -- the image ------------------------------------------------------------------------------------

const compares = () => state.view === "Difference" || state.view === "Causes";

function update() {
  drawMasks();
  drawMarks();
  showSelected();
  showMeaning();
  for (const button of $("views").children) {
    button.setAttribute("aria-pressed", button.textContent === state.view);
  }
  for (const button of $("sides").children) {
    button.setAttribute("aria-pressed", !compares() && button.textContent === state.side);
    button.disabled = compares();
  }
  const items = listed();
  for (const button of $("objects").children) {
    button.setAttribute("aria-pressed", items[button.dataset.place] === state.selected);
  }
}

function drawMasks() {
  const { picture, hidden, opacity } = state;
  const { height, width, pixels } = picture;
  let map;
  let keys;
  let colors;
  let faint = -1;
  if (compares()) {
    const rows = picture.rows.filter((row) => !hidden.has(row.class));
    const part = state.selected ? [state.selected] : rows;
    map = (state.view === "Difference" ? differenceMap : causeMap)(part, pixels);
    const causes = [STATES[0][1], ...index.causes.map((cause) => cause.color)];
    colors = state.view === "Difference" ? STATES.map(([, color]) => color) : causes;
    if (state.selected) {
      // Other things stay faintly in sight.
      colors.push(STATES[0][1]);
      const things = rows.filter((row) => row.thing);
      paintUnder(map, things.map((row) => row.truth), colors.length);
    }
    faint = state.selected ? colors.length - 1 : -1;
    keys = Uint8Array.from({ length: colors.length + 1 }, (_, i) => i);
  } else {
    const { objects } = picture[state.side];
    map = topmost(objects, pixels, hidden);
    const color = {
      Semantic: (object) => index.classes[object.class].color,
      Instance: (object) => object.color,
      Panoptic: (object) => object.shade,
    }[state.view];
    colors = objects.map(color);
    const key = (object, i) => (state.view === "Semantic" ? object.class : i) + 1;
    keys = Uint32Array.from([0, ...objects.map(key)]);
  }
  const dimmed = selectedObjects();
  const alpha = (i) => (i === faint || (dimmed && !dimmed.has(i)) ? 0.3 * opacity : opacity);
  const fill = Uint32Array.from([0, ...colors.map((color, i) => packed(color, alpha(i)))]);
  const line = fill.map((color, i) => (i ? packed("#ffffff", 1) : 0));
  const edge = state.outlines ? borders(map, keys, height, width) : null;
  drawMap($("masks").getContext("2d"), map, height, width, fill, edge, line);
  shown = { map, height, width };
}

// The places of the objects that are selected, on the side that is shown; null if all are alike.
function selectedObjects() {
  const { selected } = state;
  if (!selected || compares()) return null;
  if (!state.picture.rows) return new Set([selected.place]);
  if (state.side === "Truth") return new Set(selected.object ? [selected.object.place] : []);
  return new Set(selected.found.map((each) => each.place));
}

function drawMarks() {
  const context = $("marks").getContext("2d");
  const { height, width } = state.picture;
  context.clearRect(0, 0, width, height);
  const { selected, picture } = state;
  if (!selected || compares()) return; // a line would hide what is thin
  let ends = selected.ends;
  if (picture.rows) ends = state.side === "Prediction" ? selected.predicted : selected.truth;
  const border = borderOf(ends, height, width);
  const line = Math.max(1, Math.round(0.75 / state.scale));
  for (const [color, reach] of [["#000", 2 * line], ["#fff", line]]) {
    context.fillStyle = color;
    for (const [x, y] of border) {
      context.fillRect(x - reach + 1, y - reach + 1, 2 * reach - 1, 2 * reach - 1);
    }
  }
}

function showMeaning() {
  const parts = [];
  const add = (color, text) => parts.push(element("span", {}, swatch(color), text));
  if (state.view === "Difference") for (const [text, color] of STATES) add(color, text);
  if (state.view === "Causes") {
    add(STATES[0][1], "right");
    for (const spurious of [false, true]) {
      parts.push(element("b", { textContent: spurious ? "false positive:" : "missed:" }));
      const causes = index.causes.filter((cause) => cause.spurious === spurious);
      for (const cause of causes) add(cause.color, cause.title);
    }
  }
  const texts = {
    Semantic: "One colour per class: objects of a class are one label.",
    Instance: "One colour per object: two of a class are two masks.",
    Panoptic: "One segment per pixel: the class's colour, and a shade of it for each further object.",
  };
  if (texts[state.view]) parts.push(element("span", { textContent: texts[state.view] }));
  $("meaning").replaceChildren(...parts);
}

// -- details --------------------------------------------------------------------------------------

function titleOf(item) {
  if (!state.picture.rows) return `${nameOf(item)} #${item.id}`;
  if (item.object) return `${nameOf(item.object)} #${item.object.id}`;
  return predictedName(item.found[0]);
}

// The name of a prediction, whose id may also be that of a true object.
const predictedName = (object) => `predicted ${nameOf(object)} #${object.id}`;

// The kind of a row, and the class that an object is taken for.
function statusOf(row) {
  return row.kind === "confused" ? `confused: ${nameOf(row.found[0])}` : row.kind;
}

function showObjects() {
  const { picture } = state;
  const items = listed();
  const order = items.map((_, i) => i);
  if (!picture.rows) order.sort((a, b) => items[b].area - items[a].area);
  $("objects-title").textContent = picture.rows
    ? `Objects: ${whole(items.length)}, the worst first`
    : `Objects: ${whole(items.length)}, the largest first`;
  const buttons = order.map((i) => {
    const item = items[i];
    let right = `${whole(item.area)} px`;
    if (picture.rows) right = item.kind === "matched" ? item.iou.toFixed(3) : statusOf(item);
    const button = element(
      "button",
      { onclick: () => select(item), "aria-pressed": "false" },
      swatch((picture.rows ? (item.object ?? item.found[0]) : item).color),
      element("span", { textContent: titleOf(item) }),
      element("span", {
        className: picture.rows && item.kind !== "matched" ? "number bad" : "number",
        textContent: right,
      }),
    );
    button.dataset.place = i;
    return button;
  });
  $("objects").replaceChildren(...buttons);
}

function select(item) {
  state.selected = item === state.selected ? null : item;
  update();
  const button = $("objects").querySelector('[aria-pressed="true"]');
  if (button) button.scrollIntoView({ block: "nearest" });
}

function describe(object) {
  const [x0, y0, x1, y1] = object.box;
  const facts = [
    ["class", nameOf(object)],
    ["id", object.id],
    ["area", `${whole(object.area)} px, ${percent(object.area / state.picture.pixels)}`],
    ["box", `x ${x0} to ${x1}, y ${y0} to ${y1}`],
  ];
  if (object.score !== undefined) facts.push(["score", object.score.toFixed(3)]);
  if (object.crowd) facts.push(["crowd", "a region of many"]);
  return facts;
}

function showSelected() {
  const { selected, picture } = state;
  if (!selected) {
    $("selected").replaceChildren(
      element("p", { className: "hint", textContent: "Click an object to see its details." }),
    );
    return;
  }
  const object = picture.rows ? (selected.object ?? selected.found[0]) : selected;
  const facts = describe(object);
  const parts = [element("h2", { textContent: titleOf(selected) })];
  if (picture.rows) {
    facts.push(["status", `${statusOf(selected)}, IoU ${selected.iou.toFixed(3)}`]);
    const label = (each) => `${nameOf(each)} #${each.id}`;
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
  if (picture.rows) parts.push(...causesOf(selected));
  $("selected").replaceChildren(...parts);
}

function causesOf(row) {
  const made = [];
  for (const spurious of [false, true]) {
    const found = row.parts.filter((part) => part.spurious === spurious);
    const sum = found.reduce((total, part) => total + part.area, 0);
    const what = spurious ? "false-positive" : "missed";
    made.push(element("p", { textContent: `${whole(sum)} ${what} pixels${sum ? ":" : "."}` }));
    const table = element("table");
    const shallow = (part) => index.causes[part.cause].shallow; // those are named last
    const ordered = [...found].sort((a, b) => shallow(a) - shallow(b) || b.area - a.area);
    for (const part of ordered) {
      const { title, color } = index.causes[part.cause];
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
    made.push(table);
  }
  if (row.into.length) {
    const names = row.into.map(([i, area]) => {
      const object = state.picture.Truth.objects[i];
      return `${nameOf(object)} #${object.id} (${whole(area)} px)`;
    });
    made.push(element("p", { textContent: `It bleeds into ${names.join(", ")}.` }));
  }
  return made;
}

function showLegend() {
  const counts = new Map();
  const { picture } = state;
  const sides = index.compared ? SIDES : SIDES.slice(0, 1);
  for (const side of sides) {
    for (const object of picture[side].objects) {
      const count = counts.get(object.class) ?? { Truth: 0, Prediction: 0 };
      count[side] += 1;
      counts.set(object.class, count);
    }
  }
  const lines = [...counts.keys()].sort((a, b) => a - b).map((place) => {
    const { name, color } = index.classes[place];
    const count = counts.get(place);
    const box = element("input", { type: "checkbox", checked: !state.hidden.has(place) });
    box.onchange = () => {
      if (box.checked) state.hidden.delete(place);
      else state.hidden.add(place);
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
  for (const form of state.picture.forms) {
    const cells = [
      form.name,
      `${form.shape} ${form.dtype}`,
      whole(form.values),
      bytes(form.dense),
      bytes(form.rle),
    ];
    table.append(element("tr", {}, ...cells.map((text) => element("td", { textContent: text }))));
  }
  const lines = state.picture.lost.map((text) => element("p", { textContent: text }));
  $("forms").replaceChildren(table, ...lines);
}

// -- looking closer -------------------------------------------------------------------------------

function placeLayers() {
  const { height, width } = state.picture;
  $("layers").style.width = `${width}px`;
  $("layers").style.height = `${height}px`;
  $("layers").style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
  $("layers").classList.toggle("pixels", state.scale > 1.5);
}

function fit() {
  const { height, width } = state.picture;
  const stage = $("stage");
  state.scale = Math.min(stage.clientWidth / width, stage.clientHeight / height) || 1;
  state.x = (stage.clientWidth - width * state.scale) / 2;
  state.y = (stage.clientHeight - height * state.scale) / 2;
  state.fitted = true;
  placeLayers();
}

function zoom(factor, x = $("stage").clientWidth / 2, y = $("stage").clientHeight / 2) {
  const scale = Math.min(64, Math.max(0.02, state.scale * factor));
  state.x = x - ((x - state.x) * scale) / state.scale;
  state.y = y - ((y - state.y) * scale) / state.scale;
  state.scale = scale;
  state.fitted = false;
  placeLayers();
}

function move(dx, dy) {
  state.x += dx;
  state.y += dy;
  state.fitted = false;
  placeLayers();
}

// What is at a point of the stage: the number in the map, and the item of the list, if there is one.
function at(x, y) {
  const column = Math.floor((x - state.x) / state.scale);
  const row = Math.floor((y - state.y) / state.scale);
  const { map, height, width } = shown;
  if (column < 0 || row < 0 || column >= width || row >= height) return null;
  const position = column * height + row;
  const value = map[position];
  const { picture } = state;
  if (!compares()) {
    const object = value ? picture[state.side].objects[value - 1] : null;
    let item = object;
    if (object && picture.rows) {
      const same = (row) => row.object === object || row.found.includes(object);
      const rows = picture.rows.filter(same);
      item = rows.find((row) => row.kind !== "merged") ?? rows[0] ?? null;
    }
    return { column, row, value, object, item };
  }
  const holds = (ends) => inside(ends, position);
  const rows = picture.rows.filter((each) => !state.hidden.has(each.class));
  const smallest = rows
    .filter((each) => holds(each.truth) || holds(each.predicted))
    .sort((a, b) => a.area - b.area)[0];
  return { column, row, value, object: null, item: smallest ?? null };
}

function inside(ends, position) {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= position) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

function hover(x, y) {
  const tip = $("tip");
  const found = at(x, y);
  tip.hidden = !found;
  if (!found) return;
  const { value, object, item } = found;
  const lines = [];
  if (object) {
    const facts = Object.fromEntries(describe(object));
    lines.push(`${facts.class} #${facts.id}`, `${facts.area}; ${facts.box}`);
    if (facts.score) lines.push(`score ${facts.score}`);
  } else if (compares() && value) {
    const what = (cause) => `${cause.spurious ? "false positive" : "missed"}: ${cause.title}`;
    const texts = state.view === "Causes" ? ["right", ...index.causes.map(what)] : STATES.map(first);
    if (item) lines.push(titleOf(item));
    if (texts[value - 1]) lines.push(texts[value - 1]);
  } else {
    lines.push("nothing here");
  }
  lines.push(`x ${found.column}, y ${found.row}`);
  tip.replaceChildren(...lines.map((text) => element("div", { textContent: text })));
  const stage = $("stage");
  const left = Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 4);
  const top = y + 18 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 10 : y + 18;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, top)}px`;
}

function watchStage() {
  const stage = $("stage");
  const fingers = new Map();
  let moved = 0;
  const point = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, point(event));
    moved = fingers.size > 1 ? Infinity : 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const [x, y] = point(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      hover(x, y);
      return;
    }
    const apart = fingers.size === 2 ? spread() : 0;
    fingers.set(event.pointerId, [x, y]);
    const [dx, dy] = [x - before[0], y - before[1]];
    moved += Math.hypot(dx, dy);
    if (moved < 5) return;
    stage.classList.add("moving");
    $("tip").hidden = true;
    move(dx / fingers.size, dy / fingers.size);
    if (apart) {
      const [a, b] = [...fingers.values()];
      zoom(spread() / apart, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
    }
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    stage.classList.remove("moving");
    if (event.type !== "pointerup" || moved >= 5) return;
    const found = at(...point(event));
    select(found ? found.item : null);
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("pointerleave", () => ($("tip").hidden = true));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(1.0015 ** -event.deltaY, ...point(event));
    },
    { passive: false },
  );
  new ResizeObserver(() => state.picture && state.fitted && fit()).observe(stage);
}

// -- buttons and keys -----------------------------------------------------------------------------

function setView(view) {
  state.view = view;
  update();
}

function setSide(side) {
  state.side = side;
  update();
}

function step(distance) {
  const items = [...$("objects").children].map((button) => listed()[button.dataset.place]);
  const now = items.indexOf(state.selected);
  const next = now < 0 ? (distance > 0 ? 0 : items.length - 1) : now + distance;
  if (items[next]) select(items[next]);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === "range";
  if (typing && event.key.startsWith("Arrow")) return;
  const actions = {
    ArrowLeft: () => show(state.picture.place - 1),
    ArrowRight: () => show(state.picture.place + 1),
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    "+": () => zoom(1.4),
    "=": () => zoom(1.4),
    "-": () => zoom(1 / 1.4),
    0: fit,
    o: () => $("outlines").click(),
    Escape: () => select(null),
  };
  if (index.compared) {
    actions.t = () => !compares() && setSide(SIDES[1 - SIDES.indexOf(state.side)]);
  }
  VIEWS.forEach((view, i) => (actions[i + 1] = () => setView(view)));
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function start() {
  $("summary").textContent = index.summary;
  for (const view of VIEWS) {
    $("views").append(element("button", { textContent: view, onclick: () => setView(view) }));
  }
  for (const side of index.compared ? SIDES : []) {
    $("sides").append(element("button", { textContent: side, onclick: () => setSide(side) }));
  }
  for (const each of document.querySelectorAll(".compared")) each.hidden = !index.compared;
  if (index.pictures.some((picture) => picture.photograph)) {
    state.opacity = 0.6;
    $("opacity").value = 60;
  }
  $("opacity").oninput = () => {
    state.opacity = $("opacity").value / 100;
    drawMasks();
  };
  $("outlines").onchange = () => {
    state.outlines = $("outlines").checked;
    drawMasks();
  };
  $("zoom-in").onclick = () => zoom(1.4);
  $("zoom-out").onclick = () => zoom(1 / 1.4);
  $("zoom-fit").onclick = fit;
  document.addEventListener("keydown", pressed);
  watchStage();
  listPictures();
  if (index.pictures.length) show(0);
}

start();
