// The findings of all images: filters, order, and a card with a thumbnail for each.

const PER_PAGE = 60;
const THUMBNAIL = [480, 320]; // twice as large as it is shown, so that thin parts stay visible
const findings = page.compared ? JSON.parse($("findings").textContent) : null;

const SIZES = { small: [0, 32 ** 2], medium: [32 ** 2, 96 ** 2], large: [96 ** 2, Infinity] };
const GROUPS = {
  found: ["matched", "split", "confused"],
  unfound: ["missed", "merged"],
  extra: ["spurious", "duplicate"],
};
const ORDERS = {
  worst: "the worst first",
  iou: "lowest IoU",
  score: "highest score",
  area: "largest area",
  missed: "most missed pixels",
  spurious: "most false-positive pixels",
};
const filters = {}; // by name, as texts; those that are empty are missing
let order = []; // the findings that pass the filters, in order
let firstShown = 0;

const chosenFilters = () => (firstShown ? { ...filters, from: firstShown } : { ...filters });

// -- controls -------------------------------------------------------------------------------------

function showFindings() {
  const occurring = new Set(findings.class);
  const classes = page.classes.map(({ name }, i) => [i, name]).filter(([i]) => occurring.has(i));
  const kinds = [...new Set(findings.kind)].sort((a, b) => a - b).map((k) => page.kinds[k]);
  const groups = [
    ["found", "found (matched, split or confused)"],
    ["unfound", "not found (missed or merged)"],
    ["extra", "without an object (spurious or duplicate)"],
  ];
  const used = new Set(findings.cause);
  const causes = page.causes
    .map(({ title, spurious }, k) => [k, `${title} (${spurious ? "false positive" : "missed"})`])
    .filter(([k]) => used.has(k));
  const found = new Set(findings.found.filter((index) => index !== null));
  const predicted = page.classes.map(({ name }, i) => [i, name]).filter(([i]) => found.has(i));
  const sizes = [
    ["small", "small (below 32\u00b2 px)"],
    ["medium", "medium"],
    ["large", "large (96\u00b2 px and more)"],
  ];
  const byCause = causes.map(([k, title]) => [`cause-${k}`, `most pixels: ${title}`]);
  const orders = [...Object.entries(ORDERS).slice(1), ...byCause];
  $("filters").replaceChildren(
    labeled("Search", textInput("search", "search", "image, class or id")),
    labeled("Class", selection("class", classes)),
    labeled("Predicted class", selection("found", predicted)),
    labeled("Status", selection("kind", [...kinds.map((kind) => [kind, kind]), ...groups])),
    labeled("Cause", selection("cause", causes)),
    labeled("Size", selection("size", sizes)),
    labeled("IoU from", textInput("iou-from", "number")),
    labeled("IoU to", textInput("iou-to", "number")),
    ...(findings.score.some((score) => score !== null)
      ? [
          labeled("Score from", textInput("score-from", "number")),
          labeled("Score to", textInput("score-to", "number")),
        ]
      : []),
    labeled("Order", selection("sort", orders, ORDERS.worst)),
    element("button", { type: "button", textContent: "Clear", onclick: () => setFilters([]) }),
    element("button", { type: "button", textContent: "Save as CSV", onclick: saveList }),
  );
  $("filters").onsubmit = (event) => event.preventDefault();
}

const labeled = (text, control) =>
  element("label", {}, element("span", { textContent: text }), control);

function selection(name, choices, none = "all") {
  const options = [["", none], ...choices];
  const made = element("select", { name });
  for (const [value, text] of options) made.append(element("option", { value, textContent: text }));
  made.onchange = readFilters;
  return made;
}

function textInput(name, type, placeholder = "") {
  const limits = type === "number" ? { min: 0, max: 1, step: 0.05 } : {};
  return element("input", { name, type, placeholder, ...limits, oninput: readFilters });
}

function readFilters() {
  for (const { name, value } of $("filters").elements) {
    if (name && value !== "") filters[name] = value;
    else delete filters[name];
  }
  firstShown = 0;
  applyFilters();
}

// Set the controls from pairs of names and values, as in the address.
function setFilters(values) {
  const given = new Map(values);
  const named = [...$("filters").elements].filter(({ name }) => name);
  for (const control of named) control.value = given.get(control.name) ?? "";
  readFilters();
  const from = Number(given.get("from"));
  if (from > 0 && from < order.length) showCards(from);
}

// -- what passes the filters ----------------------------------------------------------------------

function applyFilters() {
  const tests = testsOf(filters);
  order = [];
  for (let i = 0; i < findings.class.length; i++) if (tests.every((test) => test(i))) order.push(i);
  const { sort } = filters;
  if (sort) {
    const keys = Float64Array.from(findings.class, (_, i) => keyOf(sort, i));
    order.sort((a, b) => keys[b] - keys[a] || a - b);
  }
  const total = findings.class.length;
  const part = order.length < total ? `${whole(order.length)} of ` : "";
  const by = ORDERS[sort ?? "worst"] ?? "by the pixels of a cause";
  $("found").textContent = `${part}${whole(total)} objects, ${by}`;
  showCards(0);
}

