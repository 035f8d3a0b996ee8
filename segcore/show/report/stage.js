// The stage: drawing of masks, zoom and movement, and the tip at the pointer.

function drawMasks() {
  const { image, hidden, opacity } = state;
  const { height, width, pixels } = image;
  let map;
  let keys;
  let colors;
  let faint = -1;
  if (compares()) {
    const rows = image.rows.filter((row) => !hidden.has(row.class));
    const part = state.selected ? [state.selected] : rows;
    map = (state.view === "Difference" ? differenceMap : causeMap)(part, pixels);
    const causes = [STATES[0][1], ...page.causes.map((cause) => cause.color)];
    colors = state.view === "Difference" ? STATES.map(([, color]) => color) : causes;
    if (state.selected) {
      // Other things stay faintly visible.
      colors.push(STATES[0][1]);
      const things = rows.filter((row) => row.thing);
      paintUnder(map, things.map((row) => row.truth), colors.length);
    }
    faint = state.selected ? colors.length - 1 : -1;
    keys = Uint8Array.from({ length: colors.length + 1 }, (_, i) => i);
  } else {
    const { objects } = image[state.side];
    map = topmost(objects, pixels, hidden);
    const color = {
      Semantic: (object) => page.classes[object.class].color,
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

// The indices of the selected objects on the current side; null without a selection.
function selectedObjects() {
  const { selected } = state;
  if (!selected || compares()) return null;
  if (!state.image.rows) return new Set([selected.index]);
  if (state.side === "Truth") return new Set(selected.object ? [selected.object.index] : []);
  return new Set(selected.found.map((object) => object.index));
}

function drawMarks() {
  const context = $("marks").getContext("2d");
  const { height, width } = state.image;
  context.clearRect(0, 0, width, height);
  const { selected, image } = state;
  if (!selected || compares()) return; // a line would hide thin parts
  let ends = selected.ends;
  if (image.rows) ends = state.side === "Prediction" ? selected.predicted : selected.truth;
  const border = borderOf(ends, height, width);
  const line = Math.max(1, Math.round(0.75 / state.scale));
  for (const [color, reach] of [["#000", 2 * line], ["#fff", line]]) {
    context.fillStyle = color;
    for (const [x, y] of border) {
      context.fillRect(x - reach + 1, y - reach + 1, 2 * reach - 1, 2 * reach - 1);
    }
  }
}

function placeLayers() {
  const { height, width } = state.image;
  $("layers").style.width = `${width}px`;
  $("layers").style.height = `${height}px`;
  $("layers").style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
  $("layers").classList.toggle("pixels", state.scale > 1.5);
}

function fit() {
  const { height, width } = state.image;
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

// The pixel at a point of the stage: its value in the map, and its object and list item, if any.
function at(x, y) {
  const column = Math.floor((x - state.x) / state.scale);
  const row = Math.floor((y - state.y) / state.scale);
  const { map, height, width } = shown;
  if (column < 0 || row < 0 || column >= width || row >= height) return null;
  const position = column * height + row;
  const value = map[position];
  const { image } = state;
  if (!compares()) {
    const object = value ? image[state.side].objects[value - 1] : null;
    let item = object;
    if (object && image.rows) {
      const same = (row) => row.object === object || row.found.includes(object);
      const rows = image.rows.filter(same);
      item = rows.find((row) => row.kind !== "merged") ?? rows[0] ?? null;
    }
    return { column, row, value, object, item };
  }
  const holds = (ends) => inside(ends, position);
  const rows = image.rows.filter((row) => !state.hidden.has(row.class));
  const smallest = rows
    .filter((row) => holds(row.truth) || holds(row.predicted))
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
    const described = (cause) => `${cause.spurious ? "false positive" : "missed"}: ${cause.title}`;
    const texts = state.view === "Causes" ? ["right", ...page.causes.map(described)] : STATES.map(first);
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
  new ResizeObserver(() => state.image && state.fitted && fit()).observe(stage);
}
