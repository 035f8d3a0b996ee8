// The list of images, the controls and keys, and the start of the page.

function show(number) {
  state.image = load((number + page.images.length) % page.images.length);
  state.selected = null;
  const { photograph, height, width, index } = state.image;
  $("photograph").hidden = !photograph;
  if (photograph) $("photograph").src = photograph;
  $("photograph").alt = photograph ? page.images[index].name : "";
  for (const canvas of [$("masks"), $("marks")]) {
    canvas.height = height;
    canvas.width = width;
  }
  for (const [i, button] of [...$("images").children].entries()) {
    button.setAttribute("aria-pressed", i === index);
    if (i === index) button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  $("tip").hidden = true;
  fit();
  showForms();
  showLegend();
  showObjects();
  update();
}

function listImages() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((candidate) => candidate.isIntersecting)) {
      seen.unobserve(entry.target);
      drawThumbnail(entry.target);
    }
  });
  page.images.forEach((image, i) => {
    const canvas = element("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    canvas.dataset.index = i;
    const step = Math.max(image.height / 84, image.width / 136);
    canvas.width = Math.max(1, Math.round(image.width / step));
    canvas.height = Math.max(1, Math.round(image.height / step));
    const button = element(
      "button",
      { onclick: () => show(i), "aria-pressed": "false" },
      canvas,
      image.name,
      element("small", { textContent: image.note }),
    );
    $("images").append(button);
    seen.observe(canvas);
  });
}

function drawThumbnail(canvas) {
  const image = load(Number(canvas.dataset.index));
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
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === "range";
  if (typing && event.key.startsWith("Arrow")) return;
  const actions = {
    ArrowLeft: () => show(state.image.index - 1),
    ArrowRight: () => show(state.image.index + 1),
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
  listImages();
  if (page.images.length) show(0);
}

start();
