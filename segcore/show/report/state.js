// The state of the page, and its images, decoded when they are first shown.

const $ = (id) => document.getElementById(id);
const page = JSON.parse($("index").textContent);
const VIEWS = ["Semantic", "Instance", "Panoptic"].concat(
  page.compared ? ["Difference", "Causes"] : [],
);
const SIDES = ["Truth", "Prediction"];
const STATES = [
  ["both", "#b9bfc6"],
  ["only in the truth", "#d61c30"],
  ["only in the prediction", "#4082dc"],
];

const state = {
  tab: "images",
  index: 0, // of the image to show
  image: null, // the current image, as returned by load
  view: page.compared ? "Difference" : "Instance",
  side: "Truth",
  hidden: new Set(), // class indices
  selected: null, // an item of listed()
  opacity: 1,
  outlines: false,
  scale: 1,
  x: 0, // position of the image's top left corner on the stage
  y: 0,
  fitted: true,
};
let shown = null; // the map that was drawn last: {map, height, width}

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
const nameOf = (object) => page.classes[object.class].name;

const compares = () => state.view === "Difference" || state.view === "Causes";

const loaded = new Map(); // the images used last, the latest one at the end
const files = new Map(); // promises of the files with images that were read last
const received = new Map(); // what these files hold, until it is read

// Called by the files of the folder beside the page.
function receiveImages({ file, images }) {
  received.set(file, images);
}

async function read(index) {
  if (!page.files) return JSON.parse($(`image-${index}`).textContent);
  const { starts } = page.files;
  let file = starts.length - 1;
  while (starts[file] > index) file--;
  if (!files.has(file)) files.set(file, readFile(file));
  if (files.size > 16) files.delete(files.keys().next().value);
  const images = await files.get(file);
  return structuredClone(images[index - starts[file]]); // since it is going to be changed
}

// Read a file. If that fails, the promise stays open: there is nothing to show.
function readFile(file) {
  return new Promise((resolve) => {
    const script = element("script", { src: `${page.files.folder}/images-${file}.js` });
    script.onload = () => {
      resolve(received.get(file));
      received.delete(file);
      script.remove();
    };
    script.onerror = () => {
      const folder = decodeURIComponent(page.files.folder);
      $("summary").textContent =
        `The images are in the folder ${folder} beside this page, which cannot be read.`;
      $("summary").className = "bad";
    };
    document.head.append(script);
  });
}

async function load(index) {
  let image = loaded.get(index);
  loaded.delete(index);
  if (!image) {
    image = await read(index);
    const pixels = image.height * image.width;
    for (const side of SIDES) {
      for (const [i, object] of (image[side]?.objects ?? []).entries()) {
        object.ends = decodeCounts(object.counts, pixels);
        object.side = side;
        object.index = i;
      }
    }
    for (const row of image.rows ?? []) prepare(row, image, pixels);
    image.index = index;
    image.pixels = pixels;
  }
  loaded.set(index, image);
  if (loaded.size > 24) loaded.delete(loaded.keys().next().value);
  return image;
}

// Add to a row of the comparison its objects, the mask of the true object and that of its predictions.
function prepare(row, image, pixels) {
  row.object = row.true === null ? null : image.Truth.objects[row.true];
  row.found = row.predicted.map((i) => image.Prediction.objects[i]);
  row.copied = row.original === null ? null : image.Truth.objects[row.original];
  row.truth = row.object ? row.object.ends : [];
  row.predicted = row.found.reduce((ends, object) => combine(ends, object.ends, either), []);
  // The rest of the prediction is shown with the object that it belongs to.
  if (row.kind === "merged") row.predicted = combine(row.predicted, row.truth, both);
  row.known = row.copied ? row.copied.ends : row.truth; // pixels that are not false positives
  row.class = (row.object ?? row.found[0]).class;
  row.thing = page.classes[row.class].thing;
  for (const part of row.parts) part.ends = decodeCounts(part.counts, pixels);
}

// The items of the object list: rows (objects with their predictions) in a comparison, else objects.
function listed() {
  return state.image.rows ?? state.image.Truth.objects;
}