function testsOf(chosen) {
  const tests = [];
  const number = (name) => Number(chosen[name]);
  if (chosen.class) tests.push((i) => findings.class[i] === number("class"));
  if (chosen.found) tests.push((i) => findings.found[i] === number("found"));
  if (chosen.kind) {
    const kinds = GROUPS[chosen.kind] ?? [chosen.kind];
    tests.push((i) => kinds.includes(page.kinds[findings.kind[i]]));
  }
  if (chosen.cause) tests.push((i) => pixelsOf(i, number("cause")) > 0);
  if (chosen.size in SIZES) {
    const [low, high] = SIZES[chosen.size];
    tests.push((i) => findings.area[i] >= low && findings.area[i] < high);
  }
  for (const name of ["iou", "score"]) {
    const column = findings[name];
    const [low, high] = [`${name}-from`, `${name}-to`];
    if (chosen[low]) tests.push((i) => column[i] !== null && column[i] >= number(low));
    if (chosen[high]) tests.push((i) => column[i] !== null && column[i] <= number(high));
  }
  if (chosen.search) tests.push(searched(chosen.search.toLowerCase()));
  return tests;
}

function searched(text) {
  const holds = ({ name }) => name.toLowerCase().includes(text);
  const images = page.images.map(holds);
  const classes = page.classes.map(holds);
  const id = text.replace(/^#/, "");
  return (i) =>
    images[findings.image[i]] || classes[findings.class[i]] || String(findings.id[i]) === id;
}

function keyOf(sort, i) {
  if (sort === "iou") return -findings.iou[i];
  if (sort === "area") return findings.area[i];
  if (sort === "score") return findings.score[i] ?? -1;
  const cause = sort.startsWith("cause-") ? Number(sort.slice(6)) : null;
  if (cause !== null) return pixelsOf(i, cause);
  let sum = 0;
  for (let p = findings.starts[i]; p < findings.starts[i + 1]; p++) {
    const { spurious } = page.causes[findings.cause[p]];
    if (spurious === (sort === "spurious")) sum += findings.pixels[p];
  }
  return sum;
}

function pixelsOf(i, cause) {
  for (let p = findings.starts[i]; p < findings.starts[i + 1]; p++) {
    if (findings.cause[p] === cause) return findings.pixels[p];
  }
  return 0;
}

// Save the findings that pass the filters, in their order.
function saveList() {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = order.map((i) => {
    const [image, name] = [page.images[findings.image[i]], page.classes[findings.class[i]]];
    const texts = [image.name, name.name, findings.id[i], page.kinds[findings.kind[i]]];
    const found = page.classes[findings.found[i]]?.name ?? "";
    const numbers = [findings.area[i], findings.iou[i], findings.score[i] ?? ""];
    const wrong = ["missed", "spurious"].map((sort) => keyOf(sort, i));
    return [...[...texts, found].map(quoted), ...numbers, ...wrong].join(",");
  });
  const names = "image,class,id,status,predicted_class,area,iou,score,missed,false_positive";
  const file = new Blob([[names, ...lines, ""].join("\n")], { type: "text/csv" });
  const href = URL.createObjectURL(file);
  element("a", { href, download: "objects.csv" }).click();
  URL.revokeObjectURL(href);
}

// -- cards ----------------------------------------------------------------------------------------

function showCards(first) {
  firstShown = Math.floor(first / PER_PAGE) * PER_PAGE;
  const seen = whenVisible(drawFinding);
  const cards = order.slice(firstShown, firstShown + PER_PAGE).map((i) => card(i, seen));
  $("cards").replaceChildren(...cards);
  const jump = (start) => {
    showCards(start);
    $("tab-objects").scrollTop = 0;
  };
  pages($("found-pages"), order.length, PER_PAGE, firstShown, jump);
  remember();
}

function card(i, seen) {
  const kind = page.kinds[findings.kind[i]];
  const { name } = page.classes[findings.class[i]];
  const extra = GROUPS.extra.includes(kind);
  const confused = kind === "confused" ? `: ${page.classes[findings.found[i]].name}` : "";
  const facts = [`${whole(findings.area[i])} px`];
  if (!["missed", "spurious"].includes(kind)) facts.unshift(`IoU ${findings.iou[i].toFixed(3)}`);
  if (findings.score[i] !== null) facts.push(`score ${findings.score[i].toFixed(2)}`);
  const canvas = element("canvas", { width: 1, height: 1, "aria-hidden": "true" });
  canvas.dataset.index = i;
  seen.observe(canvas);
  const line = (className, text) => element("span", { className, textContent: text });
  return element(
    "li",
    {},
    element(
      "a",
      { href: addressOfFinding(i) },
      canvas,
      line("name", `${extra ? "predicted " : ""}${name} #${findings.id[i]}`),
      line(kind === "matched" ? "" : "bad", kind + confused),
      line("facts", facts.join(", ")),
      line("hint", mainCauses(i)),
      line("hint", page.images[findings.image[i]].name),
    ),
  );
}

// The main causes of the wrong pixels; missed and false-positive ones at the boundary are added.
function mainCauses(i) {
  const areas = new Map();
  for (let p = findings.starts[i]; p < findings.starts[i + 1]; p++) {
    const { title, common } = page.causes[findings.cause[p]];
    const before = areas.get(title)?.area ?? 0;
    areas.set(title, { common, area: before + findings.pixels[p] });
  }
  const parts = [...areas];
  const sum = parts.reduce((total, [, { area }]) => total + area, 0);
  parts.sort(([, a], [, b]) => a.common - b.common || b.area - a.area);
  const main = parts.filter(([, { area, common }]) => area * (common ? 10 : 20) >= sum);
  return main.slice(0, 2).map(([title, { area }]) => `${title} ${percent(area / sum)}`).join(", ");
}

// Draw the surroundings of a finding: what is right, missed, and predicted outside of the object.
async function drawFinding(canvas) {
  const i = Number(canvas.dataset.index);
  const image = await load(findings.image[i]);
  const finding = image.rows[findings.row[i]];
  const [x0, y0, x1, y1] = surroundings(finding, image);
  const scale = Math.min(1, THUMBNAIL[0] / (x1 - x0), THUMBNAIL[1] / (y1 - y0));
  canvas.width = Math.max(1, Math.floor((x1 - x0) * scale));
  canvas.height = Math.max(1, Math.floor((y1 - y0) * scale));
  canvas.classList.toggle("pixels", scale === 1);
  const { width, height } = canvas;
  const positions = [];
  for (let x = 0; x < width; x++) {
    const column = Math.floor(x0 + ((x + 0.5) * (x1 - x0)) / width);
    for (let y = 0; y < height; y++) {
      const line = Math.floor(y0 + ((y + 0.5) * (y1 - y0)) / height);
      positions.push(column * image.height + line);
    }
  }
  const map = new Uint8Array(positions.length);
  const { truth, predicted, known } = finding;
  for (const other of image.rows) if (other.thing) sample(map, positions, other.truth, 4);
  sample(map, positions, combine(truth, predicted, either), BOTH);
  sample(map, positions, combine(predicted, known, without), ONLY_PREDICTION);
  sample(map, positions, combine(truth, predicted, without), ONLY_TRUTH);
  const context = canvas.getContext("2d");
  const { photograph } = image;
  const alphas = photograph ? [0.35, 0.6, 0.6] : [1, 1, 1];
  const colors = STATES.map(([, color], k) => packed(color, alphas[k]));
  const drawing = element("canvas", { width, height });
  const faint = packed(STATES[0][1], photograph ? 0 : 0.3);
  drawMap(drawing.getContext("2d"), map, height, width, Uint32Array.from([0, ...colors, faint]));
  if (photograph) {
    const picture = element("img", { src: photograph });
    await picture.decode();
    const [sx, sy] = [picture.naturalWidth / image.width, picture.naturalHeight / image.height];
    const part = [x0 * sx, y0 * sy, (x1 - x0) * sx, (y1 - y0) * sy];
    context.drawImage(picture, ...part, 0, 0, width, height);
  }
  context.drawImage(drawing, 0, 0);
}

// A rectangle x0, y0, x1, y1 of whole pixels in the image around the objects of a finding.
function surroundings(finding, image) {
  const objects = [finding.object, finding.copied, ...finding.found].filter(Boolean);
  const boxes = objects.map(({ box }) => box);
  const areas = boxes.filter(([x0, y0, x1, y1]) => x1 > x0 && y1 > y0);
  if (!areas.length) areas.push([0, 0, image.width, image.height]);
  const [x0, y0] = [0, 1].map((k) => Math.min(...areas.map((box) => box[k])));
  const [x1, y1] = [2, 3].map((k) => Math.max(...areas.map((box) => box[k])));
  const aspect = THUMBNAIL[0] / THUMBNAIL[1];
  const height = Math.max(1.3 * (y1 - y0), (1.3 * (x1 - x0)) / aspect, 16);
  const within = (middle, size, limit) => {
    const length = Math.min(limit, Math.ceil(size));
    const start = Math.max(0, Math.min(limit - length, Math.round(middle - size / 2)));
    return [start, start + length];
  };
  const [left, right] = within((x0 + x1) / 2, height * aspect, image.width);
  const [top, bottom] = within((y0 + y1) / 2, height, image.height);
  return [left, top, right, bottom];
}
