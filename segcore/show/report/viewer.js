// The list of images, the controls and keys, and the start of the page.

const IMAGES_PER_PAGE = 200;

async function show(number, selected = null) {
  const index = (number + page.images.length) % page.images.length;
  state.index = index;
  const image = await load(index);
  if (state.index !== index) return; // another image was asked for meanwhile
  state.image = image;
  state.selected = listed()[selected] ?? null;
  const { photograph, height, width } = image;
  $("photograph").hidden = !photograph;
  if (photograph) $("photograph").src = photograph;
  $("photograph").alt = photograph ? page.images[index].name : "";
  for (const canvas of [$("masks"), $("marks")]) {
    canvas.height = height;
    canvas.width = width;
  }
  listImages();
  $("tip").hidden = true;
  fit();
  showForms();
  showLegend();
  showObjects();
  update();
  scrollToSelected();
}

// The images near the current one. As many buttons as a large data set has would be slow.
function listImages() {
  const first = Math.floor(state.index / IMAGES_PER_PAGE) * IMAGES_PER_PAGE;
  const count = Math.min(IMAGES_PER_PAGE, page.images.length - first);
  if ($("images").dataset.first !== String(first)) {
    const seen = whenVisible(drawThumbnail);
    const buttons = Array.from({ length: count }, (_, i) => imageButton(first + i, seen));
    $("images").replaceChildren(...buttons);
    $("images").dataset.first = first;
    const jump = (start) => show(start);
    pages($("image-pages"), page.images.length, IMAGES_PER_PAGE, first, jump);
  }
  for (const [i, button] of [...$("images").children].entries()) {
    button.setAttribute("aria-pressed", first + i === state.index);
    if (first + i === state.index) button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function imageButton(index, seen) {
  const image = page.images[index];
  const canvas = element("canvas", { width: 1, height: 1, "aria-hidden": "true" });
  canvas.dataset.index = index;
  const step = Math.max(image.height / 84, image.width / 136);
  canvas.width = Math.max(1, Math.round(image.width / step));
  canvas.height = Math.max(1, Math.round(image.height / step));
  seen.observe(canvas);
  return element(
    "button",
    { onclick: () => show(index), "aria-pressed": "false" },
    canvas,
    image.name,
    element("small", { textContent: image.note }),
  );
}

// Observe elements, and call a function once with each that comes into view.
function whenVisible(action) {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((candidate) => candidate.isIntersecting)) {
      seen.unobserve(entry.target);
      action(entry.target);
    }
  });
  return seen;
}

// Buttons for the previous and the next page of a list, if it has several.
function pages(place, total, perPage, first, jump) {
  const button = (text, label, start) =>
    element("button", {
      type: "button",
      textContent: text,
      "aria-label": label,
      disabled: start < 0 || start >= total,
      onclick: () => jump(start),
    });
  const last = Math.min(first + perPage, total);
  place.replaceChildren(
    ...(total > perPage
      ? [
          button("\u2039", "Previous page", first - perPage),
          ` ${whole(first + 1)}\u2013${whole(last)} of ${whole(total)} `,
          button("\u203a", "Next page", first + perPage),
        ]
      : []),
  );
}

async function drawThumbnail(canvas) {
  const image = await load(Number(canvas.dataset.index));
  const { width, height } = canvas;
  const positions = [];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const column = Math.floor(((x + 0.5) * image.width) / width);
      positions.push(column * image.height + Math.floor(((y + 0.5) * image.height) / height));
    }
  }
  const map = new Uint32Array(positions.length);
  const { objects } = image.Truth;
  objects.forEach((object, i) => sample(map, positions, object.ends, i + 1));
  const colors = [0, ...objects.map((object) => packed(page.classes[object.class].color, 1))];
  drawMap(canvas.getContext("2d"), map, height, width, Uint32Array.from(colors));
}

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
    button.setAttribute("aria-pressed", items[button.dataset.index] === state.selected);
  }
  remember();
}

function setView(view) {
  state.view = view;
  update();
}

function setSide(side) {
  state.side = side;
  update();
}

function step(distance) {
  const items = [...$("objects").children].map((button) => listed()[button.dataset.index]);
  const now = items.indexOf(state.selected);
  const next = now < 0 ? (distance > 0 ? 0 : items.length - 1) : now + distance;
  if (items[next]) select(items[next]);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || state.tab !== "images") return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === "range";
  if (typing && event.key.startsWith("Arrow")) return;
  const actions = {
    ArrowLeft: () => show(state.index - 1),
    ArrowRight: () => show(state.index + 1),
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    "+": () => zoom(1.4),
    "=": () => zoom(1.4),
    "-": () => zoom(1 / 1.4),
    0: fit,
    o: () => $("outlines").click(),
    Escape: () => select(null),
  };
  if (page.compared) {
    actions.t = () => !compares() && setSide(SIDES[1 - SIDES.indexOf(state.side)]);
  }
  VIEWS.forEach((view, i) => (actions[i + 1] = () => setView(view)));
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function start() {
  $("summary").textContent = page.summary;
  for (const view of VIEWS) {
    $("views").append(element("button", { textContent: view, onclick: () => setView(view) }));
  }
  for (const side of page.compared ? SIDES : []) {
    $("sides").append(element("button", { textContent: side, onclick: () => setSide(side) }));
  }
  for (const node of document.querySelectorAll(".compared")) node.hidden = !page.compared;
  if (page.images.some((image) => image.photograph)) {
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
  startTabs();
}
